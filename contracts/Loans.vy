# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
# pragma optimize gas
"""
@title Loans
@license MIT
@notice The loans of each deal: booked, repaid, marked overdue, waived, written off, reversed. Divides every entry to the fen and posts it.
@custom:units Amounts are minor units, at most 2**56 - 1; rates are parts per million a year; dates are days since 1970-01-01.
@custom:invariant L1 The legs of every entry add up to the entry, for principal, interest, penalty and fee each.
    L2 A party's part of a loan is the apportionment of the loan's outstanding by the funding shares (M3).
    L3 An entry is posted at its loan's next sequence number only: whoever posts has seen every earlier entry of the loan.
    L4 A reversal mirrors the latest entry of its loan that stands, and nothing else.
    L5 A loan is booked once; its id is never free again, even after the booking is reversed.
@custom:stop The servicer's checker replaces its maker key, or a majority of members expels it, in Members; there is no other switch.
"""
from . import reasons
from . import waterfall
from .interfaces import IDeals
from .interfaces import IJournal
from .interfaces import IMembers

# ---- constants
MAX_BATCH: constant(uint256) = 250
MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
PPM: constant(uint256) = 1_000_000
# Places of the parties in Division.places.
SERVICER: constant(uint256) = 16
DISBURSER: constant(uint256) = 24
COLLECTOR: constant(uint256) = 32
FEE_PAYEE: constant(uint256) = 40
FUNDERS: constant(uint256) = 255
NOBODY: constant(uint256) = 255

# Amounts, and legs of amounts, are one word: principal in bits 0-63, interest 64-127, penalty
# 128-191, fee 192-255. An entry's amount stays below 2**56, so a batch's sums cannot spill over.
MASK_64: constant(uint256) = 2**64 - 1
AMOUNT_SPILL: constant(uint256) = (255 << 56) | (255 << 120) | (255 << 184) | (255 << 248)
INTEREST: constant(uint256) = 64
PENALTY: constant(uint256) = 128
FEE: constant(uint256) = 192

# A loan is one word: outstanding in bits 0-55, start date 56-71, annual rate 72-95, version of the
# terms 96-103, sequence 104-117, overdue since 118-133, written off 134, reversed 135, tip 136-255.
# The tip commits to the standing entries of the loan, newest outermost: see `_push`.
MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_56: constant(uint256) = 2**56 - 1
MASK_BODY: constant(uint256) = 2**136 - 1
MASK_TIP: constant(uint256) = (2**120 - 1) << 136
MASK_SEQUENCE: constant(uint256) = 2**14 - 1
START: constant(uint256) = 56
RATE: constant(uint256) = 72
VERSION: constant(uint256) = 96
SEQUENCE: constant(uint256) = 104
ONE_ENTRY: constant(uint256) = 2**104
SINCE: constant(uint256) = 118
MASK_SINCE: constant(uint256) = (2**16 - 1) << 118
WRITTEN_OFF: constant(uint256) = 2**134
REVERSED: constant(uint256) = 2**135
TIP: constant(uint256) = 136

CLOSED: constant(uint256) = 2**134 | 2**135
# Version and sequence, side by side from bit 96 on.
MASK_PLACE: constant(uint256) = 2**22 - 1

# Kinds of entry, as committed to by the tip.
BOOKING: constant(uint256) = 1
REPAYMENT: constant(uint256) = 2
WAIVER: constant(uint256) = 3
WRITE_OFF: constant(uint256) = 4

METHODS: constant(uint256) = 4  # equal_installment, equal_principal, interest_only, bullet
INTEREST_ONLY: constant(uint256) = 2
PURPOSES: constant(uint256) = 2  # consumer, business
CONSUMER: constant(uint256) = 0

# Accounts of the Journal.
CASH: constant(uint256) = 0
CLEARING: constant(uint256) = 1
LOANS: constant(uint256) = 2
INTEREST_INCOME: constant(uint256) = 3
PENALTY_INCOME: constant(uint256) = 4
FEES: constant(uint256) = 5
LOSSES: constant(uint256) = 9

# ---- immutables
MEMBERS: immutable(address)
DEALS: immutable(address)
JOURNAL: immutable(address)

# ---- structs
struct Booking:
    loan_id: bytes32
    borrower_id: bytes32
    principal_minor: uint256
    # Bits 0-15 start date, 16-31 maturity date, 32-55 annual rate in ppm, 56-59 method, 60-63 purpose.
    particulars: uint256

struct Repayment:
    entry_id: bytes32
    loan_id: bytes32
    # Bits 0-15 date, 16-29 sequence: how many entries were posted on the loan before this one.
    place: uint256
    amounts: uint256

struct OverdueMark:
    entry_id: bytes32
    loan_id: bytes32
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

struct Volume:
    outstanding_minor: uint256
    disbursed_minor: uint256

# ---- events
# Opens a batch: the deal, version and submitter of the entries that follow it in the transaction.
event EntriesSubmitted:
    deal_id: indexed(bytes32)
    version: indexed(uint256)
    submitter: indexed(uint256)

event LoanBooked:
    loan_id: indexed(bytes32)
    borrower_id: bytes32
    particulars: uint256
    # Principal parts of the funders, 64 bits each: funder i in bits 64 * (i % 4) of word i // 4.
    parts: uint256[2]

event LoanRepaid:
    entry_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    date: uint256
    # Of the first four parties of the deal, in its order; FurtherLegs follows when it has more.
    legs: uint256[4]

event FurtherLegs:
    entry_id: indexed(bytes32)
    # Of the fifth to twelfth party.
    legs: uint256[8]

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
    # As in LoanBooked.
    parts: uint256[2]

event EntryReversed:
    entry_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    reversed_id: indexed(bytes32)
    date: uint256
    reversed_kind: uint256
    # Of the entry mirrored. The legs are its legs, taken back.
    amounts: uint256
    legs: uint256[4]

# ---- storage
# Deal, loan: the packed loan; 0 for a loan never booked.
loan: public(HashMap[bytes32, HashMap[bytes32, uint256]])
# Deal, loan: interest and penalty waived so far, as amounts.
waived: public(HashMap[bytes32, HashMap[bytes32, uint256]])
volume: public(HashMap[bytes32, Volume])
# Kept only under terms that limit what one borrower may owe.
borrower_of: public(HashMap[bytes32, HashMap[bytes32, bytes32]])
borrower_outstanding_minor: public(HashMap[bytes32, HashMap[bytes32, uint256]])


@deploy
def __init__(_members: address, _deals: address, _journal: address):
    MEMBERS = _members
    DEALS = _deals
    JOURNAL = _journal


# ---- external writes
@external
def book(_deal_id: bytes32, _version: uint256, _rows: DynArray[Booking, MAX_BATCH]):
    """
    @notice The servicer books loans (放款): each funder's part is due from it to the disburser.
    @param _deal_id The deal.
    @param _version The version of the terms that rules each loan's start date.
    @param _rows The loans; all are booked or none.
    """
    division: IDeals.Division = self._open_batch(_deal_id, _version, True)
    from_date: uint256 = division.places >> 48
    until_date: uint256 = staticcall IDeals(DEALS).effective_until(_deal_id, _version)
    max_annual_rate_ppm: uint256 = division.limits & MASK_24
    max_bullet_days: uint256 = (division.limits >> 24) & MASK_16
    max_per_borrower_minor: uint256 = (division.limits >> 40) & MASK_64
    max_outstanding_minor: uint256 = (division.limits >> 104) & MASK_64
    max_per_consumer_minor: uint256 = division.limits >> 168
    dividers: DynArray[uint256, 7] = waterfall._dividers(division.shares, (division.places >> 8) & 255)
    totals: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
    booked_minor: uint256 = 0
    earliest: uint256 = max_value(uint256)

    for row: Booking in _rows:
        assert self.loan[_deal_id][row.loan_id] == 0, reasons.LOAN_EXISTS  # L5
        assert row.principal_minor != 0 and row.principal_minor <= MASK_56, reasons.LOAN_PRINCIPAL_INVALID
        start: uint256 = row.particulars & MASK_16
        maturity: uint256 = (row.particulars >> 16) & MASK_16
        rate: uint256 = (row.particulars >> 32) & MASK_24
        method: uint256 = (row.particulars >> 56) & 15
        assert start != 0 and maturity > start, reasons.LOAN_DATES_INVALID
        assert method < METHODS and row.particulars >> 60 < PURPOSES, reasons.LOAN_METHOD_INVALID
        assert start >= from_date and start < until_date, reasons.VERSION_NOT_IN_FORCE
        if max_annual_rate_ppm != 0:
            assert rate <= max_annual_rate_ppm, reasons.RATE_OVER_LIMIT
        if max_bullet_days != 0 and method >= INTEREST_ONLY:
            assert maturity - start <= max_bullet_days, reasons.BULLET_TERM_OVER_LIMIT
        if max_per_borrower_minor | max_per_consumer_minor != 0:
            owed_minor: uint256 = self._draw_borrower(_deal_id, row)
            if max_per_borrower_minor != 0:
                assert owed_minor <= max_per_borrower_minor, reasons.BORROWER_OVER_LIMIT
            if max_per_consumer_minor != 0 and row.particulars >> 60 == CONSUMER:
                assert owed_minor <= max_per_consumer_minor, reasons.CONSUMER_OVER_LIMIT

        parts: uint256[2] = empty(uint256[2])
        left: uint256 = row.principal_minor
        for divider: uint256 in dividers:
            # No term can overflow: left < 2**56, the divider's fields < 2**24.
            whole: uint256 = (divider >> 24) & MASK_24
            part: uint256 = unsafe_div(unsafe_add(unsafe_mul(left, divider & MASK_24), whole >> 1), whole)
            i: uint256 = divider >> 48
            parts[i >> 2] |= part << ((i & 3) << 6)
            totals[i] = unsafe_add(totals[i], part)
            left = unsafe_sub(left, part)
        parts[0] |= left
        totals[0] = unsafe_add(totals[0], left)
        booked_minor = unsafe_add(booked_minor, row.principal_minor)
        if start < earliest:
            earliest = start

        self.loan[_deal_id][row.loan_id] = (
            row.principal_minor
            | (start << START)
            | (rate << RATE)
            | (_version << VERSION)
            | ONE_ENTRY
            | self._push(0, BOOKING, row.loan_id, start, row.principal_minor)
        )
        log LoanBooked(
            loan_id=row.loan_id,
            borrower_id=row.borrower_id,
            particulars=row.particulars,
            parts=parts,
        )

    volume: Volume = self.volume[_deal_id]
    volume.outstanding_minor += booked_minor
    volume.disbursed_minor += booked_minor
    if max_outstanding_minor != 0:
        assert volume.outstanding_minor <= max_outstanding_minor, reasons.OUTSTANDING_OVER_LIMIT
    self.volume[_deal_id] = volume
    self._post(_deal_id, earliest, division, totals, CLEARING, DISBURSER, -1)


@external
def repay(_deal_id: bytes32, _version: uint256, _rows: DynArray[Repayment, MAX_BATCH]):
    """
    @notice The servicer posts what borrowers repaid (还款), divided among the parties.
    @param _deal_id The deal.
    @param _version The version of the terms the loans were booked under.
    @param _rows The repayments, in order; all are posted or none.
    """
    division: IDeals.Division = self._open_batch(_deal_id, _version, True)
    self._repay(_deal_id, _version, division, _rows, empty(Reversal))


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
        word: uint256 = self.loan[_deal_id][row.loan_id]
        self._require_open(word, _version, row.sequence)
        since: uint256 = (word & MASK_SINCE) >> SINCE
        if row.since_date == 0:
            assert since != 0, reasons.LOAN_NOT_OVERDUE
        else:
            assert word & MASK_56 != 0, reasons.LOAN_SETTLED
            # Not held against the start date: servicers report days counted on an older account.
            assert row.since_date <= MASK_16, reasons.ENTRY_DATE_INVALID
            assert row.since_date != since, reasons.OVERDUE_UNCHANGED
        self.loan[_deal_id][row.loan_id] = (word & ~MASK_SINCE | (row.since_date << SINCE)) + ONE_ENTRY
        log LoanMarkedOverdue(
            entry_id=row.entry_id, loan_id=row.loan_id, since_date=row.since_date
        )


@external
def waive(_deal_id: bytes32, _version: uint256, _rows: DynArray[Waiver, MAX_BATCH]):
    """
    @notice The lead funder waives interest or penalty not yet received (减免).
    @param _deal_id The deal.
    @param _version The version of the terms the loans were booked under.
    @param _rows The waivers; all are made or none.
    """
    self._open_batch(_deal_id, _version, False)
    earliest: uint256 = max_value(uint256)
    for row: Waiver in _rows:
        word: uint256 = self.loan[_deal_id][row.loan_id]
        self._require_open(word, _version, row.sequence)
        self._require_date(word, row.date)
        assert row.amounts & AMOUNT_SPILL == 0, reasons.AMOUNT_TOO_LARGE
        assert row.amounts & MASK_64 == 0 and row.amounts >> FEE == 0, reasons.WAIVER_OF_PRINCIPAL
        assert row.amounts != 0, reasons.ENTRY_EMPTY
        if row.date < earliest:
            earliest = row.date
        self.waived[_deal_id][row.loan_id] = self._add_waived(self.waived[_deal_id][row.loan_id], row.amounts)
        self.loan[_deal_id][row.loan_id] = (word & MASK_BODY) + ONE_ENTRY | self._push(
            word >> TIP, WAIVER, row.entry_id, row.date, row.amounts
        )
        log LoanWaived(
            entry_id=row.entry_id, loan_id=row.loan_id, date=row.date, amounts=row.amounts
        )
    extcall IJournal(JOURNAL).post(_deal_id, earliest, [])


@external
def write_off(_deal_id: bytes32, _version: uint256, _rows: DynArray[WriteOff, MAX_BATCH]):
    """
    @notice The lead funder writes whole loans off (核销): each funder loses its part.
    @param _deal_id The deal.
    @param _version The version of the terms the loans were booked under.
    @param _rows The loans; all are written off or none.
    """
    division: IDeals.Division = self._open_batch(_deal_id, _version, False)
    dividers: DynArray[uint256, 7] = waterfall._dividers(division.shares, (division.places >> 8) & 255)
    totals: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
    written_off_minor: uint256 = 0
    earliest: uint256 = max_value(uint256)
    for row: WriteOff in _rows:
        word: uint256 = self.loan[_deal_id][row.loan_id]
        self._require_open(word, _version, row.sequence)
        self._require_date(word, row.date)
        outstanding: uint256 = word & MASK_56
        assert outstanding != 0, reasons.LOAN_SETTLED
        if row.date < earliest:
            earliest = row.date
        legs: uint256[MAX_PARTIES] = waterfall._apportion_into(empty(uint256[MAX_PARTIES]), outstanding, dividers, 0)
        for i: uint256 in range(MAX_FUNDERS):
            totals[i] += legs[i]
        written_off_minor += outstanding
        self.loan[_deal_id][row.loan_id] = (word & MASK_BODY) - outstanding + ONE_ENTRY | WRITTEN_OFF | self._push(
            word >> TIP, WRITE_OFF, row.entry_id, row.date, outstanding
        )
        log LoanWrittenOff(entry_id=row.entry_id, loan_id=row.loan_id, date=row.date, parts=self._parts(legs))
    self.volume[_deal_id].outstanding_minor -= written_off_minor
    self._post(_deal_id, earliest, division, totals, LOSSES, NOBODY, 1)


@external
def reverse(_deal_id: bytes32, _version: uint256, _row: Reversal):
    """
    @notice The party that posted an entry reverses it (冲正) by its exact mirror, the loan's latest entry first.
    @dev Only the latest standing entry can be mirrored exactly and leave every part as M3 says.
    @param _deal_id The deal.
    @param _version The version of the terms the loan was booked under.
    @param _row The reversal, with the content of the entry it mirrors.
    """
    division: IDeals.Division = self._open_batch(_deal_id, _version, _row.reversed_kind <= REPAYMENT)
    word: uint256 = self.loan[_deal_id][_row.loan_id]
    assert word != 0, reasons.LOAN_UNKNOWN
    assert word & REVERSED == 0, reasons.LOAN_REVERSED
    assert (word >> VERSION) & 255 == _version, reasons.LOAN_OTHER_VERSION
    assert (word >> SEQUENCE) & MASK_SEQUENCE == _row.sequence, reasons.ENTRY_OUT_OF_SEQUENCE  # L3
    assert _row.sequence != MASK_SEQUENCE, reasons.ENTRY_SEQUENCE_FULL
    self._require_date(word, _row.date)
    # The tip holds kind and date in one word: a date that reached into the kind would pass for another kind.
    assert _row.reversed_kind <= WRITE_OFF and _row.reversed_date <= MASK_16, reasons.ENTRY_NOT_LATEST
    assert word & MASK_TIP == self._push(
        _row.previous_tip, _row.reversed_kind, _row.reversed_id, _row.reversed_date, _row.reversed_amounts
    ), reasons.ENTRY_NOT_LATEST  # L4

    if _row.reversed_kind == REPAYMENT:
        mirrored: Repayment = Repayment(
            entry_id=_row.reversed_id,
            loan_id=_row.loan_id,
            place=_row.date | (_row.sequence << 16),
            amounts=_row.reversed_amounts,
        )
        self._repay(_deal_id, _version, division, [mirrored], _row)
        return

    body: uint256 = (word & MASK_BODY) + ONE_ENTRY | (_row.previous_tip << TIP)
    if _row.reversed_kind == WAIVER:
        self.loan[_deal_id][_row.loan_id] = body
        self.waived[_deal_id][_row.loan_id] -= _row.reversed_amounts
        self._log_reversal(_row, empty(uint256[MAX_PARTIES]))
        extcall IJournal(JOURNAL).post(_deal_id, _row.date, [])
        return

    principal: uint256 = _row.reversed_amounts
    legs: uint256[MAX_PARTIES] = waterfall._apportion_into(
        empty(uint256[MAX_PARTIES]), principal, waterfall._dividers(division.shares, (division.places >> 8) & 255), 0
    )
    if _row.reversed_kind == BOOKING:
        self.loan[_deal_id][_row.loan_id] = body - principal | REVERSED
        self.volume[_deal_id].outstanding_minor -= principal
        self.volume[_deal_id].disbursed_minor -= principal
        if self._limits_borrowers(division):
            self._release_borrower(_deal_id, _row.loan_id, principal)
    else:
        self.loan[_deal_id][_row.loan_id] = (body + principal) & ~WRITTEN_OFF
        self.volume[_deal_id].outstanding_minor += principal
    self._log_reversal(_row, legs)
    if _row.reversed_kind == BOOKING:
        self._post(_deal_id, _row.date, division, legs, CLEARING, DISBURSER, 1)
    else:
        self._post(_deal_id, _row.date, division, legs, LOSSES, NOBODY, -1)


# ---- internal: the repayment, forward and mirrored
@internal
def _repay(
    _deal_id: bytes32,
    _version: uint256,
    _division: IDeals.Division,
    _rows: DynArray[Repayment, MAX_BATCH],
    _reversal: Reversal,
):
    """
    @dev Posts repayments, or the mirror of the one in `_rows` when `_reversal` is not empty. Every
        division of a batch happens here, in place: Vyper copies arrays on internal calls.
    """
    mirror: bool = _reversal.reversed_kind != 0
    dividers: DynArray[uint256, 7] = waterfall._dividers(_division.shares, (_division.places >> 8) & 255)
    tiers: DynArray[uint256, 8] = waterfall._tiers(_division.interest)
    parties: uint256 = _division.places & 255
    limited: bool = self._limits_borrowers(_division)
    totals: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
    sums: uint256 = 0
    earliest: uint256 = max_value(uint256)

    for row: Repayment in _rows:
        word: uint256 = self.loan[_deal_id][row.loan_id]
        date: uint256 = row.place & MASK_16
        sequence: uint256 = row.place >> 16
        # One comparison for the open loan at the expected version and sequence; the reason is found only on refusal.
        if word & CLOSED | ((word >> VERSION) & MASK_PLACE ^ (_version | (sequence << 8))) != 0 and not mirror:
            self._require_open(word, _version, sequence)
        assert date >= (word >> START) & MASK_16, reasons.ENTRY_BEFORE_START
        assert sequence != MASK_SEQUENCE, reasons.ENTRY_SEQUENCE_FULL
        assert row.amounts & AMOUNT_SPILL == 0, reasons.AMOUNT_TOO_LARGE
        assert row.amounts != 0, reasons.ENTRY_EMPTY
        principal: uint256 = row.amounts & MASK_64
        before: uint256 = word & MASK_56
        if mirror:
            before = unsafe_add(before, principal)
        else:
            assert principal <= before, reasons.PRINCIPAL_ABOVE_OUTSTANDING
        after: uint256 = unsafe_sub(before, principal)
        if date < earliest:
            earliest = date

        # M4: what the tiers take. The rest goes to the funders together with the principal.
        legs: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
        received: uint256 = (row.amounts >> INTEREST) & MASK_64
        rest: uint256 = received
        for tier: uint256 in tiers:
            taken: uint256 = rest
            if tier >> 32 == 0:
                taken = unsafe_div(unsafe_add(unsafe_mul(rest, tier >> 8), 500_000), PPM)
            else:
                rate: uint256 = (word >> RATE) & MASK_24
                # A loan at rate 0 yields nothing beyond the tier's claim: the tier takes what there is.
                if rate != 0:
                    taken = min(
                        rest,
                        unsafe_div(unsafe_add(unsafe_mul(received << 1, tier >> 32), rate), rate << 1),
                    )
            rest = unsafe_sub(rest, taken)
            to: uint256 = tier & 255
            if to == FUNDERS:
                legs = waterfall._apportion_into(legs, taken, dividers, INTEREST)
            else:
                legs[to] = unsafe_add(legs[to], taken << INTEREST)
        if row.amounts >> PENALTY != 0:
            legs = self._penalty_and_fee(legs, row.amounts, _division, dividers)

        # M3 by difference and M2 of the rest, half up; no term overflows: amounts < 2**56, fields < 2**24.
        for divider: uint256 in dividers:
            weight: uint256 = divider & MASK_24
            whole: uint256 = (divider >> 24) & MASK_24
            half: uint256 = whole >> 1
            part_before: uint256 = unsafe_div(unsafe_add(unsafe_mul(before, weight), half), whole)
            part_after: uint256 = unsafe_div(unsafe_add(unsafe_mul(after, weight), half), whole)
            part_rest: uint256 = unsafe_div(unsafe_add(unsafe_mul(rest, weight), half), whole)
            before = unsafe_sub(before, part_before)
            after = unsafe_sub(after, part_after)
            rest = unsafe_sub(rest, part_rest)
            i: uint256 = divider >> 48
            legs[i] = unsafe_add(legs[i], unsafe_sub(part_before, part_after) | (part_rest << INTEREST))
        legs[0] = unsafe_add(legs[0], unsafe_sub(before, after) | (rest << INTEREST))
        # Most deals have no more than four parties: theirs are added without a loop.
        sum: uint256 = unsafe_add(unsafe_add(legs[0], legs[1]), unsafe_add(legs[2], legs[3]))
        totals[0] = unsafe_add(totals[0], legs[0])
        totals[1] = unsafe_add(totals[1], legs[1])
        totals[2] = unsafe_add(totals[2], legs[2])
        totals[3] = unsafe_add(totals[3], legs[3])
        if parties > 4:
            for i: uint256 in range(4, MAX_PARTIES):
                totals[i] = unsafe_add(totals[i], legs[i])
                sum = unsafe_add(sum, legs[i])
        assert sum == row.amounts, reasons.POSTINGS_UNBALANCED  # L1
        sums = unsafe_add(sums, sum)
        if limited:
            if mirror:
                self.borrower_outstanding_minor[_deal_id][self.borrower_of[_deal_id][row.loan_id]] += principal
            else:
                self._release_borrower(_deal_id, row.loan_id, principal)

        if mirror:
            self.loan[_deal_id][row.loan_id] = (word & MASK_BODY) + ONE_ENTRY + principal | (_reversal.previous_tip << TIP)
            self._log_reversal(_reversal, legs)
        else:
            self.loan[_deal_id][row.loan_id] = unsafe_sub(unsafe_add(word & MASK_BODY, ONE_ENTRY), principal) | (
                convert(keccak256(abi_encode(word >> TIP, (REPAYMENT << 16) | date, row.entry_id, row.amounts)), uint256) & MASK_TIP
            )
            log LoanRepaid(
                entry_id=row.entry_id,
                loan_id=row.loan_id,
                date=date,
                legs=[legs[0], legs[1], legs[2], legs[3]],
            )
            if parties > 4:
                self._log_further_legs(row.entry_id, legs)

    if mirror:
        self.volume[_deal_id].outstanding_minor += sums & MASK_64
    else:
        self.volume[_deal_id].outstanding_minor -= sums & MASK_64
    self._post(_deal_id, earliest, _division, totals, CLEARING, COLLECTOR, -1 if mirror else 1)


@internal
@pure
def _penalty_and_fee(
    _legs: uint256[MAX_PARTIES],
    _amounts: uint256,
    _division: IDeals.Division,
    _dividers: DynArray[uint256, 7],
) -> uint256[MAX_PARTIES]:
    legs: uint256[MAX_PARTIES] = _legs
    rest: uint256 = (_amounts >> PENALTY) & MASK_64
    tiers: DynArray[uint256, 8] = waterfall._tiers(_division.penalty)
    for tier: uint256 in tiers:
        taken: uint256 = waterfall._half_up(rest * (tier >> 8), PPM)
        rest -= taken
        if tier & 255 == FUNDERS:
            legs = waterfall._apportion_into(legs, taken, _dividers, PENALTY)
        else:
            legs[tier & 255] += taken << PENALTY
    legs = waterfall._apportion_into(legs, rest, _dividers, PENALTY)
    fee: uint256 = _amounts >> FEE
    if fee != 0:
        payee: uint256 = (_division.places >> FEE_PAYEE) & 255
        assert payee != NOBODY, reasons.FEE_WITHOUT_PAYEE
        legs[payee] += fee << FEE
    return legs


# ---- internal: postings of money.md, "Accounts"
@internal
def _post(
    _deal_id: bytes32,
    _earliest: uint256,
    _division: IDeals.Division,
    _totals: uint256[MAX_PARTIES],
    _against: uint256,
    _cash_place: uint256,
    _sign: int256,
):
    """
    @dev Each party's legs go against one account: CLEARING for what passes through the cash party,
        LOSSES for a write-off. A booking is the mirror of a repayment of its principal.
    @param _cash_place DISBURSER or COLLECTOR; NOBODY when no cash moves.
    @param _sign 1 for what lowers the loans, -1 for its mirror.
    """
    postings: DynArray[IJournal.Posting, 96] = []
    cash_minor: int256 = 0
    for i: uint256 in range(_division.places & 255, bound=MAX_PARTIES):
        legs: uint256 = _totals[i]
        if legs == 0:
            continue
        party: uint256 = (_division.parties >> (16 * i)) & MASK_16
        leg_minor: int256 = 0
        for field: uint256 in range(4):
            part: int256 = _sign * convert((legs >> (64 * field)) & MASK_64, int256)
            if part != 0:
                leg_minor += part
                postings.append(IJournal.Posting(party=party, account=LOANS + field, amount_minor=-part))
        postings.append(IJournal.Posting(party=party, account=_against, amount_minor=leg_minor))
        cash_minor += leg_minor
    if _cash_place != NOBODY:
        cash_party: uint256 = self._party(_division, _cash_place)
        postings.append(IJournal.Posting(party=cash_party, account=CASH, amount_minor=cash_minor))
        postings.append(IJournal.Posting(party=cash_party, account=CLEARING, amount_minor=-cash_minor))
    extcall IJournal(JOURNAL).post(_deal_id, _earliest, postings)


# ---- internal: what a borrower owes
@internal
def _draw_borrower(_deal_id: bytes32, _row: Booking) -> uint256:
    owed_minor: uint256 = self.borrower_outstanding_minor[_deal_id][_row.borrower_id] + _row.principal_minor
    self.borrower_outstanding_minor[_deal_id][_row.borrower_id] = owed_minor
    self.borrower_of[_deal_id][_row.loan_id] = _row.borrower_id
    return owed_minor


@internal
@pure
def _limits_borrowers(_division: IDeals.Division) -> bool:
    return (_division.limits >> 40) & MASK_64 | (_division.limits >> 168) != 0


@internal
def _release_borrower(_deal_id: bytes32, _loan_id: bytes32, _principal_minor: uint256):
    if _principal_minor != 0:
        self.borrower_outstanding_minor[_deal_id][self.borrower_of[_deal_id][_loan_id]] -= _principal_minor


# ---- internal: checks
@internal
def _open_batch(_deal_id: bytes32, _version: uint256, _by_servicer: bool) -> IDeals.Division:
    """
    @dev Only the maker of the servicer, or of the lead, may go on; the batch's opening event names it.
    """
    number: uint256 = staticcall IMembers(MEMBERS).maker_number(msg.sender)
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, _version)
    if _by_servicer:
        assert number == self._party(division, SERVICER), reasons.SENDER_NOT_SERVICER
    else:
        assert number == division.parties & MASK_16, reasons.SENDER_NOT_LEAD
    log EntriesSubmitted(deal_id=_deal_id, version=_version, submitter=number)
    return division


@internal
@pure
def _party(_division: IDeals.Division, _place: uint256) -> uint256:
    """
    @return Member number of the party at a place: servicer, disburser or collector.
    """
    return (_division.parties >> (16 * ((_division.places >> _place) & 255))) & MASK_16


@internal
@pure
def _require_open(_word: uint256, _version: uint256, _sequence: uint256):
    assert _word != 0, reasons.LOAN_UNKNOWN
    assert _word & REVERSED == 0, reasons.LOAN_REVERSED
    assert _word & WRITTEN_OFF == 0, reasons.LOAN_WRITTEN_OFF
    assert (_word >> VERSION) & 255 == _version, reasons.LOAN_OTHER_VERSION
    assert (_word >> SEQUENCE) & MASK_SEQUENCE == _sequence, reasons.ENTRY_OUT_OF_SEQUENCE  # L3
    assert _sequence != MASK_SEQUENCE, reasons.ENTRY_SEQUENCE_FULL


@internal
@pure
def _require_date(_word: uint256, _date: uint256):
    assert _date <= MASK_16, reasons.ENTRY_DATE_INVALID
    assert _date >= (_word >> START) & MASK_16, reasons.ENTRY_BEFORE_START


# ---- internal: pure
@internal
@pure
def _push(_tip: uint256, _kind: uint256, _entry_id: bytes32, _date: uint256, _amounts: uint256) -> uint256:
    """
    @dev The tip of a loan after an entry stands on the one before it, in place in the loan's word.
    """
    return convert(keccak256(abi_encode(_tip, (_kind << 16) | _date, _entry_id, _amounts)), uint256) & MASK_TIP


@internal
@pure
def _total(_amounts: uint256) -> int256:
    return convert(
        (_amounts & MASK_64) + ((_amounts >> INTEREST) & MASK_64) + ((_amounts >> PENALTY) & MASK_64) + (_amounts >> FEE),
        int256,
    )


@internal
@pure
def _parts(_legs: uint256[MAX_PARTIES]) -> uint256[2]:
    parts: uint256[2] = empty(uint256[2])
    for i: uint256 in range(MAX_FUNDERS):
        parts[i >> 2] |= _legs[i] << ((i & 3) << 6)
    return parts


@internal
@pure
def _add_waived(_waived: uint256, _amounts: uint256) -> uint256:
    """
    @dev Field by field: the sums of many waivers must stay inside their fields too.
    """
    assert (_waived + _amounts) & AMOUNT_SPILL == 0, reasons.AMOUNT_TOO_LARGE
    return _waived + _amounts


@internal
def _log_reversal(_row: Reversal, _legs: uint256[MAX_PARTIES]):
    log EntryReversed(
        entry_id=_row.entry_id,
        loan_id=_row.loan_id,
        reversed_id=_row.reversed_id,
        date=_row.date,
        reversed_kind=_row.reversed_kind,
        amounts=_row.reversed_amounts,
        legs=[_legs[0], _legs[1], _legs[2], _legs[3]],
    )
    self._log_further_legs(_row.entry_id, _legs)


@internal
def _log_further_legs(_entry_id: bytes32, _legs: uint256[MAX_PARTIES]):
    further: uint256[8] = [_legs[4], _legs[5], _legs[6], _legs[7], _legs[8], _legs[9], _legs[10], _legs[11]]
    sum: uint256 = 0
    for leg: uint256 in further:
        sum |= leg
    if sum != 0:
        log FurtherLegs(entry_id=_entry_id, legs=further)
