"""Rows of the tables that analysts get, but for the journal's: read from the book as it stands."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from ledger import days, reading
from ledger.consortium import Licence, Role
from ledger.entries import Method, Purpose
from ledger.events import ListRole, Particulars, Place
from ledger.exports.schema import ENTRIES_PER_BLOCK
from ledger.exports.sources import Source, SourceDeal
from ledger.founding import named
from ledger.lists import OPEN_END
from ledger.money import DayCount, date_of
from ledger.periods import month_text
from ledger.reading.journal import booked_loans, loan_claims, moves
from ledger.waterfall import Account

Value = int | str | None
Row = tuple[Value, ...]
OfDeal = dict[str, Callable[[Source, SourceDeal], Iterable[Row]]]
"""Table to its rows of a deal."""


def entry_number(place: Place) -> int:
    """The number of an entry: where its event stands on the chain, in one integer."""
    return numbered(place.block, place.log)


def numbered(block: int, log: int) -> int:
    """The number of the entry whose event stands there."""
    assert log < ENTRIES_PER_BLOCK, (block, log)
    return block * ENTRIES_PER_BLOCK + log


def day(number: int) -> str | None:
    """A day of the chain as ISO text; 0 is none."""
    return date_of(number).isoformat() if number else None


def hexed(known: bytes) -> str | None:
    """Bytes in hex; none where there are none."""
    return "0x" + known.hex() if known else None


def ref_of(found: Source, known: bytes) -> str | None:
    """The text behind an id, if this folder knows it."""
    if not known:
        return None
    ref = found.ref(known)
    return None if ref == hexed(known) else ref


# ---- of the ledger


def _ledger(found: Source) -> Iterator[Row]:
    yield found.chain_id, found.name, found.head, hexed(found.head_hash)


def _members(found: Source) -> Iterator[Row]:
    for one in found.members.values():
        yield (
            one.member_id, one.number, one.name, " ".join(named(list(Role), one.roles)),
            " ".join(named(list(Licence), one.licences)), hexed(one.maker), hexed(one.checker),
            hexed(one.validator) if any(one.validator) else None, one.expelled,
        )  # fmt: skip


def _list_changes(found: Source) -> Iterator[Row]:
    for bank in found.members:
        for line, one in enumerate(reading.list_changes(found.book, bank), 1):
            yield (
                found.member_id(bank), line, found.member_id(one.party),
                ListRole.of(one.role).value, int(one.listed), day(one.from_date),
                None if one.to_date == OPEN_END else day(one.to_date), one.block,
            )  # fmt: skip


OF_LEDGER: dict[str, Callable[[Source], Iterable[Row]]] = {
    "ledger": _ledger,
    "members": _members,
    "list_changes": _list_changes,
}


# ---- of a deal, before its journal


def _deals(found: Source, deal: SourceDeal) -> Iterator[Row]:
    terms, own = deal.terms, deal.deal
    yield (
        own.name, own.status, own.version, deal.currency, deal.decimals,
        list(DayCount)[terms.day_count].value, found.member_id(terms.parties[terms.servicer]),
        found.member_id(terms.parties[terms.disbursed_by]),
        found.member_id(terms.parties[terms.collected_by]), day(own.sealed_through),
    )  # fmt: skip


def _deal_parties(found: Source, deal: SourceDeal) -> Iterator[Row]:
    shares = deal.terms.shares_ppm
    for at, party in enumerate(deal.terms.parties):
        share = shares[at] if at < len(shares) else None
        yield deal.deal.name, found.member_id(party), at + 1, share


def _versions(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for one in reading.versions(found.book, deal.number):
        terms = one.terms
        yield (
            deal.deal.name, one.version, found.member_id(one.proposer),
            date_of(terms.effective_date).isoformat(), int(one.in_force), hexed(one.terms_hash),
            hexed(terms.document_digest),
        )  # fmt: skip


def _version_signatures(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for one in reading.versions(found.book, deal.number):
        for party in sorted(reading.signers(found.book, deal.number, one.version)):
            yield deal.deal.name, one.version, found.member_id(party)


def _loans(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for one, block, log in booked_loans(found.book, deal.number):
        said = Particulars.unpack(one.particulars)
        yield (
            numbered(block, log), deal.deal.name, hexed(one.loan_id), ref_of(found, one.loan_id),
            hexed(one.borrower_id), ref_of(found, one.borrower_id), one.version,
            date_of(said.start_date).isoformat(), date_of(said.maturity_date).isoformat(),
            said.annual_rate_ppm, list(Method)[said.method].value,
            list(Purpose)[said.purpose].value, one.principal_minor, one.outstanding_minor,
            one.status, day(one.since_date), one.waived_interest_minor, one.waived_penalty_minor,
            one.lost_minor, one.claims_minor,
        )  # fmt: skip


# ---- of a deal, after its journal


def _claims(found: Source, deal: SourceDeal) -> Iterator[Row]:
    terms = {one.version: one.terms for one in reading.versions(found.book, deal.number)}
    for one in loan_claims(found.book, deal.number):
        ruling = terms[one.version]
        payer = ruling.parties[ruling.layers[one.layer].payer]
        if found.wants(payer):
            loan = numbered(one.block, one.log)
            yield loan, one.layer + 1, found.member_id(payer), one.paid_minor, one.open_minor


def _balances(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for party, own in sorted(reading.balances(found.book, deal.number, deal.terms).items()):
        if found.wants(party):
            for account, amount_minor in own.items():
                yield deal.deal.name, found.member_id(party), account.value, amount_minor


def _day_balances(found: Source, deal: SourceDeal) -> Iterator[Row]:
    closing: Counter[tuple[int, Account]] = Counter()
    for move in moves(found.book, deal.number):
        place = move.party, move.account
        closing[place] += move.amount_minor
        if found.wants(move.party):
            yield (
                deal.deal.name, day(move.day), found.member_id(move.party), move.account.value,
                move.amount_minor, closing[place],
            )  # fmt: skip


def _seals(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for one in reading.seals(found.book, deal.number):
        signed = reading.day_signatures(found.book, deal.number, one.day).values()
        said = next((s.statement for s in signed if s.digest == one.digest), None)
        yield (
            deal.deal.name, day(one.day), hexed(one.digest), hexed(said.entries) if said else None,
            hexed(said.balances) if said else None, len(said.breaks) if said else None, one.block,
        )  # fmt: skip


def _day_signatures(found: Source, deal: SourceDeal) -> Iterator[Row]:
    # A statement has its parties in the order of the newest terms, which never change (D6).
    order = days.parties(found.book, deal.deal)
    for number in reading.signed_days(found.book, deal.number):
        for party, one in reading.day_signatures(found.book, deal.number, number).items():
            clearing = one.statement.clearing_minor[order.index(party)]
            yield (
                deal.deal.name, day(number), found.member_id(party), hexed(one.digest), clearing,
                one.block,
            )  # fmt: skip


def _day_disputes(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for number in reading.signed_days(found.book, deal.number):
        disputes = reading.day_disputes(found.book, deal.number, number)
        for line, one in enumerate(disputes, 1):
            sections = " ".join(section.value for section in days.sections_of(one.sections))
            against = found.member_id(one.against) if one.against else None
            yield (
                deal.deal.name, day(number), line, found.member_id(one.party), against, sections,
                one.block,
            )  # fmt: skip


def _settlements(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for one in reading.settlements(found.book, deal.number):
        yield (
            deal.deal.name, one.number, day(one.day), int(one.of_sealed_day),
            found.member_id(one.party), one.block,
        )  # fmt: skip


def _settlement_payments(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for made in reading.settlements(found.book, deal.number):
        for one in made.payments:
            yield (
                deal.deal.name, made.number, one.payment + 1, found.member_id(one.payer),
                found.member_id(one.payee), one.amount_minor, one.paid_minor,
            )  # fmt: skip


def _settlement_lines(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for one in reading.settlement_lines(found.book, deal.number):
        yield (
            numbered(one.block, one.log), deal.deal.name, one.number, one.payment + 1,
            one.amount_minor, hexed(one.reference_id), ref_of(found, one.reference_id),
        )  # fmt: skip


def _statements(found: Source, deal: SourceDeal) -> Iterator[Row]:
    terms = {one.version: one.terms for one in reading.versions(found.book, deal.number)}
    for one in reading.statements(found.book, deal.number):
        ruling = terms[one.version]
        yield (
            deal.deal.name, month_text(one.month), entry_number(one.place), one.version,
            one.opening_minor, one.outstanding_minor, str(one.balance_days_minor),
            one.interest_minor, one.loss_minor, one.disbursed_minor, one.overdue_minor,
            one.bank_return_minor, one.carried_minor, one.carry_minor,
            found.member_id(ruling.parties[ruling.period.to]), one.platform_minor,
        )  # fmt: skip


def _statement_parts(found: Source, deal: SourceDeal) -> Iterator[Row]:
    terms = {one.version: one.terms for one in reading.versions(found.book, deal.number)}
    for one in reading.statements(found.book, deal.number):
        for party, part in zip(terms[one.version].parties, one.parts_minor, strict=False):
            if found.wants(party):
                yield deal.deal.name, month_text(one.month), found.member_id(party), part


def _deposit_lines(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for one in reading.deposit_lines(found.book, deal.number):
        yield (
            numbered(one.block, one.log), deal.deal.name, one.kind.value, one.amount_minor,
            one.deposit_minor,
        )  # fmt: skip


def _top_ups(found: Source, deal: SourceDeal) -> Iterator[Row]:
    for line, one in enumerate(reading.top_ups(found.book, deal.number), 1):
        yield (
            deal.deal.name, line, one.amount_minor, one.deposit_minor, one.outstanding_minor,
            one.block,
        )  # fmt: skip


def day_rows(found: Source, deal: SourceDeal, entries: Mapping[int, int]) -> Iterator[Row]:
    """The table `days`; `entries`: of a business day how many count to it."""
    sealed = [seal.day for seal in reading.seals(found.book, deal.number)]
    moved = {move.day for move in moves(found.book, deal.number)}
    signed = reading.signed_days(found.book, deal.number)
    for number in sorted({*entries, *moved, *sealed, *signed}):
        at = bisect_left(sealed, number)
        sealed_with = day(sealed[at]) if at < len(sealed) else None
        yield deal.deal.name, day(number), entries.get(number, 0), sealed_with


BEFORE_JOURNAL: OfDeal = {
    "deals": _deals,
    "deal_parties": _deal_parties,
    "versions": _versions,
    "version_signatures": _version_signatures,
    "loans": _loans,
}
AFTER_JOURNAL: OfDeal = {
    "claims": _claims,
    "balances": _balances,
    "day_balances": _day_balances,
    "seals": _seals,
    "day_signatures": _day_signatures,
    "day_disputes": _day_disputes,
    "settlements": _settlements,
    "settlement_payments": _settlement_payments,
    "settlement_lines": _settlement_lines,
    "statements": _statements,
    "statement_parts": _statement_parts,
    "deposit_lines": _deposit_lines,
    "top_ups": _top_ups,
}
