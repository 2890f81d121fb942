"""Today: what a member has to do, each with the page on which it is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from ledger import actions, deposits, reading, sealing
from ledger.console import addresses
from ledger.console.page import Line, Page, Picture, Sheet, col, named, sheet
from ledger.console.pages import audit, charts
from ledger.console.view import View, iso
from ledger.days import signing_parties
from ledger.errors import Reverted
from ledger.events import FUNDERS
from ledger.messages import text
from ledger.money import date_of
from ledger.periods import month_text
from ledger.reckoning import month_of
from ledger.reconcile.register import Register
from ledger.reconcile.report import bucket_of
from ledger.reporting.report import NOTHING, Shape, Unit, Value, word
from ledger.waterfall import Account

DAYS_LISTED = 5
"""Of the days of a deal that wait for a member's signature, the oldest; its page has all."""


class _Duty(NamedTuple):
    """Something that the member has to do."""

    kind: str
    deal: str
    what: str
    times: int | None
    amount_minor: int | None
    shape: Shape
    link: str


def today(view: View) -> Page:
    """What the member must do, and how its deals stand."""
    day = view.day()
    duties = list(_duties(view, day))
    return Page(
        title=text("console.today_title", date=iso(day)),
        tab="today",
        lead=text("console.today_lead" if duties else "console.today_nothing", count=len(duties)),
        sheets=(*_to_do(duties), *_standing(view)),
        links=((text("console.link_position"), f"/position?date={iso(day)}"),),
        pictures=tuple(_pictures(view, duties)),
        below=True,
        sure=not duties,
        document={"member": view.member.member_id, "date": iso(day)},
    )


def _pictures(view: View, duties: list[_Duty]) -> Iterator[Picture]:
    """What is outstanding, with whom or to whom, and how old the open breaks are."""
    until = view.query.get("date", "")
    deals = [one for one in view.deals if one.version]
    own = view.member.number
    funded = [one for one in deals if own in _funders(view, one)]
    if len(funded) > 1:
        yield charts.beside("concentration", half=True, until=until)
    elif deals:
        greatest = max(deals, key=lambda one: _outstanding(view, one))
        yield charts.beside("outstanding", greatest.name, half=True, until=until)
    if any(one.kind == "breaks" for one in duties):
        yield charts.beside("breaks", half=True, until=until)


def _outstanding(view: View, deal: reading.Deal) -> int:
    held = reading.balances(view.book, deal.deal, view.ruling(deal).terms)
    return sum(accounts[Account.LOANS] for accounts in held.values())


def _funders(view: View, deal: reading.Deal) -> tuple[int, ...]:
    terms = view.ruling(deal).terms
    return terms.parties[: len(terms.shares_ppm)]


def _to_do(duties: list[_Duty]) -> Iterator[Sheet]:
    columns = (
        col("duty"),
        col("deal"),
        col("what"),
        col("count", Unit.COUNT),
        col("amount_at_stake", Unit.AMOUNT),
    )
    shapes = list(dict.fromkeys(one.shape for one in duties)) or [NOTHING]
    for shape in shapes:
        lines = [
            Line(
                (word("console.duty", one.kind), one.deal, one.what, one.times, one.amount_minor),
                {"what": one.link, "deal": addresses.deal(one.deal)}
                if one.deal
                else {"what": one.link},
            )
            for one in duties
            if one.shape == shape
        ]
        key = "to_do" if shape in (NOTHING, shapes[0]) else f"to_do_{shape.currency.lower()}"
        named = "to_do_in" if shape.currency else "to_do"
        title = text(f"console.table_{named}", currency=shape.currency)
        yield sheet(key, columns, lines, shape, title=title)


def _standing(view: View) -> Iterator[Sheet]:
    """The member's deals: what each party has out, and how far the days are sealed."""
    columns = (
        col("deal"),
        col("status"),
        col("outstanding", Unit.AMOUNT, total=True),
        col("outstanding_own", Unit.AMOUNT, total=True),
        col("clearing", Unit.AMOUNT, total=True),
        col("sealed_through", Unit.DAY),
    )
    shapes = {one: view.shape(one) for one in view.deals}
    for shape in dict.fromkeys(shapes.values()):
        lines = [
            Line(_deal_values(view, one), _deal_links(view, one))
            for one, own in shapes.items()
            if own == shape
        ]
        yield sheet(f"deals_{shape.currency.lower()}", columns, lines, shape,
                    title=text("console.table_deals", currency=shape.currency))  # fmt: skip


def _deal_values(view: View, deal: reading.Deal) -> tuple[Value, ...]:
    held = reading.balances(view.book, deal.deal, view.ruling(deal).terms)
    own = held.get(view.member.number, {})
    return (
        deal.name,
        named("deal_status", deal.status),
        sum(accounts[Account.LOANS] for accounts in held.values()),
        own.get(Account.LOANS, 0),
        own.get(Account.CLEARING, 0),
        deal.sealed_through or None,
    )


def _deal_links(view: View, deal: reading.Deal) -> dict[str, str]:
    name, own = deal.name, view.member.member_id
    links = {
        "deal": addresses.deal(name),
        "outstanding": addresses.deal(name, "balances"),
        "outstanding_own": addresses.account(name, Account.LOANS.value, own),
        "clearing": addresses.account(name, Account.CLEARING.value, own),
    }
    if not view.is_party(deal):
        links = {key: links[key] for key in ("deal", "outstanding")}
    if deal.sealed_through:
        links["sealed_through"] = addresses.day(name, iso(deal.sealed_through))
    return links


# ---- duties


def _duties(view: View, day: int) -> Iterator[_Duty]:
    yield from _approvals(view)
    for what, count in audit.duties(view):
        yield _Duty("audit", "", what, count, None, NOTHING, "/audit")
    with Register(view.ledger.directory) as register:
        waiting = register.open(member=view.member.member_id, today=day)
    for deal in view.deals:
        shape = view.shape(deal)
        yield from _terms(view, deal, shape)
        own = [one for one in waiting if one.deal == deal.name and one.date <= day]
        ages, risks = Counter[str](), Counter[str]()
        for one in own:
            bucket = bucket_of(one.age_days(day))
            ages[bucket] += 1
            risks[bucket] += one.at_risk_minor
        for bucket, count in ages.items():
            what = text("console.duty_breaks", bucket=bucket)
            link = f"/breaks?deal={deal.name}"
            yield _Duty("breaks", deal.name, what, count, risks[bucket], shape, link)
        if deal.version and view.is_party(deal):
            yield from _days(view, deal, shape, day)
            yield from _deposit(view, deal, shape)
            yield from _claims(view, deal, shape, day)
            yield from _payments(view, deal, shape)
            yield from _month(view, deal, shape, day)


def _approvals(view: View) -> Iterator[_Duty]:
    for one in reading.actions(view.book):
        if one.number == view.member.number:
            says = actions.meaning(view.ledger, one).says[0]
            link = addresses.action(one.action_id)
            yield _Duty("approval", "", says, None, None, NOTHING, link)


def _terms(view: View, deal: reading.Deal, shape: Shape) -> Iterator[_Duty]:
    newest = reading.versions(view.book, deal.deal)[-1]
    signed = reading.signers(view.book, deal.deal, newest.version)
    own = view.member.number
    if not newest.in_force and own in newest.terms.parties and own not in signed:
        what = text("console.duty_terms", version=newest.version)
        link = addresses.deal(deal.name, f"terms/{newest.version}")
        yield _Duty("terms", deal.name, what, None, None, shape, link)


def _days(view: View, deal: reading.Deal, shape: Shape, day: int) -> Iterator[_Duty]:
    """Days before this one that wait for the member's signature; today's is not over."""
    own = view.member.number
    if own not in signing_parties(view.book, deal):
        return
    waiting = [
        one
        for one in reading.open_days(view.book, deal.deal, deal.sealed_through)
        if one < day and own not in reading.day_signatures(view.book, deal.deal, one)
    ]
    for one in waiting[:DAYS_LISTED]:
        link = addresses.day(deal.name, iso(one))
        what = text("console.duty_seal", date=iso(one))
        yield _Duty("seal", deal.name, what, None, None, shape, link)
    if len(waiting) > DAYS_LISTED:
        what = text("console.duty_seal_more", count=len(waiting) - DAYS_LISTED)
        yield _Duty("seal", deal.name, what, None, None, shape, addresses.deal(deal.name, "days"))
    signed = [day for day in reading.signed_days(view.book, deal.deal) if day > deal.sealed_through]
    for found, _ in sealing.business_days(view.ledger, deal.name, [(one, 0) for one in signed]):
        if found.disputes:
            link = addresses.day(deal.name, found.on.isoformat())
            what = text("console.duty_dispute", date=found.on.isoformat())
            yield _Duty("dispute", deal.name, what, len(found.disputes), None, shape, link)


def _deposit(view: View, deal: reading.Deal, shape: Shape) -> Iterator[_Duty]:
    terms = view.ruling(deal).terms
    if terms.deposit.depositor == FUNDERS:
        return
    try:
        found = deposits.deposit_ledger(view.ledger, deal.name)
    except Reverted:
        return
    for line in ("stop", "warn", "target"):
        if not found.meets(getattr(found.terms, f"{line}_ppm")):
            missing = found.demands_minor(found.terms.target_ppm) - found.deposit_minor
            what = text(f"console.duty_deposit_{line}", party=found.depositor)
            link = addresses.deal(deal.name, "deposit")
            yield _Duty("deposit", deal.name, what, None, missing, shape, link)
            return


def _claims(view: View, deal: reading.Deal, shape: Shape, day: int) -> Iterator[_Duty]:
    """Loans past the trigger day, said to whoever runs the claims or pays them."""
    terms = view.ruling(deal).terms
    if not terms.layers:
        return
    payers = {terms.parties[layer.payer] for layer in terms.layers}
    if view.member.number not in {*payers, *terms.parties[: len(terms.shares_ppm)],
                                  terms.parties[terms.servicer]}:  # fmt: skip
        return
    due = reading.overdue_sum(view.book, deal.deal, day - terms.claim.days_past_due)
    if due.loans:
        what = text("console.duty_claims", days=terms.claim.days_past_due)
        link = addresses.deal(deal.name, "claims")
        yield _Duty("claims", deal.name, what, due.loans, due.outstanding_minor, shape, link)


def _payments(view: View, deal: reading.Deal, shape: Shape) -> Iterator[_Duty]:
    found = reading.settlement(view.book, deal.deal)
    for one in found.payments if found else ():
        if one.rest_minor and one.payer == view.member.number:
            assert found is not None
            own = f"{deal.name}/{found.number}/{one.payment + 1}"
            what = text("console.duty_pay", id=own, payee=view.names[one.payee])
            link = addresses.deal(deal.name, f"settlements/{found.number}")
            yield _Duty("payment", deal.name, what, None, one.rest_minor, shape, link)


def _month(view: View, deal: reading.Deal, shape: Shape, day: int) -> Iterator[_Duty]:
    """The first month that is over and not closed, and how many are, said to who may close it."""
    began = reading.first_day(view.book, deal.deal)
    if began is None or deal.closed or not view.ruling(deal).terms.period.rule:
        return
    if view.member.number not in signing_parties(view.book, deal):
        return
    closed = reading.statements(view.book, deal.deal)
    # Before any is closed an entry of an earlier month may come: its page says which is first.
    first = closed[-1].month + 1 if closed else month_of(date_of(began))
    over = month_of(date_of(day)) - first
    if over > 0:
        what = text("console.duty_month", month=month_text(first))
        link = addresses.deal(deal.name, "statements")
        yield _Duty("month", deal.name, what, over, None, shape, link)
