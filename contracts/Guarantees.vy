# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title Guarantees
@license MIT
@notice Deposits (保证金), what loss layers pay on loans past due (代偿), and who gets what comes in on them later (追偿).
@custom:units Amounts are minor units of the deal's currency; lines and shares are parts per million; dates are days since 1970-01-01.
@custom:invariant G1 The parts of every compensation and recovery add up to it; its mirror takes the very same parts back.
    G2 A layer never pays above its share of what reaches it, nor beyond its cap: what it has used is within the cap whenever it pays.
    G3 A loan is compensated at most once while the compensation stands.
    G4 A layer's claim on a loan is what it paid on it less what it was given back, and never below 0.
    G5 A deposit is what was paid in less what was released, taken back or drawn, and never below 0.
    G6 Nothing is paid above what is owed on the loan.
@custom:stop The servicer's checker revokes its maker key in Members; the custodian releases nothing without two keys.
"""
from . import claim_postings
from . import layers
from . import loan_words
from . import postings
from . import reasons
from . import tallies
from . import waterfall
from .interfaces import IDeals
from .interfaces import IExposures
from .interfaces import IGuarantees
from .interfaces import IJournal
from .interfaces import ILoans
from .interfaces import IMembers

implements: IGuarantees

# ---- constants
MAX_BATCH: constant(uint256) = 100
MAX_LAYERS: constant(uint256) = 8
PPM: constant(uint256) = 1_000_000
NOBODY: constant(uint256) = 255
MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_56: constant(uint256) = 2**56 - 1

# Features of a version of the terms, from bit 64 of Division.places on: see IDeals.
DEPOSIT: constant(uint256) = 1 << 64
WIDE_LIMITS: constant(uint256) = 16 << 64

# Kinds of entry on a deposit.
PAYMENT: constant(uint256) = 1
RELEASE: constant(uint256) = 2
REVERSAL: constant(uint256) = 3
REVERSED_PAYMENT: constant(uint256) = 4

# ---- immutables
MEMBERS: immutable(address)
DEALS: immutable(address)
EXPOSURES: immutable(address)
JOURNAL: immutable(address)
LOANS: immutable(address)

# ---- structs
struct Claim:
    entry_id: bytes32
    loan_id: bytes32
    # How many entries were posted on the loan before this one.
    sequence: uint256
    date: uint256

struct Recovery:
    entry_id: bytes32
    loan_id: bytes32
    sequence: uint256
    date: uint256
    # 6 recovery, 7 repayment that arrives after compensation or write-off.
    kind: uint256
    # Of a recovery: principal what was recovered, fee the cost within it. Of a repayment: as in the file.
    amounts: uint256

struct CompensationReversal:
    entry_id: bytes32
    loan_id: bytes32
    sequence: uint256
    date: uint256
    # The entry to mirror, exactly as its event has it.
    reversed_id: bytes32
    reversed_date: uint256
    pays: uint256[2]
    principal_parts: uint256[2]
    interest_parts: uint256[2]
    # The loan's tip before the entry to mirror.
    previous_tip: uint256

struct RecoveryReversal:
    entry_id: bytes32
    loan_id: bytes32
    sequence: uint256
    date: uint256
    # The entry to mirror, exactly as its event has it.
    reversed_id: bytes32
    reversed_date: uint256
    reversed_kind: uint256
    reversed_amounts: uint256
    to_layers: uint256[2]
    residual_parts: uint256[2]
    surplus_parts: uint256[2]
    previous_tip: uint256

# What the newest terms in force say of the deposit. `lines` as in IDeals.Cover; the parties by member number.
struct Agreed:
    version: uint256
    places: uint256
    lines: uint256
    depositor: uint256
    custodian: uint256

# A deal before a batch.
struct Before:
    deposit_minor: uint256
    outstanding_minor: uint256
    disbursed_minor: uint256

# ---- events
event DepositPaid:
    deal_id: indexed(bytes32)
    entry_id: indexed(bytes32)
    party: uint256
    date: uint256
    amount_minor: uint256
    # What the deposit comes to with it.
    deposit_minor: uint256

event DepositReleased:
    deal_id: indexed(bytes32)
    entry_id: indexed(bytes32)
    party: uint256
    date: uint256
    amount_minor: uint256
    deposit_minor: uint256

event DepositReversed:
    deal_id: indexed(bytes32)
    entry_id: indexed(bytes32)
    reversed_id: indexed(bytes32)
    party: uint256
    date: uint256
    amount_minor: uint256
    deposit_minor: uint256

# The deposit fell under its warning line: `amount_minor` more would bring it up to target.
event TopUpCalled:
    deal_id: indexed(bytes32)
    amount_minor: uint256
    deposit_minor: uint256
    outstanding_minor: uint256

# Opens a batch: the deal, version and submitter of the entries that follow it in the transaction.
event EntriesSubmitted:
    deal_id: indexed(bytes32)
    version: indexed(uint256)
    submitter: indexed(uint256)

event LoanCompensated:
    entry_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    date: uint256
    # By layers; 64 bits each: element i in bits 64 * (i % 4) of word i // 4.
    pays: uint256[2]
    # By funders.
    principal_parts: uint256[2]
    interest_parts: uint256[2]

event LoanRecovered:
    entry_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    date: uint256
    kind: uint256
    amounts: uint256
    # Then the residual of the funders is what they lost, and its restoration income.
    written_off: bool
    to_layers: uint256[2]
    residual_parts: uint256[2]
    surplus_parts: uint256[2]

event CompensationReversed:
    entry_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    reversed_id: indexed(bytes32)
    date: uint256
    # Of the entry mirrored.
    pays: uint256[2]
    principal_parts: uint256[2]
    interest_parts: uint256[2]

event RecoveryReversed:
    entry_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    reversed_id: indexed(bytes32)
    date: uint256
    # Of the entry mirrored.
    kind: uint256
    amounts: uint256
    written_off: bool
    to_layers: uint256[2]
    residual_parts: uint256[2]
    surplus_parts: uint256[2]

# ---- storage
deposit_minor: public(reentrant(HashMap[bytes32, uint256]))
# Deal, entry: an entry on the deposit: amount in bits 0-55, date 56-71, kind 72-79 (1 payment, 2 release,
# 3 reversal, 4 payment that was reversed); 0 for none.
deposit_entry: public(HashMap[bytes32, HashMap[bytes32, uint256]])
# Deal, position of a layer: what it paid and, if it reinstates, was not given back.
used_minor: public(reentrant(HashMap[bytes32, HashMap[uint256, uint256]]))

# Deal, loan: what each layer paid and was not given back (代位追偿), packed as in layers.
_claims: HashMap[bytes32, HashMap[bytes32, uint256[2]]]


@deploy
def __init__(_members: address, _deals: address, _exposures: address, _journal: address, _loans: address):
    MEMBERS = _members
    DEALS = _deals
    EXPOSURES = _exposures
    JOURNAL = _journal
    LOANS = _loans


# ---- external writes: the deposit
@external
def pay(_deal_id: bytes32, _entry_id: bytes32, _date: uint256, _amount_minor: uint256):
    """
    @notice The depositor's maker says that it paid into the deposit.
    @param _deal_id The deal.
    @param _entry_id The depositor's own id of the payment.
    @param _date The day it was paid.
    @param _amount_minor Minor units, above 0 and below 2**56.
    """
    number: uint256 = staticcall IMembers(MEMBERS).maker_number(msg.sender)
    agreed: Agreed = self._agreed(_deal_id)
    assert number == agreed.depositor, reasons.SENDER_NOT_DEPOSITOR
    self._note(_deal_id, _entry_id, _date, _amount_minor, PAYMENT)
    deposit: uint256 = self._move_deposit(_deal_id, convert(_amount_minor, int256))
    log DepositPaid(
        deal_id=_deal_id,
        entry_id=_entry_id,
        party=number,
        date=_date,
        amount_minor=_amount_minor,
        deposit_minor=deposit,
    )
    self._post_deposit(_deal_id, _date, tallies.DEPOSIT_PAYMENT, agreed, convert(_amount_minor, int256))


@external
def release(_deal_id: bytes32, _entry_id: bytes32, _date: uint256, _amount_minor: uint256):
    """
    @notice The custodian's checker, after its maker's request, says that it paid back from the deposit.
    @dev What is left meets the target, and the target is not under the warning line: no top-up is due.
    @param _deal_id The deal.
    @param _entry_id The custodian's own id of the release.
    @param _date The day it was paid.
    @param _amount_minor Minor units, above 0 and below 2**56.
    """
    agreed: Agreed = self._confirmed(
        method_id("release(bytes32,bytes32,uint256,uint256)", output_type=bytes4),
        _deal_id,
        _entry_id,
        convert(_date, bytes32),
        _amount_minor,
    )
    self._note(_deal_id, _entry_id, _date, _amount_minor, RELEASE)
    deposit: uint256 = self._move_deposit(_deal_id, -convert(_amount_minor, int256))
    target: uint256 = ((agreed.lines >> 16) & MASK_24) * self._volume(_deal_id)[0]
    assert deposit * PPM >= target, reasons.RELEASE_UNDER_TARGET
    log DepositReleased(
        deal_id=_deal_id,
        entry_id=_entry_id,
        party=agreed.custodian,
        date=_date,
        amount_minor=_amount_minor,
        deposit_minor=deposit,
    )
    self._post_deposit(_deal_id, _date, tallies.DEPOSIT_RELEASE, agreed, -convert(_amount_minor, int256))


@external
def reverse_payment(_deal_id: bytes32, _entry_id: bytes32, _reversed_id: bytes32, _date: uint256):
    """
    @notice The custodian's checker, after its maker's request, says that a payment never came (冲正).
    @param _deal_id The deal.
    @param _entry_id The custodian's own id of the reversal.
    @param _reversed_id Id of the payment.
    @param _date The day of the reversal.
    """
    agreed: Agreed = self._confirmed(
        method_id("reverse_payment(bytes32,bytes32,bytes32,uint256)", output_type=bytes4),
        _deal_id,
        _entry_id,
        _reversed_id,
        _date,
    )
    payment: uint256 = self.deposit_entry[_deal_id][_reversed_id]
    assert payment >> 72 == PAYMENT, reasons.ENTRY_UNKNOWN
    amount: uint256 = payment & MASK_56
    self._note(_deal_id, _entry_id, _date, amount, REVERSAL)
    self.deposit_entry[_deal_id][_reversed_id] = payment + (REVERSED_PAYMENT - PAYMENT << 72)
    deposit: uint256 = self._move_deposit(_deal_id, -convert(amount, int256))
    log DepositReversed(
        deal_id=_deal_id,
        entry_id=_entry_id,
        reversed_id=_reversed_id,
        party=agreed.custodian,
        date=_date,
        amount_minor=amount,
        deposit_minor=deposit,
    )
    outstanding: uint256 = self._volume(_deal_id)[0]
    self._call_top_up(_deal_id, agreed.lines, deposit + amount, outstanding, deposit, outstanding)
    self._post_deposit(_deal_id, _date, tallies.REVERSAL, agreed, -convert(amount, int256))


# ---- external writes: loss layers
@external
def compensate(_deal_id: bytes32, _version: uint256, _rows: DynArray[Claim, MAX_BATCH], _late: bool):
    """
    @notice The servicer claims loans past due: the loss layers pay what they cover, once for each loan (代偿).
    @param _deal_id The deal.
    @param _version The version of the terms the loans were booked under.
    @param _rows The loans, in order; all are compensated or none.
    @param _late Whether claims of a sealed day count to the first open one, or are refused.
    """
    division: IDeals.Division = self._open_batch(_deal_id, _version)
    cover: IDeals.Cover = self._cover(_deal_id, _version)
    assert len(cover.layers) != 0, reasons.CLAIM_MISSING
    dividers: DynArray[uint256, 7] = waterfall._dividers(division.shares, (division.places >> 8) & 255)
    before: Before = self._before(_deal_id)
    outstanding: uint256 = before.outstanding_minor
    totals: layers.Legs = empty(layers.Legs)
    tally: tallies.Tally = empty(tallies.Tally)

    for claimed: Claim in _rows:
        row: Recovery = Recovery(
            entry_id=claimed.entry_id,
            loan_id=claimed.loan_id,
            sequence=claimed.sequence,
            date=claimed.date,
            kind=loan_words.COMPENSATION,
            amounts=0,
        )
        # What is wrong with the loan, `_advance` names; before it, nothing but interest beyond all reason fails.
        word: uint256 = staticcall ILoans(LOANS).loan(_deal_id, row.loan_id)
        principal: uint256 = word & MASK_56
        owed: uint256 = principal
        if (cover.claim >> 16) & 1 != 0 and word != 0 and row.date <= MASK_16:
            owed += staticcall ILoans(LOANS).unpaid_interest(_deal_id, row.loan_id, row.date)
            assert owed <= layers.LARGEST, reasons.AMOUNT_TOO_LARGE
        used: uint256[MAX_LAYERS] = empty(uint256[MAX_LAYERS])
        for k: uint256 in range(len(cover.layers), bound=MAX_LAYERS):
            used[k] = self.used_minor[_deal_id][k]
        pays: uint256[2] = layers._pays(
            owed, cover.layers, used, self.deposit_minor[_deal_id], before.disbursed_minor, outstanding
        )
        paid: uint256 = layers._sum(pays)
        of_principal: uint256 = min(paid, principal)
        legs: layers.Legs = layers._legs(pays, principal, of_principal, paid - of_principal, dividers)
        self._advance(_deal_id, _version, row, legs, of_principal, paid - of_principal)
        since: uint256 = loan_words._since(word)
        assert since != 0 and row.date >= since + (cover.claim & MASK_16), reasons.CLAIM_BEFORE_TRIGGER
        assert owed != 0, reasons.LOAN_SETTLED
        assert paid != 0, reasons.CLAIM_UNCOVERED
        outstanding -= of_principal
        self._move_claims(_deal_id, row.loan_id, cover.layers, pays, True, False)
        totals = layers._plus(totals, legs, False)
        tally = tallies._add(JOURNAL, _deal_id, tally, row.date, row.kind, paid, _late)
        log LoanCompensated(
            entry_id=row.entry_id,
            loan_id=row.loan_id,
            date=row.date,
            pays=pays,
            principal_parts=legs.residual,
            interest_parts=legs.income,
        )

    tallies._close(JOURNAL, _deal_id, tally, _late)
    claim_postings._post(JOURNAL, _deal_id, division, cover, totals, True, 1)
    self._finish(_deal_id, _version, division.places, before)


@external
def recover(_deal_id: bytes32, _version: uint256, _rows: DynArray[Recovery, MAX_BATCH], _late: bool):
    """
    @notice The servicer posts what came in on loans compensated or written off: it restores claims and residuals (追偿).
    @param _deal_id The deal.
    @param _version The version of the terms the loans were booked under.
    @param _rows Recoveries and late repayments, in order; all are posted or none.
    @param _late Whether what came in on a sealed day counts to the first open one, or is refused.
    """
    division: IDeals.Division = self._open_batch(_deal_id, _version)
    cover: IDeals.Cover = self._cover(_deal_id, _version)
    dividers: DynArray[uint256, 7] = waterfall._dividers(division.shares, (division.places >> 8) & 255)
    before: Before = self._before(_deal_id)
    totals: layers.Legs = empty(layers.Legs)
    tally: tallies.Tally = empty(tallies.Tally)

    for row: Recovery in _rows:
        cash: uint256 = layers._cash(row.kind, row.amounts)
        # What is wrong with the loan, `_advance` names; nothing before it fails on such a one.
        word: uint256 = staticcall ILoans(LOANS).loan(_deal_id, row.loan_id)
        written_off: bool = word & loan_words.WRITTEN_OFF != 0
        residual: uint256 = word & MASK_56
        if written_off:
            residual = staticcall ILoans(LOANS).lost(_deal_id, row.loan_id)
        to_layers: uint256[2] = layers._restored(
            cash, residual, self._claims[_deal_id][row.loan_id], cover.layers, (cover.claim >> 17) & 1 != 0
        )
        rest: uint256 = cash - layers._sum(to_layers)
        to_residual: uint256 = min(rest, residual)
        legs: layers.Legs = layers._legs(to_layers, residual, to_residual, rest - to_residual, dividers)
        self._advance(_deal_id, _version, row, legs, to_residual, 0)
        self._move_claims(_deal_id, row.loan_id, cover.layers, to_layers, False, False)
        totals = layers._plus(totals, legs, written_off)
        amount: uint256 = layers._gross(row.kind, row.amounts)
        tally = tallies._add(JOURNAL, _deal_id, tally, row.date, row.kind, amount, _late)
        log LoanRecovered(
            entry_id=row.entry_id,
            loan_id=row.loan_id,
            date=row.date,
            kind=row.kind,
            amounts=row.amounts,
            written_off=written_off,
            to_layers=to_layers,
            residual_parts=legs.residual,
            surplus_parts=legs.income,
        )

    tallies._close(JOURNAL, _deal_id, tally, _late)
    claim_postings._post(JOURNAL, _deal_id, division, cover, totals, False, 1)
    self._finish(_deal_id, _version, division.places, before)


@external
def reverse_compensation(_deal_id: bytes32, _version: uint256, _row: CompensationReversal):
    """
    @notice The servicer takes a compensation back by its exact mirror (冲正), the loan's latest entry.
    @param _deal_id The deal.
    @param _version The version of the terms the loan was booked under.
    @param _row The reversal, with the content of the entry it mirrors.
    """
    self._reverse(
        _deal_id,
        _version,
        RecoveryReversal(
            entry_id=_row.entry_id,
            loan_id=_row.loan_id,
            sequence=_row.sequence,
            date=_row.date,
            reversed_id=_row.reversed_id,
            reversed_date=_row.reversed_date,
            reversed_kind=loan_words.COMPENSATION,
            reversed_amounts=0,
            to_layers=_row.pays,
            residual_parts=_row.principal_parts,
            surplus_parts=_row.interest_parts,
            previous_tip=_row.previous_tip,
        ),
    )


@external
def reverse_recovery(_deal_id: bytes32, _version: uint256, _row: RecoveryReversal):
    """
    @notice The servicer takes a recovery or a late repayment back by its exact mirror (冲正), the loan's latest entry.
    @param _deal_id The deal.
    @param _version The version of the terms the loan was booked under.
    @param _row The reversal, with the content of the entry it mirrors.
    """
    assert _row.reversed_kind != loan_words.COMPENSATION, reasons.RECOVERY_KIND_INVALID
    self._reverse(_deal_id, _version, _row)


# ---- external writes of Loans
@external
def require_cover(_deal_id: bytes32, _version: uint256, _before_minor: uint256, _after_minor: uint256):
    """
    @notice Refuses bookings that would leave the deposit under its stop line; calls for a top-up under the warning line.
    @param _deal_id The deal.
    @param _version The version of the terms of the bookings.
    @param _before_minor The deal's outstanding before them, in minor units.
    @param _after_minor The deal's outstanding after them.
    """
    assert msg.sender == LOANS, reasons.SENDER_NOT_CONTRACT
    lines: uint256 = self._cover(_deal_id, _version).deposit
    deposit: uint256 = self.deposit_minor[_deal_id]
    assert deposit * PPM >= ((lines >> 64) & MASK_24) * _after_minor, reasons.DEPOSIT_UNDER_STOP
    self._call_top_up(_deal_id, lines, deposit, _before_minor, deposit, _after_minor)


# ---- external views
@external
@view
def claims(_deal_id: bytes32, _loan_id: bytes32, _layer: uint256) -> uint256:
    """
    @notice What a layer paid on a loan and was not given back: its claim against the borrower (代位追偿).
    @param _deal_id The deal.
    @param _loan_id The loan.
    @param _layer Position of the layer, 0 to 7.
    @return Minor units.
    """
    return layers._at(self._claims[_deal_id][_loan_id], _layer)


# ---- internal: the deposit
@internal
@view
def _agreed(_deal_id: bytes32) -> Agreed:
    version: uint256 = staticcall IDeals(DEALS).deposit_version(_deal_id)
    if version == 0:
        # Refuses a deal that is not there, or not in force, by its own reason.
        newest: uint256 = staticcall IDeals(DEALS).version_in_force(_deal_id)
        known: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, newest)
    assert version != 0, reasons.DEPOSIT_MISSING
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, version)
    lines: uint256 = self._cover(_deal_id, version).deposit
    return Agreed(
        version=version,
        places=division.places,
        lines=lines,
        depositor=claim_postings._party(division.parties, lines & 255),
        custodian=claim_postings._party(division.parties, (lines >> 8) & 255),
    )


@internal
def _confirmed(
    _method: bytes4, _deal_id: bytes32, _entry_id: bytes32, _third: bytes32, _fourth: uint256
) -> Agreed:
    """
    @dev Only the custodian's checker may go on, with what its maker requested.
    """
    payload: Bytes[152] = concat(
        convert(self, bytes20), _method, _deal_id, _entry_id, _third, convert(_fourth, bytes32)
    )
    number: uint256 = extcall IMembers(MEMBERS).confirm(msg.sender, keccak256(payload))
    agreed: Agreed = self._agreed(_deal_id)
    assert number == agreed.custodian, reasons.SENDER_NOT_CUSTODIAN
    return agreed


@internal
def _note(_deal_id: bytes32, _entry_id: bytes32, _date: uint256, _amount_minor: uint256, _kind: uint256):
    assert _amount_minor != 0 and _amount_minor <= MASK_56, reasons.AMOUNT_INVALID
    assert _date <= MASK_16, reasons.ENTRY_DATE_INVALID
    assert self.deposit_entry[_deal_id][_entry_id] == 0, reasons.ENTRY_EXISTS
    self.deposit_entry[_deal_id][_entry_id] = _amount_minor | (_date << 56) | (_kind << 72)


@internal
def _move_deposit(_deal_id: bytes32, _amount_minor: int256) -> uint256:
    """
    @return What the deposit comes to.
    """
    deposit: int256 = convert(self.deposit_minor[_deal_id], int256) + _amount_minor
    assert deposit >= 0, reasons.DEPOSIT_SHORT  # G5
    self.deposit_minor[_deal_id] = convert(deposit, uint256)
    return convert(deposit, uint256)


@internal
def _call_top_up(
    _deal_id: bytes32,
    _lines: uint256,
    _deposit_before: uint256,
    _outstanding_before: uint256,
    _deposit: uint256,
    _outstanding: uint256,
):
    """
    @dev Ratios are compared by cross-multiplication, never divided. Called for once, when the line is crossed.
    """
    warn: uint256 = (_lines >> 40) & MASK_24
    if _deposit_before * PPM >= warn * _outstanding_before and _deposit * PPM < warn * _outstanding:
        # Under the warning line is under target, so that this is 0 at the least, and 0 only by rounding.
        target: uint256 = waterfall._half_up(((_lines >> 16) & MASK_24) * _outstanding, PPM)
        log TopUpCalled(
            deal_id=_deal_id,
            amount_minor=target - _deposit,
            deposit_minor=_deposit,
            outstanding_minor=_outstanding,
        )


@internal
def _post_deposit(_deal_id: bytes32, _date: uint256, _kind: uint256, _agreed: Agreed, _amount_minor: int256):
    extcall IJournal(JOURNAL).count(_deal_id, _date, _kind, 1, convert(abs(_amount_minor), uint256), False)
    claim_postings._post_deposit(JOURNAL, _deal_id, _agreed.depositor, _agreed.custodian, _amount_minor)
    self._report_exposure(_deal_id, _agreed.version, _agreed.places, self._volume(_deal_id)[0])


# ---- internal: an entry on a loan
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
def _advance(
    _deal_id: bytes32,
    _version: uint256,
    _row: Recovery,
    _legs: layers.Legs,
    _principal_minor: uint256,
    _interest_minor: uint256,
):
    extcall ILoans(LOANS).advance(
        _deal_id,
        _version,
        ILoans.Step(
            entry_id=_row.entry_id,
            loan_id=_row.loan_id,
            sequence=_row.sequence,
            date=_row.date,
            kind=_row.kind,
            content=layers._content(_row.amounts, _legs),
            principal_minor=_principal_minor,
            interest_minor=_interest_minor,
        ),
    )


@internal
def _reverse(_deal_id: bytes32, _version: uint256, _row: RecoveryReversal):
    division: IDeals.Division = self._open_batch(_deal_id, _version)
    cover: IDeals.Cover = self._cover(_deal_id, _version)
    compensation: bool = _row.reversed_kind == loan_words.COMPENSATION
    before: Before = self._before(_deal_id)
    # A write-off since would stand on top of the entry: the loan is as the entry found it.
    word: uint256 = staticcall ILoans(LOANS).loan(_deal_id, _row.loan_id)
    written_off: bool = word & loan_words.WRITTEN_OFF != 0
    legs: layers.Legs = layers.Legs(
        layers=_row.to_layers,
        residual=_row.residual_parts,
        income=_row.surplus_parts,
        recovered=empty(uint256[2]),
    )
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
                content=layers._content(_row.reversed_amounts, legs),
                principal_minor=layers._sum(legs.residual),
                interest_minor=layers._sum(legs.income) if compensation else 0,
            ),
            previous_tip=_row.previous_tip,
        ),
    )
    # From here on the row is known to be the entry as it was posted.
    self._move_claims(_deal_id, _row.loan_id, cover.layers, legs.layers, compensation, True)
    if compensation:
        log CompensationReversed(
            entry_id=_row.entry_id,
            loan_id=_row.loan_id,
            reversed_id=_row.reversed_id,
            date=_row.date,
            pays=legs.layers,
            principal_parts=legs.residual,
            interest_parts=legs.income,
        )
    else:
        log RecoveryReversed(
            entry_id=_row.entry_id,
            loan_id=_row.loan_id,
            reversed_id=_row.reversed_id,
            date=_row.date,
            kind=_row.reversed_kind,
            amounts=_row.reversed_amounts,
            written_off=written_off,
            to_layers=legs.layers,
            residual_parts=legs.residual,
            surplus_parts=legs.income,
        )
    totals: layers.Legs = layers._plus(empty(layers.Legs), legs, written_off)
    amount: uint256 = layers._sum(legs.layers) if compensation else layers._gross(_row.reversed_kind, _row.reversed_amounts)
    extcall IJournal(JOURNAL).count(_deal_id, _row.date, tallies.REVERSAL, 1, amount, False)
    claim_postings._post(JOURNAL, _deal_id, division, cover, totals, compensation, -1)
    self._finish(_deal_id, _version, division.places, before)


@internal
def _move_claims(
    _deal_id: bytes32,
    _loan_id: bytes32,
    _layers: DynArray[uint256, MAX_LAYERS],
    _parts: uint256[2],
    _compensation: bool,
    _mirror: bool,
):
    """
    @dev A compensation raises claims, used and draws; what is given back lowers the claims and, in a layer that
        reinstates, used. The mirror is the opposite. No field of a claim goes below 0: a layer is never given
        back more than its open claim, and only the latest entry is mirrored (G4).
    """
    up: bool = _compensation != _mirror
    for j: uint256 in range(2):
        if _parts[j] != 0:
            claims: uint256 = self._claims[_deal_id][_loan_id][j]
            self._claims[_deal_id][_loan_id][j] = claims + _parts[j] if up else claims - _parts[j]
    for k: uint256 in range(len(_layers), bound=MAX_LAYERS):
        part: uint256 = layers._at(_parts, k)
        if part == 0:
            continue
        if _compensation or _layers[k] & layers.REINSTATES != 0:
            used: uint256 = self.used_minor[_deal_id][k]
            self.used_minor[_deal_id][k] = used + part if up else used - part
        if _compensation and _layers[k] & layers.FROM_DEPOSIT != 0:
            deposit: uint256 = self.deposit_minor[_deal_id]
            self.deposit_minor[_deal_id] = deposit - part if up else deposit + part


# ---- internal: what a batch does at its ends
@internal
@view
def _before(_deal_id: bytes32) -> Before:
    volume: (uint256, uint256) = self._volume(_deal_id)
    return Before(
        deposit_minor=self.deposit_minor[_deal_id], outstanding_minor=volume[0], disbursed_minor=volume[1]
    )


@internal
@view
def _cover(_deal_id: bytes32, _version: uint256) -> IDeals.Cover:
    return staticcall IDeals(DEALS).cover(_deal_id, _version)


@internal
@view
def _volume(_deal_id: bytes32) -> (uint256, uint256):
    return staticcall ILoans(LOANS).volume(_deal_id)


@internal
def _finish(_deal_id: bytes32, _version: uint256, _places: uint256, _before: Before):
    """
    @dev The lines of a deposit are those of the deal's newest terms in force, whatever version the batch is of.
    """
    if _places & DEPOSIT != 0:
        newest: uint256 = staticcall IDeals(DEALS).deposit_version(_deal_id)
        self._call_top_up(
            _deal_id,
            self._cover(_deal_id, newest).deposit,
            _before.deposit_minor,
            _before.outstanding_minor,
            self.deposit_minor[_deal_id],
            self._volume(_deal_id)[0],
        )
    self._report_exposure(_deal_id, _version, _places, _before.outstanding_minor)


@internal
def _report_exposure(_deal_id: bytes32, _version: uint256, _places: uint256, _before_minor: uint256):
    if _places & WIDE_LIMITS != 0:
        volume: (uint256, uint256) = self._volume(_deal_id)
        change: int256 = convert(volume[0], int256) - convert(_before_minor, int256)
        extcall IExposures(EXPOSURES).moved(_deal_id, _version, change, volume[0], volume[1])
