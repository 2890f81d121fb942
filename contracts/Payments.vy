# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title Payments
@license MIT
@notice What is paid on vouchers: instructed by the core enterprise and passed to all live pieces (兑付); and what becomes of
    discounted pieces that are past due: returned to who financed them (追索), or advanced by a loan (垫款).
@custom:units Amounts are minor units, at most 2**56 - 1; dates are days since 1970-01-01.
@custom:invariant R5 A payment goes to all live pieces of a voucher by their amounts, and never above what the core instructed.
    R6 What comes in on a pledged piece repays its loan first.
@custom:stop The collector's checker replaces its maker key, or a majority of members expels it, in Members.
"""
from . import loan_words
from . import postings
from . import reasons
from . import tallies
from . import voucher_postings
from . import voucher_steps
from . import voucher_words
from . import waterfall
from .interfaces import IDeals
from .interfaces import IFinancing
from .interfaces import IJournal
from .interfaces import ILoans
from .interfaces import IMembers
from .interfaces import IVouchers

# ---- constants
MAX_BATCH: constant(uint256) = 250
MAX_PARTIES: constant(uint256) = 12
MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_56: constant(uint256) = 2**56 - 1
# A feature of a version of the terms, from bit 64 of Division.places on: see IDeals.
ACCRUED: constant(uint256) = 8 << 64
# In the word of Deals.receivable.
RECOURSE: constant(uint256) = 2**72

# ---- immutables
MEMBERS: immutable(address)
DEALS: immutable(address)
FINANCING: immutable(address)
JOURNAL: immutable(address)
LOANS: immutable(address)
VOUCHERS: immutable(address)

# ---- structs
struct Instruction:
    voucher_id: bytes32
    date: uint256
    amount_minor: uint256
    # Of the core enterprise's payment order.
    reference_id: bytes32

struct Payment:
    entry_id: bytes32
    voucher_id: bytes32
    piece_id: bytes32
    place: uint256
    # The piece's part of what was paid on the voucher.
    amount_minor: uint256
    # Of a pledged piece: the latest entry of its loan, what its tip commits to of it, and the tip before it.
    repayment_id: bytes32
    repayment_amounts: uint256
    previous_tip: uint256

struct Reversal:
    entry_id: bytes32
    piece_id: bytes32
    voucher_id: bytes32
    place: uint256
    # The payment to mirror, exactly as posted.
    reversed_id: bytes32
    reversed_date: uint256
    amount_minor: uint256

struct Recourse:
    entry_id: bytes32
    piece_id: bytes32
    voucher_id: bytes32
    place: uint256

struct Conversion:
    entry_id: bytes32
    piece_id: bytes32
    voucher_id: bytes32
    place: uint256
    # The loan to the core enterprise that pays the piece.
    loan_id: bytes32

struct Batch:
    deal_id: bytes32
    version: uint256
    # Member number of the submitter.
    number: uint256
    # Of Deals.receivable.
    receivable: uint256
    division: IDeals.Division

# ---- events
# Opens a batch: the deal, version and submitter of the entries that follow it in the transaction.
event EntriesSubmitted:
    deal_id: indexed(bytes32)
    version: indexed(uint256)
    submitter: indexed(uint256)

event PaymentInstructed:
    voucher_id: indexed(bytes32)
    reference_id: indexed(bytes32)
    date: uint256
    amount_minor: uint256

event PiecePaid:
    entry_id: indexed(bytes32)
    piece_id: indexed(bytes32)
    date: uint256
    amount_minor: uint256
    # By funders, of a discounted piece; else 0: its holder gets it.
    parts: uint256[2]

event PiecePaymentReversed:
    entry_id: indexed(bytes32)
    piece_id: indexed(bytes32)
    reversed_id: indexed(bytes32)
    date: uint256
    reversed_date: uint256
    # Of the payment mirrored.
    amount_minor: uint256
    parts: uint256[2]

event PieceReturned:
    entry_id: indexed(bytes32)
    piece_id: indexed(bytes32)
    date: uint256
    amount_minor: uint256
    parts: uint256[2]

event PieceConverted:
    entry_id: indexed(bytes32)
    piece_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    date: uint256
    amount_minor: uint256
    parts: uint256[2]

# ---- storage
# Deal, loan: the piece that it paid.
converted: public(reentrant(HashMap[bytes32, HashMap[bytes32, bytes32]]))

# Deal, piece: what identifies its latest payment, with the sequence at which it stands.
_latest: HashMap[bytes32, HashMap[bytes32, bytes32]]
# Deal, piece: the repayment that came with its latest payment; deal, repayment: whether a payment came with it.
_repayment: HashMap[bytes32, HashMap[bytes32, bytes32]]
_used: HashMap[bytes32, HashMap[bytes32, bool]]


@deploy
def __init__(
    _members: address, _deals: address, _financing: address, _journal: address, _loans: address, _vouchers: address
):
    MEMBERS = _members
    DEALS = _deals
    FINANCING = _financing
    JOURNAL = _journal
    LOANS = _loans
    VOUCHERS = _vouchers


# ---- external writes: payment
@external
def instruct(_deal_id: bytes32, _version: uint256, _rows: DynArray[Instruction, MAX_BATCH]):
    """
    @notice The core enterprise says that it pays on its vouchers (付款指令).
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The vouchers; all are instructed or none.
    """
    batch: Batch = self._open_batch(_deal_id, _version)
    for row: Instruction in _rows:
        word: uint256 = voucher_steps._voucher(VOUCHERS, _deal_id, row.voucher_id)
        assert batch.number == (word >> voucher_words.CORE) & MASK_24, reasons.SENDER_NOT_CORE
        assert row.date <= MASK_16, reasons.ENTRY_DATE_INVALID
        assert row.amount_minor != 0 and row.amount_minor <= MASK_56, reasons.AMOUNT_INVALID
        assert (word >> voucher_words.STATE) & 15 == voucher_words.CONFIRMED, reasons.VOUCHER_NOT_CONFIRMED
        instructed: uint256 = ((word >> voucher_words.INSTRUCTED) & MASK_56) + row.amount_minor
        assert instructed <= word & MASK_56, reasons.PAYMENT_ABOVE_OUTSTANDING
        log PaymentInstructed(
            voucher_id=row.voucher_id, reference_id=row.reference_id, date=row.date, amount_minor=row.amount_minor
        )
        extcall IFinancing(FINANCING).put(
            _deal_id, empty(bytes32), 0, row.voucher_id, word + (row.amount_minor << voucher_words.INSTRUCTED)
        )


@external
def settle(_deal_id: bytes32, _version: uint256, _rows: DynArray[Payment, MAX_BATCH], _late: bool):
    """
    @notice The collector says that the money of a payment came, and passes it to all live pieces of each voucher (兑付).
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The pieces, those of one voucher together, the first taking the residue; all are paid or none.
    @param _late Whether payments of a sealed day count to the first open one, or are refused.
    """
    batch: Batch = self._open_as_collector(_deal_id, _version)
    tally: tallies.Tally = empty(tallies.Tally)
    amounts: uint256[MAX_BATCH] = empty(uint256[MAX_BATCH])
    count: uint256 = len(_rows)
    # Up to which row the payment of a voucher is checked.
    end: uint256 = 0
    for i: uint256 in range(count, bound=MAX_BATCH):
        row: Payment = _rows[i]
        if i == end:
            live: uint256 = 0
            left: uint256 = 0
            for j: uint256 in range(i, count, bound=MAX_BATCH):
                if _rows[j].voucher_id != row.voucher_id:
                    break
                amounts[j] = (self._take(_deal_id, _rows[j].piece_id, row.voucher_id, _rows[j].place)).amount_minor
                assert _rows[j].amount_minor <= amounts[j], reasons.PAYMENT_ABOVE_OUTSTANDING
                live += amounts[j]
                left += _rows[j].amount_minor
                end = j + 1
            voucher: uint256 = voucher_steps._voucher(VOUCHERS, _deal_id, row.voucher_id)
            # R5: no live piece is left out; one that is named twice comes out of sequence below.
            assert live == voucher & MASK_56, reasons.PAYMENT_NOT_TO_ALL
            assert left != 0, reasons.ENTRY_EMPTY
            assert left <= (voucher >> voucher_words.INSTRUCTED) & MASK_56, reasons.PAYMENT_NOT_INSTRUCTED
            # M2, from the last piece to the second; the first has what is left, as the rows add up to the whole.
            for k: uint256 in range(end - i - 1, bound=MAX_BATCH):
                j: uint256 = end - 1 - k
                part: uint256 = waterfall._half_up(left * amounts[j], live)
                assert _rows[j].amount_minor == part, reasons.PAYMENT_DIVIDED_OTHERWISE
                left -= part
                live -= amounts[j]

        taken: voucher_steps.Taken = self._take(_deal_id, row.piece_id, row.voucher_id, row.place)
        if taken.state == voucher_words.PLEDGED:
            self._require_loan_first(taken, row)
        after: uint256 = taken.amount_minor - row.amount_minor
        self._latest[_deal_id][row.piece_id] = self._payment_hash(
            row.entry_id, row.place & MASK_16, row.amount_minor, row.place >> 16
        )
        parts: uint256[2] = self._pay(taken, batch.number, batch.division.parties, taken.amount_minor, after, 1)
        log PiecePaid(
            entry_id=row.entry_id,
            piece_id=row.piece_id,
            date=row.place & MASK_16,
            amount_minor=row.amount_minor,
            parts=parts,
        )
        tally = tallies._add(
            JOURNAL, _deal_id, tally, row.place & MASK_16, tallies.VOUCHER_PAYMENT, row.amount_minor, _late
        )
        self._put(
            taken,
            after,
            taken.state,
            row.voucher_id,
            taken.voucher - row.amount_minor - (row.amount_minor << voucher_words.INSTRUCTED),
        )
    tallies._close(JOURNAL, _deal_id, tally, _late)


@external
def reverse_payment(_deal_id: bytes32, _version: uint256, _row: Reversal):
    """
    @notice The collector says that a payment never came, the piece's latest step (冲正): its exact mirror.
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _row The reversal, with the content of the payment it mirrors.
    """
    batch: Batch = self._open_as_collector(_deal_id, _version)
    taken: voucher_steps.Taken = voucher_steps._take(
        VOUCHERS, _deal_id, _row.piece_id, _row.voucher_id, _row.place, 1
    )
    # Sequence 0 has no step before it, and no payment has its hash.
    assert _row.place >> 16 != 0 and self._latest[_deal_id][_row.piece_id] == self._payment_hash(
        _row.reversed_id, _row.reversed_date, _row.amount_minor, (_row.place >> 16) - 1
    ), reasons.PAYMENT_NOT_LATEST
    if taken.state == voucher_words.PLEDGED:
        self._used[_deal_id][self._repayment[_deal_id][_row.piece_id]] = False
    before: uint256 = taken.amount_minor + _row.amount_minor
    parts: uint256[2] = self._pay(taken, batch.number, batch.division.parties, before, taken.amount_minor, -1)
    log PiecePaymentReversed(
        entry_id=_row.entry_id,
        piece_id=_row.piece_id,
        reversed_id=_row.reversed_id,
        date=_row.place & MASK_16,
        reversed_date=_row.reversed_date,
        amount_minor=_row.amount_minor,
        parts=parts,
    )
    extcall IJournal(JOURNAL).count(_deal_id, _row.place & MASK_16, tallies.REVERSAL, 1, _row.amount_minor, False)
    self._put(
        taken,
        before,
        taken.state,
        _row.voucher_id,
        taken.voucher + _row.amount_minor + (_row.amount_minor << voucher_words.INSTRUCTED),
    )


# ---- external writes: pieces past due
@external
def recourse(_deal_id: bytes32, _version: uint256, _rows: DynArray[Recourse, MAX_BATCH], _late: bool):
    """
    @notice The collector says that who financed pieces paid them back: discounted pieces that are past due (追索).
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The pieces; all are returned or none.
    @param _late Whether returns of a sealed day count to the first open one, or are refused.
    """
    batch: Batch = self._open_as_collector(_deal_id, _version)
    tally: tallies.Tally = empty(tallies.Tally)
    for row: Recourse in _rows:
        taken: voucher_steps.Taken = self._take(_deal_id, row.piece_id, row.voucher_id, row.place)
        self._require_past_due(taken)
        assert staticcall IDeals(DEALS).receivable(_deal_id, taken.version) & RECOURSE != 0, reasons.RECOURSE_MISSING
        face: int256 = convert(taken.amount_minor, int256)
        parts: uint256[2] = self._end_discount(
            taken,
            postings._party(batch.division, postings.COLLECTOR),
            [
                IJournal.Posting(party=taken.holder, account=voucher_postings.VOUCHERS_HELD, amount_minor=face),
                IJournal.Posting(party=taken.holder, account=postings.CASH, amount_minor=-face),
            ],
        )
        log PieceReturned(
            entry_id=row.entry_id,
            piece_id=row.piece_id,
            date=row.place & MASK_16,
            amount_minor=taken.amount_minor,
            parts=parts,
        )
        tally = tallies._add(
            JOURNAL, _deal_id, tally, row.place & MASK_16, tallies.TRANSFER, taken.amount_minor, _late
        )
        self._put(taken, taken.amount_minor, voucher_words.HELD, row.voucher_id, taken.voucher)
    tallies._close(JOURNAL, _deal_id, tally, _late)


@external
def convert(_deal_id: bytes32, _version: uint256, _rows: DynArray[Conversion, MAX_BATCH], _late: bool):
    """
    @notice The servicer says that loans of the deal to the core enterprise, booked on the same day, pay discounted
        pieces that are past due (垫款). Overdue marks, claims and recoveries are those of the loans from then on.
    @param _deal_id The deal.
    @param _version The version of the terms the loans were booked under.
    @param _rows The pieces; all are converted or none.
    @param _late Whether conversions of a sealed day count to the first open one, or are refused.
    """
    batch: Batch = self._open_as_servicer(_deal_id, _version)
    tally: tallies.Tally = empty(tallies.Tally)
    for row: Conversion in _rows:
        taken: voucher_steps.Taken = self._take(_deal_id, row.piece_id, row.voucher_id, row.place)
        self._require_past_due(taken)
        assert voucher_steps._fresh_principal(
            staticcall ILoans(LOANS).loan(_deal_id, row.loan_id), row.place & MASK_16, _version
        ) == taken.amount_minor, reasons.LOAN_DIFFERS
        assert self.converted[_deal_id][row.loan_id] == empty(bytes32), reasons.LOAN_PLEDGED
        secured: bytes32 = staticcall IFinancing(FINANCING).piece_of(_deal_id, row.loan_id)
        assert secured == empty(bytes32), reasons.LOAN_PLEDGED
        self.converted[_deal_id][row.loan_id] = row.piece_id
        parts: uint256[2] = self._end_discount(
            taken,
            postings._party(batch.division, postings.DISBURSER),
            self._paid_by_core(taken.core, convert(taken.amount_minor, int256)),
        )
        log PieceConverted(
            entry_id=row.entry_id,
            piece_id=row.piece_id,
            loan_id=row.loan_id,
            date=row.place & MASK_16,
            amount_minor=taken.amount_minor,
            parts=parts,
        )
        tally = tallies._add(
            JOURNAL, _deal_id, tally, row.place & MASK_16, tallies.VOUCHER_PAYMENT, taken.amount_minor, _late
        )
        self._put(taken, 0, taken.state, row.voucher_id, taken.voucher - taken.amount_minor)
    tallies._close(JOURNAL, _deal_id, tally, _late)


# ---- internal: a batch and a step
@internal
def _open_batch(_deal_id: bytes32, _version: uint256) -> Batch:
    """
    @dev The batch's opening event names the member whose maker sends it.
    """
    number: uint256 = staticcall IMembers(MEMBERS).maker_number(msg.sender)
    receivable: uint256 = staticcall IDeals(DEALS).receivable(_deal_id, _version)
    assert receivable != 0, reasons.RECEIVABLE_MISSING
    log EntriesSubmitted(deal_id=_deal_id, version=_version, submitter=number)
    return Batch(
        deal_id=_deal_id,
        version=_version,
        number=number,
        receivable=receivable,
        division=staticcall IDeals(DEALS).division(_deal_id, _version),
    )


@internal
def _open_as_servicer(_deal_id: bytes32, _version: uint256) -> Batch:
    batch: Batch = self._open_batch(_deal_id, _version)
    assert batch.number == postings._party(batch.division, postings.SERVICER), reasons.SENDER_NOT_SERVICER
    return batch


@internal
def _open_as_collector(_deal_id: bytes32, _version: uint256) -> Batch:
    batch: Batch = self._open_batch(_deal_id, _version)
    assert batch.number == postings._party(batch.division, postings.COLLECTOR), reasons.SENDER_NOT_COLLECTOR
    return batch


@internal
@view
def _take(_deal_id: bytes32, _piece_id: bytes32, _voucher_id: bytes32, _place: uint256) -> voucher_steps.Taken:
    return voucher_steps._take(VOUCHERS, _deal_id, _piece_id, _voucher_id, _place, 0)


@internal
def _put(_taken: voucher_steps.Taken, _amount_minor: uint256, _state: uint256, _voucher_id: bytes32, _voucher: uint256):
    """
    @dev A piece that is free again has no financing.
    """
    version: uint256 = 0 if _state == voucher_words.HELD else _taken.version
    extcall IFinancing(FINANCING).put(
        _taken.deal_id,
        _taken.piece_id,
        voucher_words._after(_taken.piece, _taken.place, _amount_minor, _taken.holder, _state, version),
        _voucher_id,
        _voucher,
    )


@internal
@view
def _require_past_due(_taken: voucher_steps.Taken):
    assert _taken.state == voucher_words.DISCOUNTED, reasons.PIECE_NOT_DISCOUNTED
    assert _taken.place & MASK_16 > voucher_steps._due_date(_taken), reasons.VOUCHER_NOT_PAST_DUE


@internal
def _require_loan_first(_taken: voucher_steps.Taken, _row: Payment):
    """
    @dev R6: what comes in goes to the loan whole, or as far as nothing is owed on it any more.
    """
    loan_id: bytes32 = staticcall IFinancing(FINANCING).loan_of(_taken.deal_id, _taken.piece_id)
    word: uint256 = staticcall ILoans(LOANS).loan(_taken.deal_id, loan_id)
    claimed: bool = word & (loan_words.COMPENSATED | loan_words.WRITTEN_OFF) != 0
    self._repayment[_taken.deal_id][_taken.piece_id] = _row.repayment_id
    repaid: uint256 = 0
    if _row.repayment_id != empty(bytes32):
        kind: uint256 = loan_words.RECOVERY if claimed else loan_words.REPAYMENT
        latest: bool = self._is_latest(word, kind, _taken.place & MASK_16, _row)
        if claimed and not latest:
            latest = self._is_latest(word, loan_words.CLAIM_REPAYMENT, _taken.place & MASK_16, _row)
        assert latest and not self._used[_taken.deal_id][_row.repayment_id], reasons.LOAN_DIFFERS
        self._used[_taken.deal_id][_row.repayment_id] = True
        # How much the owners of a claim got, the tip does not tell: it has but a hash of it.
        repaid = _row.amount_minor if claimed else tallies._sum(_row.repayment_amounts)
    if repaid != _row.amount_minor:
        settled: bool = word & MASK_56 == 0 and not claimed and repaid <= _row.amount_minor
        if settled and voucher_steps._division(DEALS, _taken).places & ACCRUED != 0:
            unpaid: uint256 = staticcall ILoans(LOANS).unpaid_interest(_taken.deal_id, loan_id, _taken.place & MASK_16)
            settled = unpaid == 0
        assert settled, reasons.LOAN_NOT_FIRST  # R6


@internal
@pure
def _is_latest(_loan: uint256, _kind: uint256, _date: uint256, _row: Payment) -> bool:
    tip: uint256 = loan_words._push(_row.previous_tip, _kind, _row.repayment_id, _date, _row.repayment_amounts)
    return _loan & loan_words.MASK_TIP == tip


# ---- internal: what a row posts
@internal
@pure
def _payment_hash(_entry_id: bytes32, _date: uint256, _amount_minor: uint256, _sequence: uint256) -> bytes32:
    """
    @return What identifies a payment among those of its piece.
    """
    return keccak256(abi_encode(_entry_id, _date, _amount_minor, _sequence))


@internal
@pure
def _paid_by_core(_core: uint256, _amount_minor: int256) -> DynArray[IJournal.Posting, 6]:
    return [
        IJournal.Posting(party=_core, account=postings.CASH, amount_minor=-_amount_minor),
        IJournal.Posting(party=_core, account=voucher_postings.VOUCHERS_OWED, amount_minor=_amount_minor),
    ]


@internal
def _pay(
    _taken: voucher_steps.Taken,
    _collector: uint256,
    _parties: uint256,
    _larger: uint256,
    _smaller: uint256,
    _sign: int256,
) -> uint256[2]:
    """
    @param _larger Amount of the piece before the payment, and after it `_smaller`.
    @param _sign 1, or -1 for the mirror.
    @return Parts of the funders of a discounted piece.
    """
    amount: int256 = _sign * convert(_larger - _smaller, int256)
    own: DynArray[IJournal.Posting, 6] = self._paid_by_core(_taken.core, amount)
    parts: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
    collected: int256 = 0
    if _taken.state == voucher_words.DISCOUNTED:
        parts = voucher_postings._parts_off(voucher_steps._division(DEALS, _taken), _larger, _smaller)
        collected = amount
    else:
        own.append(
            IJournal.Posting(party=_taken.holder, account=voucher_postings.VOUCHERS_HELD, amount_minor=-amount)
        )
        own.append(IJournal.Posting(party=_taken.holder, account=postings.CASH, amount_minor=amount))
    voucher_postings._post(
        JOURNAL,
        _taken.deal_id,
        _parties,
        own,
        _collector,
        collected,
        parts,
        empty(uint256[MAX_PARTIES]),
        -_sign,
    )
    return waterfall._parts(parts, 0)


@internal
def _end_discount(
    _taken: voucher_steps.Taken, _cash_party: uint256, _own: DynArray[IJournal.Posting, 6]
) -> uint256[2]:
    """
    @dev The funders get the whole of a discounted piece.
    @return Their parts.
    """
    division: IDeals.Division = voucher_steps._division(DEALS, _taken)
    parts: uint256[MAX_PARTIES] = voucher_postings._parts(division, _taken.amount_minor)
    voucher_postings._post(
        JOURNAL,
        _taken.deal_id,
        division.parties,
        _own,
        _cash_party,
        convert(_taken.amount_minor, int256),
        parts,
        empty(uint256[MAX_PARTIES]),
        -1,
    )
    return waterfall._parts(parts, 0)
