# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
"""
@title Servicing
@license MIT
@notice What happens to a loan besides money (贷后): marked overdue or cured, interest waived, written off; and the mirror of it.
@custom:units Amounts are minor units, at most 2**56 - 1; dates are days since 1970-01-01.
@custom:invariant V1 A write-off takes the whole outstanding off a loan, under four eyes of the lead.
    V2 What is waived is interest or penalty, never principal.
@custom:stop The servicer's or the lead's checker replaces its maker key, or a majority of members expels it, in Members.
"""
from . import loan_words
from . import postings
from . import reasons
from . import tallies
from . import waterfall
from .interfaces import IDeals
from .interfaces import IExposures
from .interfaces import IJournal
from .interfaces import ILoans
from .interfaces import IMembers
from .interfaces import IServicing

implements: IServicing

# ---- constants
MAX_BATCH: constant(uint256) = 250
MAX_WRITE_OFFS: constant(uint256) = 100
MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
MASK_16: constant(uint256) = 2**16 - 1
MASK_56: constant(uint256) = 2**56 - 1
MASK_64: constant(uint256) = 2**64 - 1
# Amounts are one word: principal in bits 0-63, interest 64-127, penalty 128-191, fee 192-255.
AMOUNT_SPILL: constant(uint256) = (255 << 56) | (255 << 120) | (255 << 184) | (255 << 248)
FEE: constant(uint256) = 192
# A feature of a version of the terms, from bit 64 of Division.places on: see IDeals.
WIDE_LIMITS: constant(uint256) = 16 << 64
OVERDUE_MARK: constant(uint256) = 0

# ---- immutables
MEMBERS: immutable(address)
DEALS: immutable(address)
EXPOSURES: immutable(address)
JOURNAL: immutable(address)
LOANS: immutable(address)

# ---- structs
struct OverdueMark:
    entry_id: bytes32
    loan_id: bytes32
    # How many entries were posted on the loan before this one.
    sequence: uint256
    # Day from which the loan is overdue; 0 when it is cured.
    since_date: uint256

struct Waiver:
    entry_id: bytes32
    loan_id: bytes32
    sequence: uint256
    date: uint256
    # Interest and penalty only.
    amounts: uint256

struct WriteOff:
    entry_id: bytes32
    loan_id: bytes32
    sequence: uint256
    date: uint256

struct Reversal:
    entry_id: bytes32
    loan_id: bytes32
    sequence: uint256
    date: uint256
    # The entry to mirror, exactly as posted.
    reversed_id: bytes32
    reversed_kind: uint256
    reversed_date: uint256
    reversed_amounts: uint256
    # The loan's tip before the entry to mirror.
    previous_tip: uint256

# ---- events
# Opens a batch: the deal, version and submitter of the entries that follow it in the transaction.
event EntriesSubmitted:
    deal_id: indexed(bytes32)
    version: indexed(uint256)
    submitter: indexed(uint256)

event LoanMarkedOverdue:
    entry_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    since_date: uint256

event LoanWaived:
    entry_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    date: uint256
    amounts: uint256

event LoanWrittenOff:
    entry_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    date: uint256
    # Principal parts of the funders, 64 bits each: funder i in bits 64 * (i % 4) of word i // 4.
    parts: uint256[2]

event EntryReversed:
    entry_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    reversed_id: indexed(bytes32)
    date: uint256
    reversed_kind: uint256
    # Of the entry mirrored. The legs are its legs, taken back: of the first four parties; FurtherLegs follows.
    amounts: uint256
    legs: uint256[4]

event FurtherLegs:
    entry_id: indexed(bytes32)
    # Of the fifth to twelfth party.
    legs: uint256[8]

# ---- storage
# Deal, loan: interest and penalty waived so far, as amounts.
waived: public(reentrant(HashMap[bytes32, HashMap[bytes32, uint256]]))


@deploy
def __init__(_members: address, _deals: address, _exposures: address, _journal: address, _loans: address):
    MEMBERS = _members
    DEALS = _deals
    EXPOSURES = _exposures
    JOURNAL = _journal
    LOANS = _loans


# ---- external writes
@external
def mark_overdue(_deal_id: bytes32, _version: uint256, _rows: DynArray[OverdueMark, MAX_BATCH]):
    """
    @notice The servicer marks loans overdue (逾期) since a day, or cured.
    @param _deal_id The deal.
    @param _version The version of the terms the loans were booked under.
    @param _rows The marks; all are made or none.
    """
    self._open_batch(_deal_id, _version, True)
    for row: OverdueMark in _rows:
        word: uint256 = staticcall ILoans(LOANS).loan(_deal_id, row.loan_id)
        self._advance(
            _deal_id, _version, row.entry_id, row.loan_id, row.sequence, 0, OVERDUE_MARK, row.since_date & MASK_16, 0
        )
        since: uint256 = loan_words._since(word)
        if row.since_date == 0:
            assert since != 0, reasons.LOAN_NOT_OVERDUE
        else:
            assert word & MASK_56 != 0, reasons.LOAN_SETTLED
            # Not held against the start date: servicers report days counted on an older account.
            assert row.since_date <= MASK_16, reasons.ENTRY_DATE_INVALID
            assert row.since_date != since, reasons.OVERDUE_UNCHANGED
        log LoanMarkedOverdue(entry_id=row.entry_id, loan_id=row.loan_id, since_date=row.since_date)


@external
def waive(_deal_id: bytes32, _version: uint256, _rows: DynArray[Waiver, MAX_BATCH], _late: bool):
    """
    @notice The lead funder waives interest or penalty not yet received (减免).
    @param _deal_id The deal.
    @param _version The version of the terms the loans were booked under.
    @param _rows The waivers; all are made or none.
    @param _late Whether waivers of a sealed day count to the first open one, or are refused.
    """
    self._open_batch(_deal_id, _version, False)
    tally: tallies.Tally = empty(tallies.Tally)
    for row: Waiver in _rows:
        self._advance(
            _deal_id, _version, row.entry_id, row.loan_id, row.sequence, row.date, loan_words.WAIVER, row.amounts, 0
        )
        assert row.amounts & AMOUNT_SPILL == 0, reasons.AMOUNT_TOO_LARGE
        assert row.amounts & MASK_64 == 0 and row.amounts >> FEE == 0, reasons.WAIVER_OF_PRINCIPAL  # V2
        assert row.amounts != 0, reasons.ENTRY_EMPTY
        tally = tallies._add(
            JOURNAL, _deal_id, tally, row.date, loan_words.WAIVER, tallies._sum(row.amounts), _late
        )
        # Field by field: the sums of many waivers must stay inside their fields too.
        waived: uint256 = self.waived[_deal_id][row.loan_id] + row.amounts
        assert waived & AMOUNT_SPILL == 0, reasons.AMOUNT_TOO_LARGE
        self.waived[_deal_id][row.loan_id] = waived
        log LoanWaived(entry_id=row.entry_id, loan_id=row.loan_id, date=row.date, amounts=row.amounts)
    tallies._close(JOURNAL, _deal_id, tally, _late)


@external
def write_off(_deal_id: bytes32, _version: uint256, _rows: DynArray[WriteOff, MAX_WRITE_OFFS]):
    """
    @notice The lead funder's checker writes whole loans off (核销), after its maker's request: each funder loses its part.
    @param _deal_id The deal.
    @param _version The version of the terms the loans were booked under.
    @param _rows The loans; all are written off or none.
    """
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, _version)
    lead: uint256 = extcall IMembers(MEMBERS).confirm(
        msg.sender,
        keccak256(concat(
            convert(self, bytes20),
            abi_encode(
                _deal_id,
                _version,
                _rows,
                method_id=method_id("write_off(bytes32,uint256,(bytes32,bytes32,uint256,uint256)[])"),
            ),
        )),
    )
    assert lead == division.parties & MASK_16, reasons.SENDER_NOT_LEAD
    log EntriesSubmitted(deal_id=_deal_id, version=_version, submitter=lead)
    dividers: DynArray[uint256, 7] = waterfall._dividers(division.shares, (division.places >> 8) & 255)
    totals: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
    tally: tallies.Tally = empty(tallies.Tally)
    lost: int256 = 0
    for row: WriteOff in _rows:
        outstanding: uint256 = staticcall ILoans(LOANS).loan(_deal_id, row.loan_id) & MASK_56
        legs: uint256[MAX_PARTIES] = waterfall._apportion_into(empty(uint256[MAX_PARTIES]), outstanding, dividers, 0)
        for i: uint256 in range(MAX_FUNDERS):
            totals[i] += legs[i]
        self._advance(
            _deal_id,
            _version,
            row.entry_id,
            row.loan_id,
            row.sequence,
            row.date,
            loan_words.WRITE_OFF,
            outstanding,
            outstanding,
        )  # V1
        assert outstanding != 0, reasons.LOAN_SETTLED
        tally = tallies._add(JOURNAL, _deal_id, tally, row.date, loan_words.WRITE_OFF, outstanding, False)
        lost += convert(outstanding, int256)
        log LoanWrittenOff(
            entry_id=row.entry_id,
            loan_id=row.loan_id,
            date=row.date,
            parts=[
                legs[0] | (legs[1] << 64) | (legs[2] << 128) | (legs[3] << 192),
                legs[4] | (legs[5] << 64) | (legs[6] << 128) | (legs[7] << 192),
            ],
        )
    tallies._close(JOURNAL, _deal_id, tally, False)
    postings._post(JOURNAL, _deal_id, division, totals, postings.LOSSES, postings.NOBODY, 1)
    self._report_exposure(_deal_id, _version, division.places, -lost)


@external
def reverse(_deal_id: bytes32, _version: uint256, _row: Reversal):
    """
    @notice The lead funder reverses a waiver or a write-off (冲正), the loan's latest standing entry.
    @param _deal_id The deal.
    @param _version The version of the terms the loan was booked under.
    @param _row The reversal, with the content of the entry it mirrors.
    """
    division: IDeals.Division = self._open_batch(_deal_id, _version, False)
    waiver: bool = _row.reversed_kind == loan_words.WAIVER
    assert waiver or _row.reversed_kind == loan_words.WRITE_OFF, reasons.ENTRY_NOT_LATEST
    principal: uint256 = 0 if waiver else _row.reversed_amounts
    extcall ILoans(LOANS).retract(
        _deal_id,
        _version,
        ILoans.Retraction(
            entry_id=_row.entry_id,
            sequence=_row.sequence,
            date=_row.date,
            reversed=ILoans.Step(
                entry_id=_row.reversed_id,
                loan_id=_row.loan_id,
                sequence=0,
                date=_row.reversed_date,
                kind=_row.reversed_kind,
                content=_row.reversed_amounts,
                principal_minor=principal,
                interest_minor=0,
            ),
            previous_tip=_row.previous_tip,
        ),
    )
    legs: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
    # What a write-off took is in bits 0-63, as its principal.
    amount: uint256 = tallies._sum(_row.reversed_amounts)
    extcall IJournal(JOURNAL).count(_deal_id, _row.date, tallies.REVERSAL, 1, amount, False)
    if waiver:
        self.waived[_deal_id][_row.loan_id] -= _row.reversed_amounts
    else:
        legs = waterfall._apportion_into(
            legs, principal, waterfall._dividers(division.shares, (division.places >> 8) & 255), 0
        )
        postings._post(JOURNAL, _deal_id, division, legs, postings.LOSSES, postings.NOBODY, -1)
        self._report_exposure(_deal_id, _version, division.places, convert(principal, int256))
    log EntryReversed(
        entry_id=_row.entry_id,
        loan_id=_row.loan_id,
        reversed_id=_row.reversed_id,
        date=_row.date,
        reversed_kind=_row.reversed_kind,
        amounts=_row.reversed_amounts,
        legs=[legs[0], legs[1], legs[2], legs[3]],
    )
    if legs[4] | legs[5] | legs[6] | legs[7] != 0:
        log FurtherLegs(entry_id=_row.entry_id, legs=[legs[4], legs[5], legs[6], legs[7], 0, 0, 0, 0])


# ---- internal
@internal
def _open_batch(_deal_id: bytes32, _version: uint256, _by_servicer: bool) -> IDeals.Division:
    """
    @dev Only the maker of the servicer, or of the lead, may go on; the batch's opening event names it.
    """
    number: uint256 = staticcall IMembers(MEMBERS).maker_number(msg.sender)
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, _version)
    if _by_servicer:
        assert number == postings._party(division, postings.SERVICER), reasons.SENDER_NOT_SERVICER
    else:
        assert number == division.parties & MASK_16, reasons.SENDER_NOT_LEAD
    log EntriesSubmitted(deal_id=_deal_id, version=_version, submitter=number)
    return division


@internal
def _report_exposure(_deal_id: bytes32, _version: uint256, _places: uint256, _change: int256):
    if _places & WIDE_LIMITS != 0:
        outstanding: uint256 = 0
        disbursed: uint256 = 0
        outstanding, disbursed = staticcall ILoans(LOANS).volume(_deal_id)
        extcall IExposures(EXPOSURES).moved(_deal_id, _version, _change, outstanding, disbursed)


@internal
def _advance(
    _deal_id: bytes32,
    _version: uint256,
    _entry_id: bytes32,
    _loan_id: bytes32,
    _sequence: uint256,
    _date: uint256,
    _kind: uint256,
    _content: uint256,
    _principal: uint256,
):
    extcall ILoans(LOANS).advance(
        _deal_id,
        _version,
        ILoans.Step(
            entry_id=_entry_id,
            loan_id=_loan_id,
            sequence=_sequence,
            date=_date,
            kind=_kind,
            content=_content,
            principal_minor=_principal,
            interest_minor=0,
        ),
    )
