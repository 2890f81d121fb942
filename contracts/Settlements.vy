# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
# pragma optimize gas
"""
@title Settlements
@license MIT
@notice The period statements of each deal (分润结算单): what its loans moved in a month, and the platform's part of it.
@custom:units Amounts are minor units; balance days are minor units times calendar days, also under 30/360; dates are days since 1970-01-01; months are year * 12 + month - 1.
@custom:invariant S1 A closed month never changes: what reaches the ledger later lands in the first open month.
    S2 The months of a deal are closed one after another, each once.
    S3 The opening outstanding and the principal moved in all open months add up to the deal's outstanding.
    S4 A move counts its days from its true date, in whichever month it lands: over all months each day counts once.
    S5 What the funders give adds up to what the platform gets; a period never takes from the platform: a deficit is carried.
@custom:stop The signing parties do not close; nothing is posted then.
"""
from . import calendar
from . import reasons
from . import waterfall
from .interfaces import IDeals
from .interfaces import IJournal
from .interfaces import IMembers
from .interfaces import ISettlements

implements: ISettlements

# ---- constants
MAX_MOVES: constant(uint256) = 32
MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
MAX_BANDS: constant(uint256) = 8
PPM: constant(uint256) = 1_000_000
SIGNED_PPM: constant(int256) = 1_000_000
MASK_16: constant(uint256) = 2**16 - 1
LAST_DAY: constant(uint256) = 65_535
# Days past due from which a loan counts for the risk multiplier.
PAST_DUE_DAYS: constant(uint256) = 90
EXCESS: constant(uint256) = 1
# Of the last step of a scale, which holds for whatever is above the others.
LAST_BOUND: constant(uint256) = 2**64 - 1
# Places in Division.places.
FUNDERS: constant(uint256) = 8
EFFECTIVE: constant(uint256) = 48
DAY_COUNT: constant(uint256) = 72
# Two signed figures share one word: the upper one times 2**128, plus the lower one. Words add up
# figure by figure as long as a lower one stays under 2**127, and amounts are far under that.
UPPER: constant(int256) = 2**128
# Accounts of the Journal.
CLEARING: constant(uint256) = 1
INTEREST_INCOME: constant(uint256) = 3

# ---- immutables
MEMBERS: immutable(address)
DEALS: immutable(address)
JOURNAL: immutable(address)
ACCRUALS: immutable(address)

# ---- structs
# What moved in a month, two figures to a word.
struct Sums:
    # Principal; principal times its date.
    principal: int256
    # Interest received; losses net of recoveries.
    result: int256
    # Principal disbursed; outstanding of loans that are past due for 90 days by the month's end.
    volume: int256

struct Figures:
    # Added to the outstanding.
    principal_minor: int256
    # What that adds to the balance days until the end of the month.
    balance_days_minor: int256
    interest_minor: int256
    loss_minor: int256
    disbursed_minor: int256
    # Added to the outstanding of loans that are 90 or more days past due.
    overdue_minor: int256

# What the closed months leave to the first open one.
struct Standing:
    outstanding_minor: int256
    overdue_minor: int256
    # Rule excess: the deficit, <= 0.
    carried_minor: int256
    # A base of the rule that corrections brought below 0: it counts as 0, and the rest is left here, <= 0.
    rest_days_minor: int256
    rest_interest_minor: int256
    rest_disbursed_minor: int256

struct Statement:
    opening_minor: int256
    outstanding_minor: int256
    balance_days_minor: int256
    interest_minor: int256
    loss_minor: int256
    disbursed_minor: int256
    overdue_minor: int256
    bank_return_minor: uint256
    carried_minor: int256
    carry_minor: int256
    platform_minor: uint256

# ---- events
event PeriodClosed:
    deal_id: indexed(bytes32)
    month: indexed(uint256)
    version: uint256
    # Who closed it.
    party: uint256
    date: uint256
    opening_minor: int256
    outstanding_minor: int256
    # The bases of the rule, with the rest that the month before left: see Standing.
    balance_days_minor: int256
    interest_minor: int256
    loss_minor: int256
    disbursed_minor: int256
    overdue_minor: int256
    bank_return_minor: uint256
    carried_minor: int256
    carry_minor: int256
    platform_minor: int256
    # What each funder gives, 64 bits each: funder i in bits 64 * (i % 4) of word i // 4.
    parts: uint256[2]

# ---- storage
# The first month that is not closed; 0 for a deal in which nothing moved.
open_month: public(HashMap[bytes32, uint256])
standing: public(HashMap[bytes32, Standing])

# The first month ever closed; 0 until then.
_first_closed: HashMap[bytes32, uint256]
_sums: HashMap[bytes32, HashMap[uint256, Sums]]
# Of `_sums`, what belongs to months that were closed before it came.
_late: HashMap[bytes32, HashMap[uint256, Sums]]


@deploy
def __init__(_members: address, _deals: address, _journal: address, _accruals: address):
    MEMBERS = _members
    DEALS = _deals
    JOURNAL = _journal
    ACCRUALS = _accruals


# ---- external writes
# Calls nothing, so there is nothing to enter again; the lock would cost a third of it.
@external
@reentrant
def moved(_deal_id: bytes32, _moves: DynArray[ISettlements.Move, MAX_MOVES]):
    """
    @notice Accruals reports what entries of the deal's loans move.
    @param _deal_id A deal with a period.
    @param _moves The moves; those of one month together take the least gas.
    """
    assert msg.sender == ACCRUALS, reasons.SENDER_NOT_CONTRACT
    open_month: uint256 = self.open_month[_deal_id]
    # Moves of one month are added up here and stored once.
    sums: Sums = empty(Sums)
    bucket: uint256 = 0
    for move: ISettlements.Move in _moves:
        date: uint256 = move.date
        if date == 0:
            # Without any month yet, the day since which it is overdue gives one.
            date = calendar._first_day(open_month) if open_month != 0 else move.since_date
        month: uint256 = calendar._month_of(date)
        if open_month == 0 or (month < open_month and self._first_closed[_deal_id] == 0):
            open_month = month
            self.open_month[_deal_id] = month
        if max(month, open_month) != bucket:
            self._add(_deal_id, bucket, sums)
            sums = empty(Sums)
            bucket = max(month, open_month)  # S1

        added: Sums = Sums(
            principal=move.principal_minor * UPPER + move.principal_minor * convert(date, int256),
            result=move.interest_minor * UPPER + move.loss_minor,
            volume=move.disbursed_minor * UPPER,
        )
        if month < bucket:
            self._add_late(_deal_id, bucket, added)
        if move.overdue_minor != 0:
            due_month: uint256 = calendar._month_of(move.since_date + PAST_DUE_DAYS)
            if due_month > bucket:
                self._sums[_deal_id][due_month].volume += move.overdue_minor
            else:
                added.volume += move.overdue_minor
        sums.principal += added.principal
        sums.result += added.result
        sums.volume += added.volume
    self._add(_deal_id, bucket, sums)


@external
def close(_deal_id: bytes32, _version: uint256, _month: uint256, _date: uint256):
    """
    @notice A signing party's checker closes the first open month, after its maker's request.
    @param _deal_id The deal.
    @param _version The version of the terms in force on the month's last day.
    @param _month year * 12 + month - 1.
    @param _date The date of the posting, on the month's last day or later.
    """
    party: uint256 = extcall IMembers(MEMBERS).confirm(
        msg.sender,
        keccak256(concat(
            convert(self, bytes20),
            abi_encode(
                _deal_id, _version, _month, _date, method_id=method_id("close(bytes32,uint256,uint256,uint256)")
            ),
        )),
    )
    signers: DynArray[uint256, MAX_PARTIES] = staticcall IDeals(DEALS).signing_parties(_deal_id)
    assert party in signers, reasons.SENDER_NOT_SIGNING_PARTY
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, _version)
    period: IDeals.Period = staticcall IDeals(DEALS).period(_deal_id, _version)
    assert period.rule != 0, reasons.PERIOD_MISSING
    self._require_next(_deal_id, _month)
    until: uint256 = staticcall IDeals(DEALS).effective_until(_deal_id, _version)
    end: uint256 = calendar._first_day(_month + 1)
    assert (division.places >> EFFECTIVE) & MASK_16 < end and until >= end, reasons.VERSION_NOT_IN_FORCE
    assert _date >= end - 1 and _date <= LAST_DAY, reasons.PERIOD_DATE_INVALID

    statement: Statement = self._statement(_deal_id, _month, period, (division.places >> DAY_COUNT) & 255)
    legs: uint256[MAX_PARTIES] = waterfall._apportion_into(
        empty(uint256[MAX_PARTIES]),
        statement.platform_minor,
        waterfall._dividers(division.shares, (division.places >> FUNDERS) & 255),
        0,
    )
    self.standing[_deal_id] = self._left(period.rule, statement)
    self.open_month[_deal_id] = _month + 1  # S2
    if self._first_closed[_deal_id] == 0:
        self._first_closed[_deal_id] = _month
    log PeriodClosed(
        deal_id=_deal_id,
        month=_month,
        version=_version,
        party=party,
        date=_date,
        opening_minor=statement.opening_minor,
        outstanding_minor=statement.outstanding_minor,
        balance_days_minor=statement.balance_days_minor,
        interest_minor=statement.interest_minor,
        loss_minor=statement.loss_minor,
        disbursed_minor=statement.disbursed_minor,
        overdue_minor=statement.overdue_minor,
        bank_return_minor=statement.bank_return_minor,
        carried_minor=statement.carried_minor,
        carry_minor=statement.carry_minor,
        platform_minor=convert(statement.platform_minor, int256),
        parts=self._parts(legs),
    )
    self._post(_deal_id, _date, division, period.to, statement.platform_minor, legs)


# ---- external views
@external
@view
def first_month(_deal_id: bytes32) -> uint256:
    """
    @notice The first month of a deal: until it is closed, the earliest in which anything moved.
    @param _deal_id The deal.
    @return year * 12 + month - 1; 0 for a deal in which nothing moved.
    """
    first: uint256 = self._first_closed[_deal_id]
    return first if first != 0 else self.open_month[_deal_id]


@external
@view
def figures(_deal_id: bytes32, _month: uint256) -> Figures:
    """
    @notice What moved in a month, without what the months before it leave.
    @param _deal_id The deal.
    @param _month year * 12 + month - 1; not before 1970-01.
    @return The figures.
    """
    return self._figures(self._sums[_deal_id][_month], calendar._first_day(_month + 1))


@external
@view
def late_figures(_deal_id: bytes32, _month: uint256) -> Figures:
    """
    @notice What of a month's figures corrects months closed before it; of the balance days, those of earlier months.
    @param _deal_id The deal.
    @param _month year * 12 + month - 1; not before 1970-01.
    @return The figures; overdue loans have no date to be late by.
    """
    return self._figures(self._late[_deal_id][_month], calendar._first_day(_month))


# ---- internal: sums
@internal
def _add(_deal_id: bytes32, _month: uint256, _sums: Sums):
    if _sums.principal != 0:
        self._sums[_deal_id][_month].principal += _sums.principal
    if _sums.result != 0:
        self._sums[_deal_id][_month].result += _sums.result
    if _sums.volume != 0:
        self._sums[_deal_id][_month].volume += _sums.volume


@internal
def _add_late(_deal_id: bytes32, _month: uint256, _sums: Sums):
    if _sums.principal != 0:
        self._late[_deal_id][_month].principal += _sums.principal
    if _sums.result != 0:
        self._late[_deal_id][_month].result += _sums.result
    if _sums.volume != 0:
        self._late[_deal_id][_month].volume += _sums.volume


@internal
@view
def _require_next(_deal_id: bytes32, _month: uint256):
    open_month: uint256 = self.open_month[_deal_id]
    first: uint256 = self._first_closed[_deal_id]
    assert first == 0 or _month < first or _month >= open_month, reasons.PERIOD_CLOSED  # S2
    assert _month == open_month and _month != 0, reasons.PERIOD_OUT_OF_ORDER


# ---- internal: the statement (M8)
@internal
@view
def _statement(_deal_id: bytes32, _month: uint256, _period: IDeals.Period, _day_count: uint256) -> Statement:
    standing: Standing = self.standing[_deal_id]
    start: uint256 = calendar._first_day(_month)
    end: uint256 = calendar._first_day(_month + 1)
    moved: Figures = self._figures(self._sums[_deal_id][_month], end)
    statement: Statement = Statement(
        opening_minor=standing.outstanding_minor,
        outstanding_minor=standing.outstanding_minor + moved.principal_minor,
        balance_days_minor=standing.outstanding_minor * convert(end - start, int256)
        + moved.balance_days_minor
        + standing.rest_days_minor,
        interest_minor=moved.interest_minor + standing.rest_interest_minor,
        loss_minor=moved.loss_minor,
        disbursed_minor=moved.disbursed_minor + standing.rest_disbursed_minor,
        overdue_minor=standing.overdue_minor + moved.overdue_minor,
        bank_return_minor=0,
        carried_minor=standing.carried_minor,
        carry_minor=standing.carried_minor,
        platform_minor=0,
    )
    if _period.rule == EXCESS:
        statement.bank_return_minor = waterfall._half_up(
            self._floored(statement.balance_days_minor) * _period.bank_return_ppm,
            calendar._year_days(_day_count) * PPM,
        )
        excess_minor: int256 = (
            statement.interest_minor
            - convert(statement.bank_return_minor, int256)
            - statement.loss_minor
            + standing.carried_minor
        )
        statement.carry_minor = min(excess_minor, 0)
        statement.platform_minor = waterfall._half_up(self._floored(excess_minor) * _period.share_ppm, PPM)
    else:
        statement.platform_minor = self._volume_part(
            self._floored(statement.disbursed_minor), self._floored(statement.interest_minor), _period
        )
    statement.platform_minor = self._at_risk(
        statement.platform_minor, _period.risk, statement.overdue_minor, statement.outstanding_minor
    )
    return statement


@internal
@pure
def _left(_rule: uint256, _statement: Statement) -> Standing:
    """
    @dev A base below 0 is left to the next month if this month's rule floored it.
    """
    left: Standing = empty(Standing)
    left.outstanding_minor = _statement.outstanding_minor
    left.overdue_minor = _statement.overdue_minor
    left.carried_minor = _statement.carry_minor
    if _rule == EXCESS:
        left.rest_days_minor = min(_statement.balance_days_minor, 0)
    else:
        left.rest_interest_minor = min(_statement.interest_minor, 0)
        left.rest_disbursed_minor = min(_statement.disbursed_minor, 0)
    return left


@internal
@pure
def _volume_part(_disbursed_minor: uint256, _interest_minor: uint256, _period: IDeals.Period) -> uint256:
    # Sum of each slice times its share.
    weighted: uint256 = 0
    below: uint256 = 0
    for tier: IDeals.Band in _period.tiers:
        bound: uint256 = tier.up_to if tier.up_to != LAST_BOUND else max_value(uint256)
        if _period.whole and _disbursed_minor <= bound:
            return waterfall._half_up(_interest_minor * tier.ppm, PPM)
        reached: uint256 = min(_disbursed_minor, bound)
        weighted += (reached - below) * tier.ppm
        below = reached
    if _disbursed_minor == 0:
        return 0
    return waterfall._half_up(_interest_minor * weighted, _disbursed_minor * PPM)


@internal
@pure
def _at_risk(
    _amount_minor: uint256, _bands: DynArray[IDeals.Band, MAX_BANDS], _overdue_minor: int256, _outstanding_minor: int256
) -> uint256:
    """
    @dev The ratio is compared by multiplying across.
    """
    for band: IDeals.Band in _bands:
        bound_minor: int256 = convert(band.up_to, int256) * _outstanding_minor
        if band.up_to == LAST_BOUND or _overdue_minor * SIGNED_PPM <= bound_minor:
            return waterfall._half_up(_amount_minor * band.ppm, PPM)
    return _amount_minor


# ---- internal: postings of money.md, "Accounts"
@internal
def _post(
    _deal_id: bytes32,
    _date: uint256,
    _division: IDeals.Division,
    _to: uint256,
    _platform_minor: uint256,
    _legs: uint256[MAX_PARTIES],
):
    """
    @dev The platform's part becomes its income, due to it from the funders. The day is checked with nothing to post, too.
    """
    postings: DynArray[IJournal.Posting, 96] = []
    if _platform_minor != 0:
        platform: uint256 = (_division.parties >> (16 * _to)) & MASK_16
        amount_minor: int256 = convert(_platform_minor, int256)
        postings.append(IJournal.Posting(party=platform, account=INTEREST_INCOME, amount_minor=-amount_minor))
        postings.append(IJournal.Posting(party=platform, account=CLEARING, amount_minor=amount_minor))
        for i: uint256 in range((_division.places >> FUNDERS) & 255, bound=MAX_FUNDERS):
            party: uint256 = (_division.parties >> (16 * i)) & MASK_16
            part_minor: int256 = convert(_legs[i], int256)
            postings.append(IJournal.Posting(party=party, account=INTEREST_INCOME, amount_minor=part_minor))
            postings.append(IJournal.Posting(party=party, account=CLEARING, amount_minor=-part_minor))
    extcall IJournal(JOURNAL).post(_deal_id, _date, postings)


# ---- internal: pure
@internal
@pure
def _figures(_sums: Sums, _end: uint256) -> Figures:
    """
    @dev Principal moved on a date counts every day from then to `_end`: principal * end - sum of principal * date.
    """
    principal: int256 = self._upper(_sums.principal)
    return Figures(
        principal_minor=principal,
        balance_days_minor=principal * convert(_end, int256) - self._lower(_sums.principal),  # S4
        interest_minor=self._upper(_sums.result),
        loss_minor=self._lower(_sums.result),
        disbursed_minor=self._upper(_sums.volume),
        overdue_minor=self._lower(_sums.volume),
    )


@internal
@pure
def _lower(_word: int256) -> int256:
    return (_word << 128) >> 128


@internal
@pure
def _upper(_word: int256) -> int256:
    return (_word - self._lower(_word)) >> 128


@internal
@pure
def _floored(_amount_minor: int256) -> uint256:
    return convert(max(_amount_minor, 0), uint256)


@internal
@pure
def _parts(_legs: uint256[MAX_PARTIES]) -> uint256[2]:
    parts: uint256[2] = empty(uint256[2])
    for i: uint256 in range(MAX_FUNDERS):
        assert _legs[i] < 2**64, reasons.AMOUNT_TOO_LARGE
        parts[i >> 2] |= _legs[i] << ((i & 3) << 6)
    return parts
