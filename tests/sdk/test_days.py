"""Statements of business days: against the contract's own figures and a second computation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_hash.auto import keccak

from ledger import days, events, reading
from ledger.bindings import decode_event, decode_output, encode_call, label
from ledger.days import DayTotal
from ledger.entries import Booking, Repayment
from ledger.events import Amounts, fields_of
from ledger.ledger import Ledger
from ledger.money import date_of, day_number
from ledger.reading import DayKind, DayStatement
from ledger.waterfall import Account
from tests.replay import covered
from tests.sdk.merkle_by_the_rfc import root_by_the_rfc
from tests.sdk.sdk_office import COVERED, DEAL, LEAD, SERVICER, booking, repayment

OF_VOUCHERS = {DayKind.CONFIRMATION, DayKind.TRANSFER, DayKind.VOUCHER_PAYMENT}
SECTIONS = "(uint256[16],int256[12],bytes32,bytes32,bytes32[])"


@pytest.fixture(scope="module")
def every_kind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger with every kind of entry. Not to be written to."""
    folder = covered.make(tmp_path_factory.mktemp("days") / "ledger")
    with Ledger.open(folder) as ledger:
        yield ledger


def asked(ledger: Ledger, function: str, *arguments: Any) -> Any:
    data = encode_call("Journal", function, *arguments)
    journal = ledger.settings.contracts["Journal"]
    return decode_output("Journal", function, ledger.engine.call(to=journal, data=data))


def stated(ledger: Ledger, deal: str, day: int) -> DayStatement:
    return days.statement(ledger.book(), ledger.deal(deal), day)


def test_digest_is_that_of_the_encoded_statement() -> None:
    said = DayStatement((3 << 128 | 5, *[0] * 15), (7, -7, *[0] * 10), b"\1" * 32, b"\2" * 32, ())
    encoded = encode(["bytes32", "uint256", SECTIONS], [label("a"), 9, said])
    assert days.digest(label("a"), 9, said) == keccak(encoded)
    assert days.digest(label("a"), 10, said) != keccak(encoded)


# ---- against the contract


@pytest.mark.parametrize("deal", [covered.SHIELD, covered.VOLUME, covered.SHORT])
def test_totals_are_those_that_the_journal_counted(every_kind: Ledger, deal: str) -> None:
    found = every_kind.deal(deal)
    opened = reading.open_days(every_kind.book(), found.deal, found.sealed_through)
    assert opened
    for day in (*list(opened)[:: max(1, len(opened) // 9)], max(opened)):
        if day - min(opened) < 366:
            assert stated(every_kind, deal, day).totals == tuple(
                asked(every_kind, "open_totals", label(deal), day)
            )


@pytest.mark.parametrize("deal", [covered.SHIELD, covered.VOLUME, covered.SHORT])
def test_each_day_has_the_totals_that_the_journal_counted(every_kind: Ledger, deal: str) -> None:
    found, book = every_kind.deal(deal), every_kind.book()
    by_day: defaultdict[int, list[int]] = defaultdict(lambda: [0] * 16)
    for one in reading.counted(book, found.deal, 0, 70_000):
        by_day[one.day][one.kind] += DayTotal(1, one.amount_minor).pack()
    assert min(by_day) == asked(every_kind, "first_day", label(deal))
    for day, words in by_day.items():
        told = [asked(every_kind, "day_total", label(deal), day, kind) for kind in range(16)]
        assert told == words, date_of(day)


def test_every_kind_that_is_counted_is_there(every_kind: Ledger) -> None:
    book = every_kind.book()
    kinds = {
        one.kind
        for deal in reading.deals(book)
        for one in reading.counted(book, deal.deal, 0, 70_000)
    }
    # Those of vouchers are in test_vouchers_on_the_chain.py.
    assert kinds == set(DayKind) - OF_VOUCHERS


@pytest.mark.parametrize("deal", [covered.SHIELD, covered.VOLUME, covered.SHORT])
def test_closing_of_the_last_day_is_what_the_journal_holds(every_kind: Ledger, deal: str) -> None:
    found = every_kind.deal(deal)
    closing = reading.closing(every_kind.book(), found.deal, 70_000)
    accounts = list(Account)
    for member in reading.members(every_kind.book()):
        for number in range(11):
            held = asked(every_kind, "balances", label(deal), member.number * 256 + number)
            assert closing.get((member.number, accounts[number]), 0) == held


# ---- a second computation, from the events


def of_events(ledger: Ledger, deal: str, day: int) -> tuple[list[int], list[bytes]]:
    """Totals and leaves since the last seal, event by event."""
    deal_id, sealed, batch = label(deal), 0, b""
    words, leaves, kinds = [0] * 16, [], {}

    def count(event: Any, kind: int, amounts: tuple[int, ...], total: int, **other: Any) -> None:
        own = other.get("own", getattr(event, "entry_id", None))
        loan = getattr(event, "loan_id", bytes(32))
        dated = other.get("dated", getattr(event, "date", None))
        back = getattr(event, "reversed_id", bytes(32))
        kinds[own, kind == 1] = kind
        if sealed < max(dated, sealed + 1) <= day:
            words[kind] += (1 << 128) + total
            numbers = dated, *amounts
            leaves.append(
                own + kind.to_bytes(32, "big") + loan
                + b"".join(number.to_bytes(32, "big") for number in numbers) + back
            )  # fmt: skip

    for event in _whole(ledger):
        if isinstance(event, events.EntriesSubmitted):
            batch = event.deal_id
        elif isinstance(event, events.DaySealed) and event.deal_id == deal_id:
            if event.day >= day:
                break
            sealed = event.day
            words, leaves = [0] * 16, []
        elif getattr(event, "deal_id", batch) != deal_id:
            continue
        elif isinstance(event, events.LoanBooked):
            principal, fee = sum(fields_of(event.parts)), _FEES.get(event.loan_id, 0)
            start = event.particulars & 0xFFFF
            count(event, 1, (principal, 0, 0, fee), principal, own=event.loan_id, dated=start)
        elif isinstance(event, events.LoanRepaid):
            amounts = Amounts.unpack(sum(event.legs))
            count(event, 2, amounts, sum(amounts))
        elif isinstance(event, events.LoanWaived):
            amounts = Amounts.unpack(event.amounts)
            count(event, 3, amounts, sum(amounts))
        elif isinstance(event, events.LoanWrittenOff):
            lost = sum(fields_of(event.parts))
            count(event, 4, (lost, 0, 0, 0), lost)
        elif isinstance(event, events.LoanCompensated | events.CompensationReversed):
            parts = [sum(fields_of(p)) for p in (event.principal_parts, event.interest_parts)]
            back = isinstance(event, events.CompensationReversed)
            count(event, 12 if back else 5, (*parts, 0, 0), sum(fields_of(event.pays)))
        elif isinstance(event, events.LoanRecovered | events.RecoveryReversed):
            amounts = Amounts.unpack(event.amounts)
            total = amounts.principal_minor if event.kind == 6 else sum(amounts)
            back = isinstance(event, events.RecoveryReversed)
            count(event, 12 if back else event.kind, amounts, total)
        elif isinstance(event, events.EntryReversed):
            amounts = Amounts.unpack(event.amounts if event.reversed_kind == 3 else sum(event.legs))
            count(
                event, 12, amounts, sum(amounts[:3]) if event.reversed_kind == 1 else sum(amounts)
            )
        elif isinstance(
            event,
            events.DepositPaid
            | events.DepositReleased
            | events.DepositReversed
            | events.SettlementPaid
            | events.PaymentReversed,
        ):
            kind = _KINDS.get(type(event).__name__, 12)
            count(event, kind, (event.amount_minor, 0, 0, 0), event.amount_minor)
        elif isinstance(event, events.PeriodClosed):
            amount = event.platform_minor
            count(event, 10, (amount, 0, 0, 0), amount, own=event.month.to_bytes(32, "big"))
    return words, leaves


_FEES: dict[bytes, int] = {}
_KINDS = {"DepositPaid": 8, "DepositReleased": 9, "SettlementPaid": 11}


def _whole(ledger: Ledger) -> list[Any]:
    """Every event, those with further legs together with them; what loans cost is apart."""
    found: list[Any] = []
    for log in ledger.engine.logs(1, ledger.engine.head().number):
        event = decode_event(log)
        if isinstance(event, events.FurtherLegs):
            last = found.pop()
            found.append(last._replace(legs=(*last.legs, *event.legs)))
        elif isinstance(event, events.LoanFeeCharged):
            _FEES[event.loan_id] = sum(fields_of(event.parts))
        else:
            found.append(event)
    return found


@pytest.mark.parametrize("deal", [covered.SHIELD, covered.VOLUME, covered.SHORT])
def test_totals_and_entries_are_those_of_the_events(every_kind: Ledger, deal: str) -> None:
    found = every_kind.deal(deal)
    opened = list(reading.open_days(every_kind.book(), found.deal, found.sealed_through))
    for day in {opened[0], opened[len(opened) // 2], opened[-1]}:
        words, leaves = of_events(every_kind, deal, day)
        own = stated(every_kind, deal, day)
        assert own.totals == tuple(words)
        assert own.entries == root_by_the_rfc(sorted(leaves))


# ---- closing balances


def test_closing_balances_are_exact_whatever_is_posted_later(
    ledger: Ledger, tmp_path: Path
) -> None:
    loans: list[Booking] = [
        booking(f"L-{at}", start_date=date(2026, 1, 10) + timedelta(at)) for at in range(6)
    ]
    repaid: list[Repayment] = [
        repayment(f"R-{at}", f"L-{at}", date=date(2026, 1, 12) + timedelta(at)) for at in range(4)
    ]
    ledger.submit(loans, deal=DEAL, by=SERVICER)
    ledger.submit(repaid, deal=DEAL, by=SERVICER)
    deal = ledger.deal(DEAL).deal
    for at, day in enumerate((date(2026, 1, 11), date(2026, 1, 12), date(2026, 1, 14))):
        # What a ledger comes to in which nothing later was ever posted.
        early = _only_up_to(tmp_path / f"early-{at}", day, loans, repaid)
        assert reading.closing(ledger.book(), deal, day_number(day)) == early


def _only_up_to(
    folder: Path, day: date, loans: list[Booking], repaid: list[Repayment]
) -> dict[tuple[int, Account], int]:
    from ledger import consortium, terms
    from ledger.founding import found
    from tests.cli.office import CONSORTIUM, TERMS

    folder.mkdir()
    (folder / "consortium.toml").write_text(CONSORTIUM, "utf-8")
    found(folder / "ledger", consortium.load(folder / "consortium.toml"), dev=True)
    (folder / "deal.toml").write_text(TERMS, "utf-8")
    agreed = terms.load(folder / "deal.toml")
    with Ledger.open(folder / "ledger") as ledger:
        ledger.propose(agreed, by=SERVICER)
        for party in agreed.parties:
            ledger.sign(DEAL, by=party)
        booked = [one for one in loans if one.start_date <= day]
        ledger.submit(booked, deal=DEAL, by=SERVICER)
        ledger.submit([one for one in repaid if one.date <= day], deal=DEAL, by=SERVICER)
        found_balances = {
            (party, account): amount
            for party, accounts in reading.balances(
                ledger.book(), 1, reading.versions(ledger.book(), 1)[0].terms
            ).items()
            for account, amount in accounts.items()
            if amount
        }
    return found_balances


def test_closing_balances_hash_what_is_not_zero_in_order() -> None:
    closing = {(2, Account.CASH): -5, (1, Account.LOANS): 5, (1, Account.FEES): 0}
    words = [1, 2, 5, 2, 0, -5]
    encoded = b"".join(word.to_bytes(32, "big", signed=True) for word in words)
    assert days.balances_hash(closing) == keccak(encoded)


# ---- business days


def test_late_entry_counts_to_the_first_open_day_and_keeps_its_date(ledger: Ledger) -> None:
    ledger.submit([booking()], deal=DEAL, by=SERVICER)
    sealed = date(2026, 2, 28)
    for party in (LEAD, SERVICER):
        ledger.seal(DEAL, date=sealed, by=party)
    ledger.submit([repayment()], deal=DEAL, by=SERVICER, late=True)
    found = ledger.deal(DEAL)
    (late,) = reading.counted(ledger.book(), found.deal, found.sealed_through, 70_000)
    assert (date_of(late.date), date_of(late.day)) == (date(2026, 2, 10), date(2026, 3, 1))
    (seal,) = reading.seals(ledger.book(), found.deal)
    again = days.digest(label(DEAL), seal.day, stated(ledger, DEAL, seal.day))
    assert again == seal.digest
    next_day = day_number(sealed) + 1
    assert DayTotal.unpack(stated(ledger, DEAL, next_day).totals[DayKind.REPAYMENT]).entries == 1


def test_entries_of_all_open_days_are_in_the_statement(ledger: Ledger) -> None:
    ledger.submit([booking("L-1"), booking("L-2", start_date=date(2026, 1, 20))],
                  deal=DEAL, by=SERVICER)  # fmt: skip
    first, both = (stated(ledger, DEAL, day_number(date(2026, 1, day))) for day in (19, 20))
    assert DayTotal.unpack(first.totals[DayKind.BOOKING]) == (1, 780_000)
    assert DayTotal.unpack(both.totals[DayKind.BOOKING]) == (2, 1_560_000)


def test_marks_count_to_no_day(insured: Ledger) -> None:
    from tests.sdk.sdk_office import overdue

    insured.submit([booking(), overdue()], deal=COVERED, by=SERVICER)
    found = insured.deal(COVERED)
    kinds = [one.kind for one in reading.counted(insured.book(), found.deal, 0, 70_000)]
    assert sorted(kinds) == [DayKind.BOOKING, DayKind.DEPOSIT_PAID]


# ---- what differs


def test_differences_name_each_number() -> None:
    own = DayStatement(
        (0, 0, 2 << 128 | 500, *[0] * 13),
        (10, -10, *[0] * 10),
        b"\1" * 32,
        b"\2" * 32,
        (b"\5" * 32,),
    )
    other = DayStatement(
        (0, 0, 1 << 128 | 200, *[0] * 13), (4, -4, *[0] * 10), b"\1" * 32, b"\3" * 32, ()
    )
    found = days.differences(own, other, ["bank", "platform"])
    assert [(one.section.value, one.what, one.own, one.other) for one in found] == [
        ("totals", "repayment entries", 2, 1),
        ("totals", "repayment amount_minor", 500, 200),
        ("clearing", "bank", 10, 4),
        ("clearing", "platform", -10, -4),
        ("entries", "root", "02" * 32, "03" * 32),
        ("breaks", "break", "05" * 32, None),
    ]
    assert days.differences(own, own, ["bank", "platform"]) == []


def test_sections_are_the_bits_of_a_dispute() -> None:
    assert [one.value for one in days.sections_of(0b10011)] == ["totals", "clearing", "breaks"]
