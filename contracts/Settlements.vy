# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
# pragma optimize gas
"""
@title Settlements
@license MIT
@notice The period statements of each deal (分润结算单): what its loans moved in a month, and the platform's part of it.
    And its settlements (清算): who pays whom so that nothing is due any more, and what was paid of it.
@custom:units Amounts are minor units; balance days are minor units times calendar days, also under 30/360; dates are days since 1970-01-01; months are year * 12 + month - 1.
@custom:invariant S1 A closed month never changes: what reaches the ledger later lands in the first open month.
    S2 The months of a deal are closed one after another, each once.
    S3 The opening outstanding and the principal moved in all open months add up to the deal's outstanding.
    S4 A move counts its days from its true date, in whichever month it lands: over all months each day counts once.
    S5 What the funders give adds up to what the platform gets; a period never takes from the platform: a deficit is carried.
    S6 The payments of a settlement bring the CLEARING balance of every party of the deal to zero, as of its day.
    S7 Of a settlement no more is paid than its payments say, and only until the deal has a newer one.
    S8 A payment is taken back by its exact mirror, once.
@custom:stop The signing parties do not close; nothing is posted then. Nobody pays in a contract: payer and payee say what was paid.
"""
from . import calendar
from . import clearing
from . import months
from . import reasons
from . import tallies
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
MAX_PAYMENTS: constant(uint256) = 11
MASK_16: constant(uint256) = 2**16 - 1
LAST_DAY: constant(uint256) = 65_535
# Days past due from which a loan counts for the risk multiplier.
PAST_DUE_DAYS: constant(uint256) = 90
# Places in Division.places.
FUNDERS: constant(uint256) = 8
EFFECTIVE: constant(uint256) = 48
DAY_COUNT: constant(uint256) = 72
# Accounts of the Journal.
CLEARING: constant(uint256) = 1
INTEREST_INCOME: constant(uint256) = 3

# ---- immutables
MEMBERS: immutable(address)
DEALS: immutable(address)
JOURNAL: immutable(address)
ACCRUALS: immutable(address)

# ---- structs
# Who pays whom.
struct Settlement:
    # 0 for none.
    day: uint256
    # Whose maker made it.
    party: uint256
    payments: DynArray[clearing.Payment, MAX_PAYMENTS]

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
    # The bases of the rule, with the rest that the month before left: see months.
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

# Takes the place of the deal's settlement before it: of that one, nothing more is paid.
event SettlementMade:
    deal_id: indexed(bytes32)
    # 1, 2, ... in each deal.
    number: indexed(uint256)
    day: uint256
    party: uint256
    payments: DynArray[clearing.Payment, MAX_PAYMENTS]

event SettlementPaid:
    deal_id: indexed(bytes32)
    entry_id: indexed(bytes32)
    number: uint256
    # Position in the settlement, from 0.
    payment: uint256
    # Who says so: payer or payee.
    party: uint256
    date: uint256
    amount_minor: uint256
    # Of the bank's reference.
    reference_id: bytes32

event PaymentReversed:
    deal_id: indexed(bytes32)
    entry_id: indexed(bytes32)
    reversed_id: indexed(bytes32)
    party: uint256
    date: uint256
    amount_minor: uint256

# ---- storage
# The first month that is not closed; 0 for a deal in which nothing moved.
open_month: public(HashMap[bytes32, uint256])
standing: public(HashMap[bytes32, months.Standing])
# The number of the deal's latest settlement; 0 for none.
settlement_number: public(HashMap[bytes32, uint256])
# Deal, entry: a payment (1), a reversal (2) or a payment that was reversed (3): see clearing; 0 for none.
settlement_entry: public(HashMap[bytes32, HashMap[bytes32, uint256]])

# The first month ever closed; 0 until then.
_first_closed: HashMap[bytes32, uint256]
_sums: HashMap[bytes32, HashMap[uint256, months.Sums]]
# Of `_sums`, what belongs to months that were closed before it came.
_late: HashMap[bytes32, HashMap[uint256, months.Sums]]

# Deal, number: day in bits 0-15, party 16-31, how many payments 32-39.
_settlements: HashMap[bytes32, HashMap[uint256, uint256]]
# Deal, number, position: see clearing.
_payments: HashMap[bytes32, HashMap[uint256, HashMap[uint256, uint256]]]
# Deal, day, member number: what was paid and taken back on the day adds to the member's CLEARING.
_paid_on: HashMap[bytes32, HashMap[uint256, HashMap[uint256, int256]]]
# Deal, day // 256: a bit for each day that `_paid_on` has.
_paid_days: HashMap[bytes32, HashMap[uint256, uint256]]
_last_paid_day: HashMap[bytes32, uint256]


@deploy
def __init__(_members: address, _deals: address, _journal: address, _accruals: address):
    MEMBERS = _members
    DEALS = _deals
    JOURNAL = _journal
    ACCRUALS = _accruals


# ---- external writes: periods
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
    sums: months.Sums = empty(months.Sums)
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
            sums = empty(months.Sums)
            bucket = max(month, open_month)  # S1

        added: months.Sums = months.Sums(
            principal=move.principal_minor * months.UPPER + move.principal_minor * convert(date, int256),
            result=move.interest_minor * months.UPPER + move.loss_minor,
            volume=move.disbursed_minor * months.UPPER,
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

    statement: months.Statement = months._statement(
        self.standing[_deal_id], self._sums[_deal_id][_month], _month, period, (division.places >> DAY_COUNT) & 255
    )
    legs: uint256[MAX_PARTIES] = waterfall._apportion_into(
        empty(uint256[MAX_PARTIES]),
        statement.platform_minor,
        waterfall._dividers(division.shares, (division.places >> FUNDERS) & 255),
        0,
    )
    self.standing[_deal_id] = months._left(period.rule, statement)
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


# ---- external writes: settlements
@external
def settle(_deal_id: bytes32, _day: uint256, _payments: DynArray[clearing.Payment, MAX_PAYMENTS]) -> uint256:
    """
    @notice A signing party's maker says who pays whom so that nothing is due any more; the newest settlement counts.
    @dev Any payments that settle will do: that they are few is up to who makes them.
    @param _deal_id A deal in force, suspended or closed as it may be.
    @param _day The last sealed day, to settle what was due at its close; a later day, to settle what is due now.
    @param _payments From parties that owe to parties that are owed, each pair at most once.
    @return The settlement's number.
    """
    party: uint256 = staticcall IMembers(MEMBERS).maker_number(msg.sender)
    signers: DynArray[uint256, MAX_PARTIES] = staticcall IDeals(DEALS).signing_parties(_deal_id)
    assert party in signers, reasons.SENDER_NOT_SIGNING_PARTY
    parties: uint256 = self._parties(_deal_id)
    clearing._require_settled(self._dues(_deal_id, _day, parties), parties, _payments)  # S6

    number: uint256 = self.settlement_number[_deal_id] + 1
    self.settlement_number[_deal_id] = number
    self._settlements[_deal_id][number] = _day | (party << 16) | (len(_payments) << 32)
    for i: uint256 in range(len(_payments), bound=MAX_PAYMENTS):
        amount: uint256 = _payments[i].amount_minor
        self._payments[_deal_id][number][i] = (
            amount
            | (amount << clearing.REST)
            | (_payments[i].payer << clearing.PAYER)
            | (_payments[i].payee << clearing.PAYEE)
        )
    log SettlementMade(deal_id=_deal_id, number=number, day=_day, party=party, payments=_payments)
    return number


@external
def paid(
    _deal_id: bytes32,
    _number: uint256,
    _payment: uint256,
    _entry_id: bytes32,
    _amount_minor: uint256,
    _date: uint256,
    _reference_id: bytes32,
):
    """
    @notice The payer's or the payee's maker says that a payment of the settlement was made, or a part of it.
    @param _deal_id The deal.
    @param _number The deal's latest settlement.
    @param _payment Position of the payment in it, from 0.
    @param _entry_id The member's own id of the entry.
    @param _amount_minor Minor units, above 0 and at most what is left of the payment.
    @param _date The day it was paid, after the last sealed one.
    @param _reference_id Hash of the bank's reference.
    """
    party: uint256 = staticcall IMembers(MEMBERS).maker_number(msg.sender)
    word: uint256 = self._payments[_deal_id][_number][_payment]
    self._require_side(party, word)
    assert _number == self.settlement_number[_deal_id], reasons.SETTLEMENT_REPLACED  # S7
    assert _date <= LAST_DAY, reasons.ENTRY_DATE_INVALID
    assert self.settlement_entry[_deal_id][_entry_id] == 0, reasons.ENTRY_EXISTS
    assert _amount_minor != 0 and _amount_minor <= clearing._rest(word), reasons.PAYMENT_OVER_DUE  # S7

    self.settlement_entry[_deal_id][_entry_id] = (
        _amount_minor
        | (_date << clearing.DATE)
        | (clearing.PAID << clearing.KIND)
        | (_payment << clearing.POSITION)
        | (_number << clearing.NUMBER)
    )
    self._payments[_deal_id][_number][_payment] = word - (_amount_minor << clearing.REST)
    self._note_paid(_deal_id, _date, word, convert(_amount_minor, int256))
    log SettlementPaid(
        deal_id=_deal_id,
        entry_id=_entry_id,
        number=_number,
        payment=_payment,
        party=party,
        date=_date,
        amount_minor=_amount_minor,
        reference_id=_reference_id,
    )
    clearing._post(JOURNAL, _deal_id, word, _date, tallies.SETTLEMENT_PAYMENT, _amount_minor, 1)


@external
def reverse_paid(_deal_id: bytes32, _entry_id: bytes32, _reversed_id: bytes32, _date: uint256):
    """
    @notice The payer's or the payee's maker takes back what was said to be paid, by its exact mirror (冲正).
    @dev It is to be paid again while its settlement is the deal's latest; else the next settlement has it.
    @param _deal_id The deal.
    @param _entry_id The member's own id of the reversal.
    @param _reversed_id Id of the payment's entry.
    @param _date The day of the reversal: not before the entry's, and after the last sealed one.
    """
    party: uint256 = staticcall IMembers(MEMBERS).maker_number(msg.sender)
    entry: uint256 = self.settlement_entry[_deal_id][_reversed_id]
    assert (entry >> clearing.KIND) & 255 == clearing.PAID, reasons.ENTRY_UNKNOWN  # S8
    number: uint256 = entry >> clearing.NUMBER
    position: uint256 = (entry >> clearing.POSITION) & 255
    amount: uint256 = entry & clearing.MASK_96
    word: uint256 = self._payments[_deal_id][number][position]
    self._require_side(party, word)
    assert _date <= LAST_DAY, reasons.ENTRY_DATE_INVALID
    assert _date >= (entry >> clearing.DATE) & MASK_16, reasons.REVERSAL_BEFORE_ENTRY
    assert self.settlement_entry[_deal_id][_entry_id] == 0, reasons.ENTRY_EXISTS

    self.settlement_entry[_deal_id][_entry_id] = (
        amount
        | (_date << clearing.DATE)
        | (clearing.REVERSAL << clearing.KIND)
        | (position << clearing.POSITION)
        | (number << clearing.NUMBER)
    )
    self.settlement_entry[_deal_id][_reversed_id] = entry + (clearing.PAID_AND_REVERSED - clearing.PAID << clearing.KIND)
    self._payments[_deal_id][number][position] = word + (amount << clearing.REST)
    self._note_paid(_deal_id, _date, word, -convert(amount, int256))
    log PaymentReversed(
        deal_id=_deal_id,
        entry_id=_entry_id,
        reversed_id=_reversed_id,
        party=party,
        date=_date,
        amount_minor=amount,
    )
    clearing._post(JOURNAL, _deal_id, word, _date, tallies.REVERSAL, amount, -1)


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
def figures(_deal_id: bytes32, _month: uint256) -> months.Figures:
    """
    @notice What moved in a month, without what the months before it leave.
    @param _deal_id The deal.
    @param _month year * 12 + month - 1; not before 1970-01.
    @return The figures.
    """
    return months._figures(self._sums[_deal_id][_month], calendar._first_day(_month + 1))


@external
@view
def late_figures(_deal_id: bytes32, _month: uint256) -> months.Figures:
    """
    @notice What of a month's figures corrects months closed before it; of the balance days, those of earlier months.
    @param _deal_id The deal.
    @param _month year * 12 + month - 1; not before 1970-01.
    @return The figures; overdue loans have no date to be late by.
    """
    return months._figures(self._late[_deal_id][_month], calendar._first_day(_month))


@external
@view
def dues(_deal_id: bytes32, _day: uint256) -> int256[MAX_PARTIES]:
    """
    @notice What a settlement of a day has to bring to zero.
    @param _deal_id A deal in force.
    @param _day As in `settle`.
    @return Minor units in the order of the deal's parties, then 0; positive for who is to receive.
    """
    return self._dues(_deal_id, _day, self._parties(_deal_id))


@external
@view
def settlement(_deal_id: bytes32, _number: uint256) -> Settlement:
    """
    @notice A settlement as it was made.
    @param _deal_id The deal.
    @param _number 1 to `settlement_number`.
    @return Day, maker and payments; all 0 for a number that there is not.
    """
    word: uint256 = self._settlements[_deal_id][_number]
    found: Settlement = Settlement(day=word & MASK_16, party=(word >> 16) & MASK_16, payments=[])
    for i: uint256 in range(word >> 32, bound=MAX_PAYMENTS):
        payment: uint256 = self._payments[_deal_id][_number][i]
        found.payments.append(
            clearing.Payment(
                payer=clearing._party(payment, clearing.PAYER),
                payee=clearing._party(payment, clearing.PAYEE),
                amount_minor=payment & clearing.MASK_96,
            )
        )
    return found


@external
@view
def rest_minor(_deal_id: bytes32, _number: uint256, _payment: uint256) -> uint256:
    """
    @notice What is left to pay of a payment.
    @param _deal_id The deal.
    @param _number The settlement.
    @param _payment Position of the payment in it, from 0.
    @return Minor units; 0 once the deal has a newer settlement.
    """
    if _number != self.settlement_number[_deal_id]:
        return 0
    return clearing._rest(self._payments[_deal_id][_number][_payment])


# ---- internal: settlements
@internal
@view
def _parties(_deal_id: bytes32) -> uint256:
    """
    @return 16 bits for each party's member number: all versions of a deal have the same.
    """
    version: uint256 = staticcall IDeals(DEALS).version_in_force(_deal_id)
    return (staticcall IDeals(DEALS).division(_deal_id, version)).parties


@internal
@view
def _dues(_deal_id: bytes32, _day: uint256, _parties: uint256) -> int256[MAX_PARTIES]:
    """
    @dev A sealed day's balances never change. What was paid since is dated after the day, and no longer due.
    """
    sealed_through: uint256 = staticcall IJournal(JOURNAL).sealed_through(_deal_id)
    assert _day <= LAST_DAY, reasons.ENTRY_DATE_INVALID
    # Day 0 is never sealed: it stands for no day.
    assert _day >= sealed_through and _day != 0, reasons.SETTLEMENT_DAY_PASSED
    if _day != sealed_through:
        return clearing._balances(JOURNAL, _deal_id, _parties)

    dues: int256[MAX_PARTIES] = staticcall IJournal(JOURNAL).sealed_clearing(_deal_id)
    last: uint256 = self._last_paid_day[_deal_id]
    if last > _day:
        for k: uint256 in range(_day >> 8, (last >> 8) + 1, bound=256):
            days: uint256 = self._paid_days[_deal_id][k]
            for bit: uint256 in range(256):
                if days >> bit == 0:
                    break
                day: uint256 = k * 256 + bit
                if (days >> bit) & 1 == 0 or day <= _day:
                    continue
                for i: uint256 in range(MAX_PARTIES):
                    dues[i] += self._paid_on[_deal_id][day][(_parties >> (16 * i)) & MASK_16]
    return dues


@internal
@pure
def _require_side(_party: uint256, _payment: uint256):
    assert _payment != 0, reasons.PAYMENT_UNKNOWN
    assert (
        _party == clearing._party(_payment, clearing.PAYER) or _party == clearing._party(_payment, clearing.PAYEE)
    ), reasons.SENDER_NOT_PARTY


@internal
def _note_paid(_deal_id: bytes32, _date: uint256, _payment: uint256, _amount_minor: int256):
    self._paid_on[_deal_id][_date][clearing._party(_payment, clearing.PAYER)] += _amount_minor
    self._paid_on[_deal_id][_date][clearing._party(_payment, clearing.PAYEE)] -= _amount_minor
    self._paid_days[_deal_id][_date >> 8] |= 1 << (_date & 255)
    self._last_paid_day[_deal_id] = max(self._last_paid_day[_deal_id], _date)


# ---- internal: sums
@internal
def _add(_deal_id: bytes32, _month: uint256, _sums: months.Sums):
    if _sums.principal != 0:
        self._sums[_deal_id][_month].principal += _sums.principal
    if _sums.result != 0:
        self._sums[_deal_id][_month].result += _sums.result
    if _sums.volume != 0:
        self._sums[_deal_id][_month].volume += _sums.volume


@internal
def _add_late(_deal_id: bytes32, _month: uint256, _sums: months.Sums):
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
    extcall IJournal(JOURNAL).post(_deal_id, postings)
    extcall IJournal(JOURNAL).count(_deal_id, _date, tallies.PERIOD_STATEMENT, 1, _platform_minor, False)


# ---- internal: pure
@internal
@pure
def _parts(_legs: uint256[MAX_PARTIES]) -> uint256[2]:
    parts: uint256[2] = empty(uint256[2])
    for i: uint256 in range(MAX_FUNDERS):
        assert _legs[i] < 2**64, reasons.AMOUNT_TOO_LARGE
        parts[i >> 2] |= _legs[i] << ((i & 3) << 6)
    return parts
