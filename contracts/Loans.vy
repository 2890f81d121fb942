# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
# pragma optimize gas
"""
@title Loans
@license MIT
@notice The loans of each deal: booked, repaid, marked overdue, waived, written off, reversed. Divides every entry to the fen and posts it.
    What Guarantees posts on a loan goes through `advance` and `retract`.
@custom:units Amounts are minor units, at most 2**56 - 1; rates are parts per million a year; dates are days since 1970-01-01.
@custom:invariant L1 The legs of every entry add up to the entry, for principal, interest, penalty and fee each.
    L2 A party's part of a loan is the apportionment of the loan's outstanding by the funding shares (M3).
    L3 An entry is posted at its loan's next sequence number only: whoever posts has seen every earlier entry of the loan.
    L4 A reversal mirrors the latest entry of its loan that stands, and nothing else.
    L5 A loan is booked once; its id is never free again, even after the booking is reversed.
    L6 What a compensated or written-off loan brings in goes to the owners of the claims: it is not repaid here.
@custom:stop The servicer's checker replaces its maker key, or a majority of members expels it, in Members; there is no other switch.
"""
from . import loan_words
from . import postings
from . import reasons
from . import tallies
from . import waterfall
from .interfaces import IAccruals
from .interfaces import IDeals
from .interfaces import IExposures
from .interfaces import IGuarantees
from .interfaces import IJournal
from .interfaces import ILists
from .interfaces import ILoans
from .interfaces import IMembers

# ---- constants
MAX_BATCH: constant(uint256) = 250
MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
PPM: constant(uint256) = 1_000_000
FUNDERS: constant(uint256) = 255
NOBODY: constant(uint256) = 255

# Amounts, and legs of amounts, are one word: principal in bits 0-63, interest 64-127, penalty
# 128-191, fee 192-255. An entry's amount stays below 2**56, so a batch's sums cannot spill over.
MASK_64: constant(uint256) = 2**64 - 1
AMOUNT_SPILL: constant(uint256) = (255 << 56) | (255 << 120) | (255 << 184) | (255 << 248)
INTEREST: constant(uint256) = 64
PENALTY: constant(uint256) = 128
FEE: constant(uint256) = 192

MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_56: constant(uint256) = 2**56 - 1
MASK_128: constant(uint256) = 2**128 - 1
ONE_ROW: constant(uint256) = 2**128

# Features of a version of the terms, from bit 64 of Division.places on: see IDeals.
DEPOSIT: constant(uint256) = 1 << 64
# The terms have a period, or ask for interest accrued by loan.
REPORTED: constant(uint256) = (4 | 8) << 64
WIDE_LIMITS: constant(uint256) = 16 << 64
LOAN_FEE: constant(uint256) = 32 << 64
BORROWERS_LIMITED: constant(uint256) = 128 << 64

OVERDUE_MARK: constant(uint256) = 0  # a kind of step: the tip does not commit to it
METHODS: constant(uint256) = 4  # equal_installment, equal_principal, interest_only, bullet
INTEREST_ONLY: constant(uint256) = 2
PURPOSES: constant(uint256) = 2  # consumer, business
CONSUMER: constant(uint256) = 0

# ---- immutables
MEMBERS: immutable(address)
DEALS: immutable(address)
ACCRUALS: immutable(address)
EXPOSURES: immutable(address)
GUARANTEES: immutable(address)
JOURNAL: immutable(address)
LISTS: immutable(address)
SERVICING: immutable(address)

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

# What the funders pay the fee payee for the loan booked before it (导流).
event LoanFeeCharged:
    loan_id: indexed(bytes32)
    # As in LoanBooked.
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
# Deal, loan: the packed loan (see loan_words); 0 for a loan never booked.
loan: public(reentrant(HashMap[bytes32, HashMap[bytes32, uint256]]))
# Deal, loan: principal written off and not recovered since.
lost: public(reentrant(HashMap[bytes32, HashMap[bytes32, uint256]]))
volume: public(reentrant(HashMap[bytes32, Volume]))
# Kept only under terms that limit what one borrower may owe. The first key of what it owes is the lead's
# member number: a borrower's loans in all such deals of one lead count together.
borrower_of: public(HashMap[bytes32, HashMap[bytes32, bytes32]])
borrower_outstanding_minor: public(HashMap[bytes32, HashMap[bytes32, uint256]])


@deploy
def __init__(
    _members: address,
    _deals: address,
    _accruals: address,
    _exposures: address,
    _guarantees: address,
    _journal: address,
    _lists: address,
    _servicing: address,
):
    MEMBERS = _members
    DEALS = _deals
    ACCRUALS = _accruals
    EXPOSURES = _exposures
    GUARANTEES = _guarantees
    JOURNAL = _journal
    LISTS = _lists
    SERVICING = _servicing


# ---- external writes
@external
def book(_deal_id: bytes32, _version: uint256, _rows: DynArray[Booking, MAX_BATCH], _late: bool):
    """
    @notice The servicer books loans (放款): each funder's part is due from it to the disburser.
    @param _deal_id The deal.
    @param _version The version of the terms that rules each loan's start date.
    @param _rows The loans; all are booked or none.
    @param _late Whether loans that start on a sealed day count to the first open one, or are refused.
    """
    division: IDeals.Division = self._open_batch(_deal_id, _version)
    lead: bytes32 = convert(division.parties & MASK_16, bytes32)
    limited: bool = division.places & BORROWERS_LIMITED != 0
    dividers: DynArray[uint256, 7] = waterfall._dividers(division.shares, (division.places >> 8) & 255)
    totals: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
    fees: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
    # How many loans in bits 128-255, their principal in bits 0-127: of all rows, and of those counted to a day.
    booked: uint256 = 0
    counted: uint256 = 0
    date: uint256 = 0
    # What holds for loans that start from `checked_date` on and before `rules.until_date`.
    rules: IDeals.Rules = empty(IDeals.Rules)
    checked_date: uint256 = 0
    borrower_room_minor: uint256 = 0
    max_outstanding_minor: uint256 = 0
    volume: Volume = self.volume[_deal_id]
    before_minor: uint256 = volume.outstanding_minor

    for row: Booking in _rows:
        assert self.loan[_deal_id][row.loan_id] == 0, reasons.LOAN_EXISTS  # L5
        assert row.principal_minor != 0 and row.principal_minor <= MASK_56, reasons.LOAN_PRINCIPAL_INVALID
        start: uint256 = row.particulars & MASK_16
        maturity: uint256 = (row.particulars >> 16) & MASK_16
        rate: uint256 = (row.particulars >> 32) & MASK_24
        method: uint256 = (row.particulars >> 56) & 15
        assert start != 0 and maturity > start, reasons.LOAN_DATES_INVALID
        assert method < METHODS and row.particulars >> 60 < PURPOSES, reasons.LOAN_METHOD_INVALID
        if start != date:
            self._count(_deal_id, date, loan_words.BOOKING, booked - counted, _late)
            date = start
            counted = booked
        if start < checked_date or start >= rules.until_date:
            rules = self._rules_on(_deal_id, _version, division, start)
            # What is lent across deals is known once the batch is posted: one day's figures must hold for all of it.
            assert checked_date == 0 or division.places & WIDE_LIMITS == 0, reasons.START_DATES_DIFFER
            checked_date = start
            max_outstanding_minor = (rules.limits >> 104) & MASK_64
            if division.places & WIDE_LIMITS != 0:
                borrower_room_minor = staticcall IExposures(EXPOSURES).borrower_room(
                    _deal_id, _version, start, rules.wide_limits
                )
            else:
                borrower_room_minor = max_value(uint256)
        max_annual_rate_ppm: uint256 = rules.limits & MASK_24
        if max_annual_rate_ppm != 0:
            assert rate <= max_annual_rate_ppm, reasons.RATE_OVER_LIMIT
        if method >= INTEREST_ONLY:
            max_bullet_days: uint256 = (rules.limits >> 24) & MASK_16
            if max_bullet_days != 0:
                assert maturity - start <= max_bullet_days, reasons.BULLET_TERM_OVER_LIMIT
        if limited:
            owed_minor: uint256 = self.borrower_outstanding_minor[lead][row.borrower_id] + row.principal_minor
            self.borrower_outstanding_minor[lead][row.borrower_id] = owed_minor
            self.borrower_of[_deal_id][row.loan_id] = row.borrower_id
            self._require_room(owed_minor, row.particulars >> 60, rules.limits, borrower_room_minor)

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
        booked = unsafe_add(booked, ONE_ROW | row.principal_minor)
        if max_outstanding_minor != 0:
            assert before_minor + (booked & MASK_128) <= max_outstanding_minor, reasons.OUTSTANDING_OVER_LIMIT

        self.loan[_deal_id][row.loan_id] = (
            row.principal_minor
            | (start << loan_words.START)
            | (rate << loan_words.RATE)
            | (_version << loan_words.VERSION)
            | loan_words.ONE_ENTRY
            | loan_words._push(0, loan_words.BOOKING, row.loan_id, start, row.principal_minor)
        )
        log LoanBooked(
            loan_id=row.loan_id,
            borrower_id=row.borrower_id,
            particulars=row.particulars,
            parts=parts,
        )
        if division.places & REPORTED != 0:
            principal: int256 = convert(row.principal_minor, int256)
            self._report(_deal_id, division.places, row.loan_id, 0, 0, start, start, principal, 0, 0, principal)
        if division.places & LOAN_FEE != 0:
            charged: uint256[MAX_PARTIES] = waterfall._loan_fee(division, row.principal_minor, dividers)
            for i: uint256 in range(MAX_FUNDERS):
                fees[i] += charged[i]
            log LoanFeeCharged(loan_id=row.loan_id, parts=waterfall._parts(charged, FEE))

    booked_minor: uint256 = booked & MASK_128
    volume.outstanding_minor += booked_minor
    volume.disbursed_minor += booked_minor
    self.volume[_deal_id] = volume
    self._count(_deal_id, date, loan_words.BOOKING, booked - counted, _late)
    postings._post(JOURNAL, _deal_id, division, totals, postings.CLEARING, postings.DISBURSER, -1)
    if division.places & LOAN_FEE != 0:
        postings._post_loan_fees(JOURNAL, _deal_id, division, fees, 1)
    if division.places & DEPOSIT != 0:
        extcall IGuarantees(GUARANTEES).require_cover(_deal_id, _version, before_minor, volume.outstanding_minor)
    if division.places & WIDE_LIMITS != 0:
        self._report_exposure(_deal_id, _version, division.places, convert(booked_minor, int256))
        assert staticcall IExposures(EXPOSURES).require_within(_deal_id, _version, checked_date, rules.wide_limits)


@external
def repay(_deal_id: bytes32, _version: uint256, _rows: DynArray[Repayment, MAX_BATCH], _late: bool):
    """
    @notice The servicer posts what borrowers repaid (还款), divided among the parties.
    @param _deal_id The deal.
    @param _version The version of the terms the loans were booked under.
    @param _rows The repayments, in order; all are posted or none.
    @param _late Whether repayments of a sealed day count to the first open one, or are refused.
    """
    division: IDeals.Division = self._open_batch(_deal_id, _version)
    self._repay(_deal_id, _version, division, _rows, _late, empty(Reversal))


@external
def reverse(_deal_id: bytes32, _version: uint256, _row: Reversal):
    """
    @notice The servicer reverses a repayment or a booking (冲正) by its exact mirror, the loan's latest standing entry.
    @dev Only the latest standing entry can be mirrored exactly and leave every part as M3 says.
    @param _deal_id The deal.
    @param _version The version of the terms the loan was booked under.
    @param _row The reversal, with the content of the entry it mirrors.
    """
    division: IDeals.Division = self._open_batch(_deal_id, _version)
    word: uint256 = self.loan[_deal_id][_row.loan_id]
    loan_words._require_latest(
        word,
        _version,
        _row.sequence,
        _row.date,
        loan_words._push(
            _row.previous_tip, _row.reversed_kind, _row.reversed_id, _row.reversed_date, _row.reversed_amounts
        ),
    )
    # The tip holds kind and date in one word: a date that reached into the kind would pass for another kind.
    assert _row.reversed_kind <= loan_words.REPAYMENT and _row.reversed_date <= MASK_16, reasons.ENTRY_NOT_LATEST
    assert _row.reversed_date <= _row.date, reasons.REVERSAL_BEFORE_ENTRY

    if _row.reversed_kind == loan_words.REPAYMENT:
        mirrored: Repayment = Repayment(
            entry_id=_row.reversed_id,
            loan_id=_row.loan_id,
            place=_row.date | (_row.sequence << 16),
            amounts=_row.reversed_amounts,
        )
        self._repay(_deal_id, _version, division, [mirrored], False, _row)
        return

    principal: uint256 = _row.reversed_amounts
    dividers: DynArray[uint256, 7] = waterfall._dividers(division.shares, (division.places >> 8) & 255)
    legs: uint256[MAX_PARTIES] = waterfall._apportion_into(empty(uint256[MAX_PARTIES]), principal, dividers, 0)
    self.loan[_deal_id][_row.loan_id] = (
        (word & loan_words.MASK_BODY) + loan_words.ONE_ENTRY - principal | loan_words.REVERSED
    )
    self.volume[_deal_id].disbursed_minor -= principal
    change: int256 = -convert(principal, int256)
    self._owe(_deal_id, _row.loan_id, division, change, change)
    since: uint256 = loan_words._since(word)
    self._report(_deal_id, division.places, _row.loan_id, word, since, _row.date, _row.date, change, 0, 0, change)
    self._count(_deal_id, _row.date, tallies.REVERSAL, ONE_ROW | principal, False)
    postings._post(JOURNAL, _deal_id, division, legs, postings.CLEARING, postings.DISBURSER, 1)
    if division.places & LOAN_FEE != 0:
        fees: uint256[MAX_PARTIES] = waterfall._loan_fee(division, principal, dividers)
        postings._post_loan_fees(JOURNAL, _deal_id, division, fees, -1)
        for i: uint256 in range(MAX_FUNDERS):
            legs[i] |= fees[i]
    self._log_reversal(_row, legs)
    self._report_exposure(_deal_id, _version, division.places, change)


# ---- external writes of Guarantees and Servicing
@external
def advance(_deal_id: bytes32, _version: uint256, _step: ILoans.Step):
    """
    @notice Another contract of the ledger posts an entry on a loan.
    @param _deal_id The deal.
    @param _version The version of the terms the loan was booked under.
    @param _step The entry; its kind decides which contract may.
    """
    self._require_contract(_step.kind)
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, _version)
    word: uint256 = self.loan[_deal_id][_step.loan_id]
    if _step.kind <= loan_words.COMPENSATION:
        # What loss layers left of a compensated loan may be written off.
        skipped: uint256 = loan_words.COMPENSATED if _step.kind == loan_words.WRITE_OFF else 0
        loan_words._require_open(word & ~skipped, _version, _step.sequence)
    else:
        assert word != 0, reasons.LOAN_UNKNOWN
        assert word & loan_words.REVERSED == 0, reasons.LOAN_REVERSED
        assert word & (loan_words.COMPENSATED | loan_words.WRITTEN_OFF) != 0, reasons.LOAN_NOT_COMPENSATED
        loan_words._require_place(word, _version, _step.sequence)  # L6
    body: uint256 = (word & loan_words.MASK_BODY) + loan_words.ONE_ENTRY
    if _step.kind == OVERDUE_MARK:
        body = body & ~loan_words.MASK_SINCE | (_step.content << loan_words.SINCE) | (word & loan_words.MASK_TIP)
    else:
        loan_words._require_date(word, _step.date)
        body |= loan_words._push(word >> loan_words.TIP, _step.kind, _step.entry_id, _step.date, _step.content)
    if _step.kind == loan_words.COMPENSATION:
        body |= loan_words.COMPENSATED
    if _step.kind == loan_words.WRITE_OFF:
        body |= loan_words.WRITTEN_OFF
    self._move(_deal_id, division, word, body, _step, _step.date, 1)


@external
def retract(_deal_id: bytes32, _version: uint256, _retraction: ILoans.Retraction):
    """
    @notice Another contract of the ledger takes the latest standing entry of a loan back, one that it posted.
    @param _deal_id The deal.
    @param _version The version of the terms the loan was booked under.
    @param _retraction The reversal and the entry it mirrors.
    """
    step: ILoans.Step = _retraction.reversed
    self._require_contract(step.kind)
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, _version)
    word: uint256 = self.loan[_deal_id][step.loan_id]
    loan_words._require_latest(
        word,
        _version,
        _retraction.sequence,
        _retraction.date,
        loan_words._push(_retraction.previous_tip, step.kind, step.entry_id, step.date, step.content),
    )
    # Kind and date as in `reverse`. An overdue mark is no part of the tip.
    assert step.kind <= loan_words.CLAIM_REPAYMENT and step.date <= MASK_16, reasons.ENTRY_NOT_LATEST
    assert step.date <= _retraction.date, reasons.REVERSAL_BEFORE_ENTRY
    body: uint256 = (word & loan_words.MASK_BODY) + loan_words.ONE_ENTRY | (_retraction.previous_tip << loan_words.TIP)
    if step.kind == loan_words.COMPENSATION:
        body &= ~loan_words.COMPENSATED
    if step.kind == loan_words.WRITE_OFF:
        body &= ~loan_words.WRITTEN_OFF
    self._move(_deal_id, division, word, body, step, _retraction.date, -1)


# ---- external views
@external
@view
@reentrant
def unpaid_interest(_deal_id: bytes32, _loan_id: bytes32, _date: uint256) -> uint256:
    """
    @notice Interest that accrued on a loan by a day and was neither received nor waived: see Accruals.
    @param _deal_id The deal.
    @param _loan_id A loan under terms for which interest is accrued.
    @param _date The day, which itself does not count.
    @return Minor units.
    """
    return staticcall IAccruals(ACCRUALS).unpaid_interest(_deal_id, _loan_id, _date)


# ---- internal: the repayment, forward and mirrored
@internal
def _repay(
    _deal_id: bytes32, _version: uint256, _division: IDeals.Division,
    _rows: DynArray[Repayment, MAX_BATCH], _late: bool, _reversal: Reversal,
):
    """
    @dev Posts repayments, or the mirror of the one in `_rows` when `_reversal` is not empty. Every
        division of a batch happens here, in place: Vyper copies arrays on internal calls.
    """
    mirror: bool = _reversal.reversed_kind != 0
    dividers: DynArray[uint256, 7] = waterfall._dividers(_division.shares, (_division.places >> 8) & 255)
    tiers: DynArray[uint256, 8] = waterfall._tiers(_division.interest)
    parties: uint256 = _division.places & 255
    limited: bool = _division.places & BORROWERS_LIMITED != 0
    told: bool = limited or _division.places & REPORTED != 0
    lead: bytes32 = convert(_division.parties & MASK_16, bytes32)
    totals: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
    sums: uint256 = 0
    # Of the rows not yet counted to their day.
    kind: uint256 = tallies.REVERSAL if mirror else loan_words.REPAYMENT
    counted: uint256 = 0
    rows: uint256 = 0
    day: uint256 = 0

    for row: Repayment in _rows:
        word: uint256 = self.loan[_deal_id][row.loan_id]
        date: uint256 = row.place & MASK_16
        sequence: uint256 = row.place >> 16
        # One comparison for the open loan at the expected version and sequence; the reason is found only on refusal.
        if word & loan_words.CLOSED | ((word >> loan_words.VERSION) & loan_words.MASK_PLACE ^ (_version | (sequence << 8))) != 0 and not mirror:
            loan_words._require_open(word, _version, sequence)
        assert date >= (word >> loan_words.START) & MASK_16, reasons.ENTRY_BEFORE_START
        assert sequence != loan_words.MASK_SEQUENCE, reasons.ENTRY_SEQUENCE_FULL
        assert row.amounts & AMOUNT_SPILL == 0, reasons.AMOUNT_TOO_LARGE
        assert row.amounts != 0, reasons.ENTRY_EMPTY
        principal: uint256 = row.amounts & MASK_64
        before: uint256 = word & MASK_56
        if mirror:
            before = unsafe_add(before, principal)
        else:
            assert principal <= before, reasons.PRINCIPAL_ABOVE_OUTSTANDING
        after: uint256 = unsafe_sub(before, principal)
        if date != day:
            if rows != 0:
                sums = tallies._total(totals)
                self._count(_deal_id, day, kind, rows | tallies._sum(unsafe_sub(sums, counted)), _late)
                rows = 0
                counted = sums
            day = date
        rows = unsafe_add(rows, ONE_ROW)

        # M4: what the tiers take. The rest goes to the funders together with the principal.
        legs: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
        received: uint256 = (row.amounts >> INTEREST) & MASK_64
        rest: uint256 = received
        for tier: uint256 in tiers:
            taken: uint256 = rest
            if tier >> 32 == 0:
                taken = unsafe_div(unsafe_add(unsafe_mul(rest, tier >> 8), 500_000), PPM)
            else:
                rate: uint256 = (word >> loan_words.RATE) & MASK_24
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
            legs = waterfall._penalty_and_fee(legs, row.amounts, _division.penalty, _division.fees, _division.places, dividers)

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
        if told:
            if limited:
                if mirror:
                    self.borrower_outstanding_minor[lead][self.borrower_of[_deal_id][row.loan_id]] += principal
                else:
                    self.borrower_outstanding_minor[lead][self.borrower_of[_deal_id][row.loan_id]] -= principal
            if _division.places & REPORTED != 0:
                change: int256 = convert(principal, int256)
                interest: int256 = convert(received, int256)
                if not mirror:
                    change = -change
                else:
                    interest = -interest
                since: uint256 = loan_words._since(word)
                value_date: uint256 = _reversal.reversed_date if mirror else date
                self._report(_deal_id, _division.places, row.loan_id, word, since, date, value_date, change, interest, 0, 0)

        if mirror:
            self.loan[_deal_id][row.loan_id] = (
                (word & loan_words.MASK_BODY) + loan_words.ONE_ENTRY + principal | (_reversal.previous_tip << loan_words.TIP)
            )
            self._log_reversal(_reversal, legs)
        else:
            self.loan[_deal_id][row.loan_id] = unsafe_sub(unsafe_add(word & loan_words.MASK_BODY, loan_words.ONE_ENTRY), principal) | (
                convert(
                    keccak256(abi_encode(word >> loan_words.TIP, (loan_words.REPAYMENT << 16) | date, row.entry_id, row.amounts)),
                    uint256,
                ) & loan_words.MASK_TIP
            )
            log LoanRepaid(
                entry_id=row.entry_id,
                loan_id=row.loan_id,
                date=date,
                legs=[legs[0], legs[1], legs[2], legs[3]],
            )
            if parties > 4:
                self._log_further_legs(row.entry_id, legs)

    sums = tallies._total(totals)
    if mirror:
        self.volume[_deal_id].outstanding_minor += sums & MASK_64
    else:
        self.volume[_deal_id].outstanding_minor -= sums & MASK_64
    sign: int256 = -1 if mirror else 1
    self._count(_deal_id, day, kind, rows | tallies._sum(unsafe_sub(sums, counted)), _late)
    postings._post(JOURNAL, _deal_id, _division, totals, postings.CLEARING, postings.COLLECTOR, sign)
    self._report_exposure(_deal_id, _version, _division.places, -sign * convert(sums & MASK_64, int256))


# ---- internal: what a row does beside its loan
@internal
def _count(_deal_id: bytes32, _date: uint256, _kind: uint256, _rows: uint256, _late: bool):
    """
    @param _rows How many entries in bits 128-255, what they add up to in bits 0-127; 0 before the first of a batch.
    """
    if _rows != 0:
        extcall IJournal(JOURNAL).count(_deal_id, _date, _kind, _rows >> 128, _rows & MASK_128, _late)


@internal
def _rules_on(_deal_id: bytes32, _version: uint256, _division: IDeals.Division, _date: uint256) -> IDeals.Rules:
    """
    @dev What rules a loan that starts on a day; refuses it when a funder's list does not name every party.
    """
    rules: IDeals.Rules = staticcall IDeals(DEALS).rules(_deal_id, _version, _date)
    listed_until: uint256 = staticcall ILists(LISTS).require_listed(_division.parties, _division.places, _date)
    if _division.places & WIDE_LIMITS != 0:
        # Declared figures are dated by the day.
        listed_until = _date + 1
    rules.until_date = min(rules.until_date, listed_until)
    return rules


@internal
@pure
def _require_room(_owed_minor: uint256, _purpose: uint256, _limits: uint256, _room_minor: uint256):
    max_per_borrower_minor: uint256 = (_limits >> 40) & MASK_64
    max_per_consumer_minor: uint256 = _limits >> 168
    if max_per_borrower_minor != 0:
        assert _owed_minor <= max_per_borrower_minor, reasons.BORROWER_OVER_LIMIT
    if max_per_consumer_minor != 0 and _purpose == CONSUMER:
        assert _owed_minor <= max_per_consumer_minor, reasons.CONSUMER_OVER_LIMIT
    assert _owed_minor <= _room_minor, reasons.GUARANTEED_BORROWER_OVER_LIMIT


@internal
def _move(
    _deal_id: bytes32,
    _division: IDeals.Division,
    _word: uint256,
    _body: uint256,
    _step: ILoans.Step,
    _date: uint256,
    _sign: int256,
):
    """
    @dev What a step of another contract, or with sign -1 its mirror, does to the loan `_word` and beside it.
    @param _body The loan's word after it but for the principal.
    """
    principal: int256 = _sign * convert(_step.principal_minor, int256)
    interest: int256 = _sign * convert(_step.interest_minor, int256)
    change: int256 = -principal
    owed: int256 = -principal
    loss: int256 = 0
    if _step.kind == loan_words.WRITE_OFF:
        # Entries after a write-off stand above it: when it is taken back, all that was lost still is.
        self.lost[_deal_id][_step.loan_id] = _step.principal_minor if _sign == 1 else 0
        loss = principal
        owed = 0  # the borrower still owes what the funders gave up
    elif _word & loan_words.WRITTEN_OFF != 0:
        lost: int256 = convert(self.lost[_deal_id][_step.loan_id], int256) - principal
        assert lost >= 0, reasons.PRINCIPAL_ABOVE_OUTSTANDING
        self.lost[_deal_id][_step.loan_id] = convert(lost, uint256)
        loss = -principal
        change = 0
    outstanding: int256 = convert(_word & MASK_56, int256) + change
    assert outstanding >= 0, reasons.PRINCIPAL_ABOVE_OUTSTANDING
    self.loan[_deal_id][_step.loan_id] = _body & ~MASK_56 | convert(outstanding, uint256)
    self._owe(_deal_id, _step.loan_id, _division, change, owed)
    since: uint256 = loan_words._since(_body)
    date: uint256 = 0 if _step.kind == OVERDUE_MARK else _date
    self._report(_deal_id, _division.places, _step.loan_id, _word, since, date, _step.date, change, interest, loss, 0)


@internal
def _owe(_deal_id: bytes32, _loan_id: bytes32, _division: IDeals.Division, _change: int256, _owed: int256):
    """
    @dev What is outstanding in the deal, and owed by the borrower, after other entries than bookings and repayments.
    """
    if _change != 0:
        outstanding: int256 = convert(self.volume[_deal_id].outstanding_minor, int256) + _change
        self.volume[_deal_id].outstanding_minor = convert(outstanding, uint256)
    if _owed != 0 and _division.places & BORROWERS_LIMITED != 0:
        lead: bytes32 = convert(_division.parties & MASK_16, bytes32)
        borrower_id: bytes32 = self.borrower_of[_deal_id][_loan_id]
        owed: int256 = convert(self.borrower_outstanding_minor[lead][borrower_id], int256) + _owed
        self.borrower_outstanding_minor[lead][borrower_id] = convert(owed, uint256)


@internal
def _report(
    _deal_id: bytes32,
    _places: uint256,
    _loan_id: bytes32,
    _word: uint256,
    _since: uint256,
    _date: uint256,
    _value_date: uint256,
    _principal: int256,
    _interest: int256,
    _loss: int256,
    _disbursed: int256,
):
    """
    @param _word The loan before; 0 for a booking.
    """
    if _places & REPORTED != 0:
        extcall IAccruals(ACCRUALS).changed(
            _deal_id,
            _places,
            IAccruals.Change(
                loan_id=_loan_id,
                word=_word,
                since_date=_since,
                date=_date,
                value_date=_value_date,
                principal_minor=_principal,
                interest_minor=_interest,
                loss_minor=_loss,
                disbursed_minor=_disbursed,
            ),
        )


@internal
def _report_exposure(_deal_id: bytes32, _version: uint256, _places: uint256, _change: int256):
    if _places & WIDE_LIMITS != 0:
        volume: Volume = self.volume[_deal_id]
        extcall IExposures(EXPOSURES).moved(_deal_id, _version, _change, volume.outstanding_minor, volume.disbursed_minor)


# ---- internal: checks
@internal
def _open_batch(_deal_id: bytes32, _version: uint256) -> IDeals.Division:
    """
    @dev Only the servicer's maker may go on; the batch's opening event names it.
    """
    number: uint256 = staticcall IMembers(MEMBERS).maker_number(msg.sender)
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, _version)
    assert number == postings._party(division, postings.SERVICER), reasons.SENDER_NOT_SERVICER
    log EntriesSubmitted(deal_id=_deal_id, version=_version, submitter=number)
    return division


@internal
@view
def _require_contract(_kind: uint256):
    posting: address = GUARANTEES if _kind >= loan_words.COMPENSATION else SERVICING
    assert msg.sender == posting, reasons.SENDER_NOT_CONTRACT


# ---- internal: pure
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
