"""Actions: what a checker is asked to confirm, in words, from the very bytes that it will send."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger import days, reading
from ledger.bindings import decode_call, terms_hash
from ledger.days import DayTotal
from ledger.errors import LedgerError, UsageInvalid
from ledger.events import ListRole
from ledger.executed_terms import deal_terms
from ledger.figures import FigureKind, currency_text
from ledger.lists import OPEN_END
from ledger.messages import text
from ledger.money import currency_decimals, date_of, format
from ledger.periods import check_month, month_text, period
from ledger.pool_assets import path_of, read_document
from ledger.reading import DayStatement
from ledger.records import name_of
from ledger.sealing import business_day

if TYPE_CHECKING:
    from ledger.ledger import Ledger

_MOST_LOANS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What an action does."""

    contract: str
    """Empty for a target that is no contract of this ledger."""
    function: str
    says: tuple[str, ...]
    """Sentences in the user's language; the first one says it all."""


def meaning(ledger: Ledger, action: reading.Action) -> Meaning:
    """What a waiting action does, read from its call data and this folder's book."""
    names = {address: name for name, address in ledger.settings.contracts.items()}
    contract = names.get(action.target, "")
    try:
        if not contract:
            raise ValueError("0x" + action.target.hex())
        function, given = decode_call(contract, action.payload)
    except ValueError as error:
        return Meaning(contract=contract, function="", says=(text("action.unknown", found=error),))
    try:
        says = _WORDS[contract, function](_Reader(ledger), given)
    except (KeyError, LedgerError, OverflowError, ValueError):
        # Anything can be asked for, a day beyond all calendars too: then the plain arguments.
        shown = ", ".join(f"{name} {_plain(value)}" for name, value in given.items())
        says = [text("action.other", contract=contract, function=function, arguments=shown)]
    return Meaning(contract=contract, function=function, says=tuple(says))


class _Reader:
    """What the words of an action are made of."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.book = ledger.book()
        self._names = {one.number: one.member_id for one in reading.members(self.book)}

    def member(self, number: int) -> str:
        return self._names.get(number, str(number))

    def deal(self, label: bytes) -> reading.Deal | None:
        return reading.deal_named(self.book, name_of(label))

    def amount(self, label: bytes, amount_minor: int) -> str:
        """With its currency; in minor units where the deal is not known."""
        found = self.deal(label)
        if found is None:
            return str(amount_minor)
        currency = reading.versions(self.book, found.deal)[0].terms.currency
        return money(amount_minor, currency_text(currency))


def money(amount_minor: int, currency: str) -> str:
    """An amount with its currency."""
    return f"{format(amount_minor, currency_decimals(currency))} {currency}"


def _sign(reader: _Reader, given: dict[str, Any]) -> list[str]:
    name, number = name_of(given["deal_id"]), given["version"]
    found = reader.deal(given["deal_id"])
    versions = reading.versions(reader.book, found.deal) if found else []
    known = next((one for one in versions if one.version == number), None)
    since = date_of(known.terms.effective_date).isoformat() if known else "-"
    said = text(
        "action.sign",
        deal=name,
        version=number,
        since=since,
        hash="0x" + given["terms_hash"].hex(),
    )
    return [said, text(f"action.terms_{_own_terms(reader, name, number, known, given)}")]


def _own_terms(reader: _Reader, name: str, number: int, known: Any, given: dict[str, Any]) -> str:
    """Whether the terms are those of the document in this folder: same, other or missing."""
    try:
        document = reader.ledger.terms(name, number)
    except UsageInvalid:
        return "missing"
    if known is None:
        return "other"
    numbers = {one.member_id: one.number for one in reading.members(reader.book)}
    own = terms_hash(deal_terms(document, numbers, known.terms.effective_date))
    return "same" if own == given["terms_hash"] else "other"


def _of_deal(key: str) -> Callable[[_Reader, dict[str, Any]], list[str]]:
    return lambda reader, given: [text(f"action.{key}", deal=name_of(given["deal_id"]))]


def _release(reader: _Reader, given: dict[str, Any]) -> list[str]:
    return [
        text(
            "action.release",
            deal=name_of(given["deal_id"]),
            amount=reader.amount(given["deal_id"], given["amount_minor"]),
            date=date_of(given["date"]).isoformat(),
            ref=reader.ledger.ref(given["entry_id"]),
        )
    ]


def _reverse_payment(reader: _Reader, given: dict[str, Any]) -> list[str]:
    found = reader.deal(given["deal_id"])
    line = reading.deposit_entry(reader.book, found.deal, given["reversed_id"]) if found else None
    return [
        text(
            "action.reverse_payment",
            deal=name_of(given["deal_id"]),
            amount=reader.amount(given["deal_id"], line.amount_minor if line else 0),
            date=date_of(given["date"]).isoformat(),
            ref=reader.ledger.ref(given["reversed_id"]),
        )
    ]


def _write_off(reader: _Reader, given: dict[str, Any]) -> list[str]:
    deal, found = given["deal_id"], reader.deal(given["deal_id"])
    lost_minor, lines = 0, []
    for _, loan_id, _, day in given["rows"]:
        loan = reading.loan(reader.book, found.deal, loan_id) if found else None
        outstanding = loan.outstanding_minor if loan else 0
        lost_minor += outstanding
        lines.append(
            text(
                "action.write_off_loan",
                ref=reader.ledger.ref(loan_id),
                amount=reader.amount(deal, outstanding),
                date=date_of(day).isoformat(),
            )
        )
    first = text(
        "action.write_off",
        deal=name_of(deal),
        count=len(lines),
        amount=reader.amount(deal, lost_minor),
    )
    more = len(lines) - _MOST_LOANS
    rest = [text("action.write_off_more", count=more)] if more > 0 else []
    return [first, *lines[:_MOST_LOANS], *rest]


def _confirm(reader: _Reader, given: dict[str, Any]) -> list[str]:
    deal, found = given["deal_id"], reader.deal(given["deal_id"])
    owed_minor, lines = 0, []
    for voucher_id, day in given["rows"]:
        voucher = reading.voucher(reader.book, found.deal, voucher_id) if found else None
        minor = voucher.amount_minor if voucher else 0
        owed_minor += minor
        line = text(
            "action.confirm_voucher",
            ref=reader.ledger.ref(voucher_id),
            supplier=reader.member(voucher.supplier if voucher else 0),
            amount=reader.amount(deal, minor),
            due=date_of(voucher.due_date if voucher else 0).isoformat(),
            date=date_of(day).isoformat(),
        )
        lines.append(line)
    amount = reader.amount(deal, owed_minor)
    first = text("action.confirm", deal=name_of(deal), count=len(lines), amount=amount)
    more = len(lines) - _MOST_LOANS
    rest = [text("action.write_off_more", count=more)] if more > 0 else []
    return [first, *lines[:_MOST_LOANS], *rest]


def _core_limit(reader: _Reader, given: dict[str, Any]) -> list[str]:
    bank, core = reader.member(given["bank"]), reader.member(given["core"])
    return [text("action.core_limit", bank=bank, core=core, amount=given["max_minor"])]


def _list_change(reader: _Reader, given: dict[str, Any]) -> list[str]:
    until = given["to_date"]
    return [
        text(
            "action.list_add" if given["listed"] else "action.list_remove",
            bank=reader.member(given["bank"]),
            party=reader.member(given["party"]),
            role=ListRole.shown(given["role"]),
            since=date_of(given["from_date"]).isoformat(),
            until=text("action.open_end") if until == OPEN_END else date_of(until).isoformat(),
        )
    ]


def _declare(reader: _Reader, given: dict[str, Any]) -> list[str]:
    kinds = {kind.number: kind.value for kind in FigureKind}
    return [
        text(
            "action.declare",
            member=reader.member(given["member"]),
            figure=kinds.get(given["figure"], given["figure"]),
            amount=money(given["amount_minor"], currency_text(given["currency"])),
            since=date_of(given["from_date"]).isoformat(),
        )
    ]


def _group(reader: _Reader, given: dict[str, Any]) -> list[str]:
    names = {name: reader.member(given[name]) for name in ("bank", "party", "group")}
    return [text("action.group", **names)]


def _freeze(reader: _Reader, given: dict[str, Any]) -> list[str]:
    """And whether the document in this folder has just these sums and assets."""
    pool = name_of(given["pool_id"])
    path = path_of(reader.ledger.directory, pool, given["root"])
    kept = read_document(path) if path.exists() else None
    minors = {name: given[f"{name}_minor"] for name in ("total", "senior", "junior")}
    first = text(
        "action.freeze",
        pool=pool,
        bank=reader.member(given["owner"]),
        count=given["count"],
        date=date_of(given["date"]).isoformat(),
        root="0x" + given["root"].hex(),
        **{name: money(minor, kept.currency) if kept else minor for name, minor in minors.items()},
    )
    if kept is None:
        return [first, text("action.freeze_missing")]
    sums = len(kept.assets), kept.total_minor, kept.senior_minor, kept.junior_minor
    same = (given["count"], *minors.values()) == sums and kept.root == given["root"]
    return [first, text("action.freeze_same" if same else "action.freeze_other")]


def _close_month(reader: _Reader, given: dict[str, Any]) -> list[str]:
    name, month = name_of(given["deal_id"]), given["month"]
    said = text(
        "action.close_month",
        deal=name,
        month=month_text(check_month(month)),
        version=given["version"],
        date=date_of(given["date"]).isoformat(),
    )
    try:
        found = period(reader.ledger, name, month)
    except LedgerError:
        # A month that is not there to be closed: the contract says so when it is sent.
        return [said]
    due = money(found.statement.platform_minor, found.currency)
    return [said, text("action.due", platform=found.platform, amount=due)]


def _seal_day(reader: _Reader, given: dict[str, Any]) -> list[str]:
    name, said = name_of(given["deal_id"]), DayStatement(*given["statement"])
    on = date_of(given["day"])
    found = business_day(reader.ledger, name, on)
    first = text(
        "action.seal",
        deal=name,
        date=on.isoformat(),
        since=found.since.isoformat(),
        entries=sum(DayTotal.unpack(word).entries for word in said.totals),
        breaks=len(said.breaks),
        digest="0x" + days.digest(given["deal_id"], given["day"], said).hex(),
    )
    if found.book is None:
        # A day that is sealed by now: the contract says so when it is sent.
        return [first]
    differs = days.differences(said, found.book._replace(breaks=said.breaks), found.parties)
    if not differs:
        return [first, text("action.seal_same")]
    sections = dict.fromkeys(one.section.value for one in differs)
    words = ", ".join(text(f"cli.section_{section}") for section in sections)
    return [first, text("action.seal_other", sections=words)]


def _plain(value: object) -> str:
    return "0x" + value.hex() if isinstance(value, bytes) else str(value)


_WORDS: dict[tuple[str, str], Callable[[_Reader, dict[str, Any]], list[str]]] = {
    ("Deals", "sign"): _sign,
    ("Deals", "suspend"): _of_deal("suspend"),
    ("Deals", "resume"): _of_deal("resume"),
    ("Deals", "close"): _of_deal("close"),
    ("Exposures", "declare"): _declare,
    ("Exposures", "declare_group"): _group,
    ("Financing", "set_core_limit"): _core_limit,
    ("Guarantees", "release"): _release,
    ("Guarantees", "reverse_payment"): _reverse_payment,
    ("Journal", "seal_day"): _seal_day,
    ("Lists", "change"): _list_change,
    ("Pools", "freeze"): _freeze,
    ("Servicing", "write_off"): _write_off,
    ("Settlements", "close"): _close_month,
    ("Vouchers", "confirm"): _confirm,
}
"""Contract and function to the words of a call of it."""
