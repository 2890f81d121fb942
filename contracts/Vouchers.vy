# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
"""
@title Vouchers
@license MIT
@notice Register of vouchers on what core enterprises owe (应收账款电子凭证): issued, confirmed, split and passed on.
@custom:units Amounts are minor units, at most 2**56 - 1; dates are days since 1970-01-01; members are numbers of 24 bits.
@custom:invariant R1 The live pieces of a voucher add up to what is outstanding of it: its face less what was paid.
    R2 An invoice backs one live voucher, or one transfer of a piece, on the whole ledger.
    R3 A piece that is offered, discounted, pledged or on sale is neither split nor transferred, nor financed again.
    R4 A piece moves only with its holder's signature, or by what its holder agreed to.
@custom:stop Core enterprise, supplier or servicer disputes a voucher: its pieces stand still until that is lifted.
"""
from . import reasons
from . import tallies
from . import voucher_words
from .interfaces import IDeals
from .interfaces import IJournal
from .interfaces import IMembers
from .interfaces import IVouchers

implements: IVouchers

# ---- constants
MAX_BATCH: constant(uint256) = 250
MAX_PARTIES: constant(uint256) = 12
# One posting less than the Journal takes: the one against them all comes last.
MAX_POSTINGS: constant(uint256) = 95
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_56: constant(uint256) = 2**56 - 1
MASK_128: constant(uint256) = 2**128 - 1
# All that a deal's vouchers ever come to. Readers keep sums in 64 bits: no account of any holder may outgrow them.
MAX_CONFIRMED: constant(uint256) = 2**61
# No member has this number, and it is wider than what a row holds.
NOBODY: constant(uint256) = max_value(uint256)
# Roles of members: see `ledger/consortium.py`.
BANK: constant(uint256) = 1
CORE: constant(uint256) = 8
SUPPLIER: constant(uint256) = 16
# Accounts of the Journal.
VOUCHERS_HELD: constant(uint256) = 11
VOUCHERS_OWED: constant(uint256) = 12
# Place of the servicer in Division.places.
SERVICER: constant(uint256) = 16
# In the particulars of an issue; the core enterprise is in bits 0-23.
ISSUE_SUPPLIER: constant(uint256) = 24
ISSUE_ISSUED: constant(uint256) = 48
ISSUE_DUE: constant(uint256) = 64
ISSUE_DELIVERED: constant(uint256) = 80
ISSUE_END: constant(uint256) = 104
# In the word of Deals.receivable; the cores are in bits 0-11.
MASK_CORES: constant(uint256) = 2**12 - 1
MAX_DAYS: constant(uint256) = 80
MAX_DAYS_FROM: constant(uint256) = 96
# Who disputes.
BY_CORE: constant(uint256) = 1
BY_SERVICER: constant(uint256) = 2
BY_SUPPLIER: constant(uint256) = 4

# ---- immutables
MEMBERS: immutable(address)
DEALS: immutable(address)
JOURNAL: immutable(address)
FINANCING: immutable(address)

# ---- structs
struct Issue:
    voucher_id: bytes32
    # keccak256 of the ledger's salt for invoices and of seller, buyer, number and amount.
    invoice_hash: bytes32
    amount_minor: uint256
    # Bits 0-23 core enterprise, 24-47 supplier, 48-63 issue date, 64-79 due date, 80-95 delivery date or 0,
    # 96-103 reason for a long term.
    particulars: uint256

struct Confirmation:
    voucher_id: bytes32
    date: uint256

struct Cancellation:
    voucher_id: bytes32
    # As it was issued.
    invoice_hash: bytes32

struct Dispute:
    voucher_id: bytes32
    # 1 disputes, 0 lifts.
    disputed: uint256

struct Evidence:
    voucher_id: bytes32
    # 1 contract, 2 order, 4 waybill, 8 customs entry, 16 delivery.
    kind: uint256
    document_hash: bytes32

struct Split:
    piece_id: bytes32
    voucher_id: bytes32
    # Date in bits 0-15, sequence of the piece from bit 16 on.
    place: uint256
    child_id: bytes32
    # What is split off; the parent keeps the rest.
    amount_minor: uint256

struct Transfer:
    entry_id: bytes32
    piece_id: bytes32
    voucher_id: bytes32
    # As of a split.
    place: uint256
    # Member number.
    to: uint256
    # Of what the new holder sold the present one.
    invoice_hash: bytes32

# What rows of a batch have in common, so that it is asked for once.
struct Batch:
    number: uint256
    servicer: uint256
    # Of Deals.receivable.
    receivable: uint256
    parties: uint256
    places: uint256

# ---- events
# Opens a batch: the deal, version and submitter of the rows that follow it in the transaction.
event EntriesSubmitted:
    deal_id: indexed(bytes32)
    version: indexed(uint256)
    submitter: indexed(uint256)

event VoucherIssued:
    voucher_id: indexed(bytes32)
    invoice_hash: indexed(bytes32)
    amount_minor: uint256
    # As in Issue.
    particulars: uint256

event VoucherConfirmed:
    voucher_id: indexed(bytes32)
    date: uint256
    amount_minor: uint256
    core: uint256
    supplier: uint256

event VoucherCancelled:
    voucher_id: indexed(bytes32)

event VoucherDisputed:
    voucher_id: indexed(bytes32)
    # Who disputes it now: 1 core enterprise, 2 servicer, 4 supplier.
    disputed: uint256

event EvidenceAttached:
    voucher_id: indexed(bytes32)
    document_hash: indexed(bytes32)
    kind: uint256

event PieceSplit:
    piece_id: indexed(bytes32)
    child_id: indexed(bytes32)
    date: uint256
    amount_minor: uint256

event PieceTransferred:
    entry_id: indexed(bytes32)
    piece_id: indexed(bytes32)
    invoice_hash: indexed(bytes32)
    date: uint256
    from_holder: uint256
    to_holder: uint256
    amount_minor: uint256

# ---- storage
# Deal, voucher: see voucher_words.
voucher: public(reentrant(HashMap[bytes32, HashMap[bytes32, uint256]]))
# Deal, piece: see voucher_words.
piece: public(reentrant(HashMap[bytes32, HashMap[bytes32, uint256]]))
# Deal: faces of all vouchers ever confirmed.
confirmed_minor: public(reentrant(HashMap[bytes32, uint256]))

# What an invoice backs: upper half of the voucher's id in bits 0-127, number of the deal from bit 128 on.
_backed: HashMap[bytes32, uint256]
# Deal, upper half of a voucher's id: the id. A piece knows the half alone, so no two vouchers share one.
_whole_id: HashMap[bytes32, HashMap[uint256, bytes32]]
# Deals that have vouchers, counted from 1.
_deal_count: uint256
_deal_number: HashMap[bytes32, uint256]
_deal_of: HashMap[uint256, bytes32]
# keccak256 of deal, voucher, kind and document.
_attested: HashMap[bytes32, bool]


@deploy
def __init__(_members: address, _deals: address, _journal: address, _financing: address):
    MEMBERS = _members
    DEALS = _deals
    JOURNAL = _journal
    FINANCING = _financing


# ---- external writes
@external
def issue(_deal_id: bytes32, _version: uint256, _rows: DynArray[Issue, MAX_BATCH]):
    """
    @notice Core enterprise, supplier or servicer issues vouchers on invoices (开立); the core enterprise confirms them.
    @param _deal_id The deal.
    @param _version The version of the terms in force on the issue dates.
    @param _rows The vouchers; all are issued or none.
    """
    batch: Batch = self._open_batch(_deal_id, _version)
    deal_number: uint256 = self._number_of(_deal_id) << 128
    # Dates on which the terms are known to be in force.
    from_date: uint256 = 1
    until_date: uint256 = 0
    core: uint256 = NOBODY
    supplier: uint256 = NOBODY
    for row: Issue in _rows:
        self._require_of_voucher(self._issues(batch, row.particulars))
        if row.particulars & MASK_24 != core:
            core = row.particulars & MASK_24
            self._require_core(batch, core)
        if (row.particulars >> ISSUE_SUPPLIER) & MASK_24 != supplier:
            supplier = (row.particulars >> ISSUE_SUPPLIER) & MASK_24
            assert self._may_hold(supplier, SUPPLIER | CORE), reasons.SUPPLIER_INVALID
        assert supplier != core, reasons.SUPPLIER_INVALID
        issue_date: uint256 = (row.particulars >> ISSUE_ISSUED) & MASK_16
        due_date: uint256 = (row.particulars >> ISSUE_DUE) & MASK_16
        self._require_particulars(row, batch.receivable, issue_date, due_date)
        if issue_date < from_date or issue_date >= until_date:
            from_date = issue_date
            until_date = (staticcall IDeals(DEALS).rules(_deal_id, _version, issue_date)).until_date
        half: uint256 = convert(row.voucher_id, uint256) >> 128
        # The empty id stands for none wherever ids are kept.
        assert row.voucher_id != empty(bytes32), reasons.VOUCHER_EXISTS
        assert self._whole_id[_deal_id][half] == empty(bytes32), reasons.VOUCHER_EXISTS
        assert self.piece[_deal_id][row.voucher_id] == 0, reasons.VOUCHER_EXISTS
        self._whole_id[_deal_id][half] = row.voucher_id
        self._register(row.invoice_hash, deal_number | half)
        self.voucher[_deal_id][row.voucher_id] = (
            row.amount_minor
            | (core << voucher_words.CORE)
            | (supplier << voucher_words.SUPPLIER)
            | (issue_date << voucher_words.ISSUE_DATE)
            | (due_date << voucher_words.DUE_DATE)
            | (_version << voucher_words.VERSION)
            | (voucher_words.ISSUED << voucher_words.STATE)
        )
        log VoucherIssued(
            voucher_id=row.voucher_id,
            invoice_hash=row.invoice_hash,
            amount_minor=row.amount_minor,
            particulars=row.particulars,
        )


@external
def confirm(_deal_id: bytes32, _version: uint256, _rows: DynArray[Confirmation, MAX_BATCH], _late: bool):
    """
    @notice The core enterprise's checker confirms that it owes (确权), after its maker's request: each voucher becomes
        one piece, which the supplier holds.
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The vouchers; all are confirmed or none.
    @param _late Whether confirmations of a sealed day count to the first open one, or are refused.
    """
    number: uint256 = extcall IMembers(MEMBERS).confirm(
        msg.sender,
        keccak256(concat(
            convert(self, bytes20),
            abi_encode(
                _deal_id,
                _version,
                _rows,
                _late,
                method_id=method_id("confirm(bytes32,uint256,(bytes32,uint256)[],bool)"),
            ),
        )),
    )
    self._open(_deal_id, _version, number)
    tally: tallies.Tally = empty(tallies.Tally)
    postings: DynArray[IJournal.Posting, MAX_POSTINGS] = []
    confirmed: uint256 = self.confirmed_minor[_deal_id]
    for row: Confirmation in _rows:
        word: uint256 = self._known(_deal_id, row.voucher_id)
        assert (word >> voucher_words.CORE) & MASK_24 == number, reasons.SENDER_NOT_CORE
        self._require_issued(word)
        assert row.date <= MASK_16, reasons.ENTRY_DATE_INVALID
        assert row.date >= (word >> voucher_words.ISSUE_DATE) & MASK_16, reasons.VOUCHER_DATES_INVALID
        amount: uint256 = word & MASK_56
        supplier: uint256 = (word >> voucher_words.SUPPLIER) & MASK_24
        confirmed += amount
        # R1: nothing else can be under this id, see `issue` and `split`.
        self.piece[_deal_id][row.voucher_id] = voucher_words._new_piece(amount, supplier, row.date, row.voucher_id)
        self.voucher[_deal_id][row.voucher_id] = voucher_words._in_state(word, voucher_words.CONFIRMED)
        log VoucherConfirmed(
            voucher_id=row.voucher_id, date=row.date, amount_minor=amount, core=number, supplier=supplier
        )
        tally = tallies._add(JOURNAL, _deal_id, tally, row.date, tallies.CONFIRMATION, amount, _late)
        last: uint256 = len(postings)
        if last != 0 and postings[last - 1].party == supplier:
            postings[last - 1].amount_minor += convert(amount, int256)
        else:
            if last == MAX_POSTINGS:
                self._post(_deal_id, postings, number, VOUCHERS_OWED)
                postings = []
            postings.append(
                IJournal.Posting(party=supplier, account=VOUCHERS_HELD, amount_minor=convert(amount, int256))
            )
    assert confirmed <= MAX_CONFIRMED, reasons.CONFIRMED_TOO_MUCH
    self.confirmed_minor[_deal_id] = confirmed
    tallies._close(JOURNAL, _deal_id, tally, _late)
    self._post(_deal_id, postings, number, VOUCHERS_OWED)


@external
def cancel(_deal_id: bytes32, _version: uint256, _rows: DynArray[Cancellation, MAX_BATCH]):
    """
    @notice Core enterprise, supplier or servicer takes vouchers back before they are confirmed; their invoices are free.
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The vouchers; all are cancelled or none.
    """
    batch: Batch = self._open_batch(_deal_id, _version)
    deal_number: uint256 = self._deal_number[_deal_id] << 128
    for row: Cancellation in _rows:
        word: uint256 = self._known(_deal_id, row.voucher_id)
        self._require_of_voucher(self._capacity(batch, word) != 0)
        self._require_issued(word)
        backed: uint256 = deal_number | (convert(row.voucher_id, uint256) >> 128)
        assert self._backed[row.invoice_hash] == backed, reasons.INVOICE_DIFFERS
        self._backed[row.invoice_hash] = 0
        self.voucher[_deal_id][row.voucher_id] = voucher_words._in_state(word >> 56 << 56, voucher_words.CANCELLED)
        log VoucherCancelled(voucher_id=row.voucher_id)


@external
def dispute(_deal_id: bytes32, _version: uint256, _rows: DynArray[Dispute, MAX_BATCH]):
    """
    @notice Core enterprise, supplier or servicer disputes vouchers, or lifts its own dispute: until all are lifted the
        pieces are neither split, passed on nor financed. What is due is paid all the same.
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The vouchers; all are marked or none.
    """
    batch: Batch = self._open_batch(_deal_id, _version)
    for row: Dispute in _rows:
        word: uint256 = self._known(_deal_id, row.voucher_id)
        mark: uint256 = self._capacity(batch, word)
        self._require_of_voucher(mark != 0)
        self._require_not_cancelled(word)
        disputed: uint256 = (word >> voucher_words.DISPUTES) & 15
        after: uint256 = disputed & ~mark if row.disputed == 0 else disputed | mark
        assert after != disputed, reasons.DISPUTE_UNCHANGED
        self.voucher[_deal_id][row.voucher_id] = word ^ ((disputed ^ after) << voucher_words.DISPUTES)
        log VoucherDisputed(voucher_id=row.voucher_id, disputed=after)


@external
def attest(_deal_id: bytes32, _version: uint256, _rows: DynArray[Evidence, MAX_BATCH]):
    """
    @notice A party of the deal, the core enterprise or the supplier vouches for a document of the trade (三流合一).
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The documents; all are attached or none.
    """
    batch: Batch = self._open_batch(_deal_id, _version)
    is_party: bool = self._is_party(batch, batch.number, MASK_16)
    for row: Evidence in _rows:
        word: uint256 = self._known(_deal_id, row.voucher_id)
        self._require_of_voucher(is_party or self._capacity(batch, word) != 0)
        assert row.kind in [1, 2, 4, 8, 16], reasons.EVIDENCE_INVALID
        assert row.document_hash != empty(bytes32), reasons.EVIDENCE_INVALID
        self._require_not_cancelled(word)
        key: bytes32 = keccak256(abi_encode(_deal_id, row))
        assert not self._attested[key], reasons.EVIDENCE_REPEATED
        self._attested[key] = True
        self.voucher[_deal_id][row.voucher_id] = word | (row.kind << voucher_words.EVIDENCE)
        log EvidenceAttached(voucher_id=row.voucher_id, document_hash=row.document_hash, kind=row.kind)


@external
def split(_deal_id: bytes32, _version: uint256, _rows: DynArray[Split, MAX_BATCH]):
    """
    @notice The holder splits a new piece off a piece (拆分); it holds both. A bank passes on whole what it bought.
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The new pieces; all are split off or none.
    """
    number: uint256 = self._open_as_maker(_deal_id, _version)
    # What counts as a bank's exposure is kept by piece: see Financing.
    assert not self._may_hold(number, BANK), reasons.BANK_SELLS_WHOLE  # R7
    for row: Split in _rows:
        piece: uint256 = self._movable(_deal_id, row.piece_id, row.voucher_id, row.place, number)
        amount: uint256 = piece & MASK_56
        assert row.amount_minor != 0 and row.amount_minor < amount, reasons.SPLIT_AMOUNT_INVALID
        # Nor may a voucher that is not confirmed yet find a piece under its id; the empty id stands for none.
        assert row.child_id != empty(bytes32), reasons.PIECE_EXISTS
        assert self.piece[_deal_id][row.child_id] == 0, reasons.PIECE_EXISTS
        assert self.voucher[_deal_id][row.child_id] == 0, reasons.PIECE_EXISTS
        word: uint256 = self.voucher[_deal_id][row.voucher_id]
        # R5: a payment names every live piece. One holder's small change must not keep the others from being paid.
        assert (word >> voucher_words.SPLIT_OFF) & MASK_8 < MAX_BATCH - 1, reasons.PIECES_FULL
        # R1
        self.piece[_deal_id][row.piece_id] = voucher_words._after(
            piece, row.place, amount - row.amount_minor, number, voucher_words.HELD, 0
        )
        self.piece[_deal_id][row.child_id] = voucher_words._new_piece(
            row.amount_minor, number, row.place & MASK_16, row.voucher_id
        )
        self.voucher[_deal_id][row.voucher_id] = word + (1 << voucher_words.SPLIT_OFF)
        log PieceSplit(
            piece_id=row.piece_id, child_id=row.child_id, date=row.place & MASK_16, amount_minor=row.amount_minor
        )


@external
def transfer(_deal_id: bytes32, _version: uint256, _rows: DynArray[Transfer, MAX_BATCH], _late: bool):
    """
    @notice The holder passes whole pieces on (转让), each against an invoice of the new holder.
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The transfers; all are made or none.
    @param _late Whether transfers of a sealed day count to the first open one, or are refused.
    """
    number: uint256 = self._open_as_maker(_deal_id, _version)
    deal_number: uint256 = self._deal_number[_deal_id] << 128
    # Who is known to be able to hold a piece; the holder itself is refused all the same.
    to: uint256 = number
    tally: tallies.Tally = empty(tallies.Tally)
    postings: DynArray[IJournal.Posting, MAX_POSTINGS] = []
    for row: Transfer in _rows:
        piece: uint256 = self._movable(_deal_id, row.piece_id, row.voucher_id, row.place, number)
        if row.to != to:
            to = row.to
            assert self._may_hold(to, SUPPLIER | CORE | BANK), reasons.HOLDER_INVALID
        core: uint256 = (self.voucher[_deal_id][row.voucher_id] >> voucher_words.CORE) & MASK_24
        assert to != number and to != core, reasons.HOLDER_INVALID
        amount: uint256 = piece & MASK_56
        self._register(row.invoice_hash, deal_number | (convert(row.voucher_id, uint256) >> 128))
        self.piece[_deal_id][row.piece_id] = voucher_words._after(piece, row.place, amount, to, voucher_words.HELD, 0)
        log PieceTransferred(
            entry_id=row.entry_id,
            piece_id=row.piece_id,
            invoice_hash=row.invoice_hash,
            date=row.place & MASK_16,
            from_holder=number,
            to_holder=to,
            amount_minor=amount,
        )
        tally = tallies._add(JOURNAL, _deal_id, tally, row.place & MASK_16, tallies.TRANSFER, amount, _late)
        last: uint256 = len(postings)
        if last != 0 and postings[last - 1].party == to:
            postings[last - 1].amount_minor += convert(amount, int256)
        else:
            if last == MAX_POSTINGS:
                self._post(_deal_id, postings, number, VOUCHERS_HELD)
                postings = []
            postings.append(IJournal.Posting(party=to, account=VOUCHERS_HELD, amount_minor=convert(amount, int256)))
    tallies._close(JOURNAL, _deal_id, tally, _late)
    self._post(_deal_id, postings, number, VOUCHERS_HELD)


# ---- external writes of Financing
# They call nothing, so there is nothing to enter again; the lock would cost more than they do.
@external
@reentrant
def put_voucher(_deal_id: bytes32, _voucher_id: bytes32, _word: uint256):
    """
    @notice Financing changes a voucher.
    @param _deal_id The deal.
    @param _voucher_id The voucher.
    @param _word What it is from now on: see voucher_words.
    """
    self._require_financing()
    self.voucher[_deal_id][_voucher_id] = _word


@external
@reentrant
def put_piece(_deal_id: bytes32, _piece_id: bytes32, _word: uint256):
    """
    @notice Financing changes a piece.
    @param _deal_id The deal.
    @param _piece_id The piece.
    @param _word What it is from now on: see voucher_words.
    """
    self._require_financing()
    self.piece[_deal_id][_piece_id] = _word


# ---- external views
@external
@view
@reentrant
def invoice(_invoice_hash: bytes32) -> bytes32:
    """
    @notice What an invoice backs.
    @param _invoice_hash As in Issue, or in Transfer.
    @return The voucher on it, or the voucher of the piece that was passed on against it; empty when it is free.
    """
    backed: uint256 = self._backed[_invoice_hash]
    return self._whole_id[self._deal_of[backed >> 128]][backed & MASK_128]


@external
@view
@reentrant
def invoice_deal(_invoice_hash: bytes32) -> bytes32:
    """
    @notice The deal in which an invoice backs something.
    @param _invoice_hash As in Issue, or in Transfer.
    @return The deal; empty when the invoice is free.
    """
    return self._deal_of[self._backed[_invoice_hash] >> 128]


# ---- internal: who may call
@internal
@view
def _require_financing():
    assert msg.sender == FINANCING, reasons.SENDER_NOT_CONTRACT


@internal
def _open(_deal_id: bytes32, _version: uint256, _number: uint256) -> uint256:
    """
    @dev The opening event of a batch.
    @return What the version says of vouchers.
    """
    receivable: uint256 = staticcall IDeals(DEALS).receivable(_deal_id, _version)
    assert receivable != 0, reasons.RECEIVABLE_MISSING
    log EntriesSubmitted(deal_id=_deal_id, version=_version, submitter=_number)
    return receivable


@internal
def _open_as_maker(_deal_id: bytes32, _version: uint256) -> uint256:
    """
    @return The member whose maker opens the batch.
    """
    number: uint256 = staticcall IMembers(MEMBERS).maker_number(msg.sender)
    self._open(_deal_id, _version, number)
    return number


@internal
def _open_batch(_deal_id: bytes32, _version: uint256) -> Batch:
    """
    @dev For what more than one may do, by their part in the deal or the voucher.
    """
    number: uint256 = staticcall IMembers(MEMBERS).maker_number(msg.sender)
    receivable: uint256 = self._open(_deal_id, _version, number)
    division: IDeals.Division = staticcall IDeals(DEALS).division(_deal_id, _version)
    return Batch(
        number=number,
        servicer=(division.parties >> (16 * ((division.places >> SERVICER) & 255))) & MASK_16,
        receivable=receivable,
        parties=division.parties,
        places=division.places,
    )


@internal
@pure
def _capacity(_batch: Batch, _word: uint256) -> uint256:
    """
    @return In which part the sender stands to a voucher, the first of core, servicer and supplier; 0 for none.
    """
    if _batch.number == (_word >> voucher_words.CORE) & MASK_24:
        return BY_CORE
    if _batch.number == _batch.servicer:
        return BY_SERVICER
    if _batch.number == (_word >> voucher_words.SUPPLIER) & MASK_24:
        return BY_SUPPLIER
    return 0


@internal
@pure
def _issues(_batch: Batch, _particulars: uint256) -> bool:
    """
    @return Whether the sender may issue a voucher with these particulars.
    """
    return _batch.number in [_particulars & MASK_24, (_particulars >> ISSUE_SUPPLIER) & MASK_24, _batch.servicer]


@internal
@pure
def _require_of_voucher(_is_of_voucher: bool):
    assert _is_of_voucher, reasons.SENDER_NOT_OF_VOUCHER


@internal
@pure
def _is_party(_batch: Batch, _number: uint256, _among: uint256) -> bool:
    """
    @param _among A bit for each party, by its place.
    """
    for i: uint256 in range(_batch.places & 255, bound=MAX_PARTIES):
        if (_batch.parties >> (16 * i)) & MASK_16 == _number and (_among >> i) & 1 != 0:
            return True
    return False


@internal
@view
def _may_hold(_number: uint256, _roles: uint256) -> bool:
    """
    @return Whether a member has one of the roles, and a key to act with: one that was expelled has none.
    """
    roles: uint256 = 0
    licences: uint256 = 0
    roles, licences = staticcall IMembers(MEMBERS).standing(_number)
    return roles & _roles != 0 and len(staticcall IMembers(MEMBERS).makers(_number)) != 0


# ---- internal: vouchers
@internal
@view
def _require_core(_batch: Batch, _core: uint256):
    """
    @dev Terms name the core enterprises whose debts they finance, or take those of any.
    """
    cores: uint256 = _batch.receivable & MASK_CORES
    if cores != 0:
        assert self._is_party(_batch, _core, cores), reasons.CORE_NOT_IN_TERMS
    else:
        roles: uint256 = 0
        licences: uint256 = 0
        roles, licences = staticcall IMembers(MEMBERS).standing(_core)
        assert roles & CORE != 0, reasons.CORE_NOT_IN_TERMS


@internal
@pure
def _require_particulars(_row: Issue, _receivable: uint256, _issue_date: uint256, _due_date: uint256):
    assert _row.amount_minor != 0 and _row.amount_minor <= MASK_56, reasons.VOUCHER_AMOUNT_INVALID
    assert _due_date > _issue_date and _row.particulars >> ISSUE_END == 0, reasons.VOUCHER_DATES_INVALID
    assert (_row.particulars >> ISSUE_DELIVERED) & MASK_16 <= _issue_date, reasons.VOUCHER_ON_PREPAYMENT
    max_days: uint256 = (_receivable >> MAX_DAYS) & MASK_16
    if max_days != 0 and _issue_date >= (_receivable >> MAX_DAYS_FROM) & MASK_16:
        assert _due_date - _issue_date <= max_days, reasons.VOUCHER_TERM_OVER_LIMIT


@internal
@view
def _known(_deal_id: bytes32, _voucher_id: bytes32) -> uint256:
    word: uint256 = self.voucher[_deal_id][_voucher_id]
    voucher_words._require_known(word)
    return word


@internal
@pure
def _require_issued(_word: uint256):
    assert (_word >> voucher_words.STATE) & 15 == voucher_words.ISSUED, reasons.VOUCHER_NOT_ISSUED


@internal
@pure
def _require_not_cancelled(_word: uint256):
    assert (_word >> voucher_words.STATE) & 15 != voucher_words.CANCELLED, reasons.VOUCHER_CANCELLED


@internal
def _register(_invoice_hash: bytes32, _backed: uint256):
    """
    @param _backed What the invoice backs from now on.
    """
    assert _invoice_hash != empty(bytes32), reasons.INVOICE_MISSING
    assert self._backed[_invoice_hash] == 0, reasons.INVOICE_REGISTERED  # R2
    self._backed[_invoice_hash] = _backed


@internal
def _number_of(_deal_id: bytes32) -> uint256:
    """
    @return The number of a deal, which counts from here on if it is the first time.
    """
    number: uint256 = self._deal_number[_deal_id]
    if number == 0:
        number = self._deal_count + 1
        self._deal_count = number
        self._deal_number[_deal_id] = number
        self._deal_of[number] = _deal_id
    return number


# ---- internal: pieces
@internal
@view
def _movable(
    _deal_id: bytes32, _piece_id: bytes32, _voucher_id: bytes32, _place: uint256, _number: uint256
) -> uint256:
    """
    @return A piece that the member holds, free to be split or passed on.
    """
    piece: uint256 = self.piece[_deal_id][_piece_id]
    voucher_words._require_step(piece, _voucher_id, _place)
    assert (piece >> voucher_words.HOLDER) & MASK_24 == _number, reasons.SENDER_NOT_HOLDER  # R4
    assert (piece >> voucher_words.PIECE_STATE) & 15 == voucher_words.HELD, reasons.PIECE_NOT_HELD  # R3
    voucher_words._require_undisputed(self.voucher[_deal_id][_voucher_id])
    return piece


@internal
def _post(
    _deal_id: bytes32, _postings: DynArray[IJournal.Posting, MAX_POSTINGS], _against: uint256, _account: uint256
):
    """
    @param _postings Nobody's, or each a debit.
    @param _against Member number of who is credited with all of them.
    """
    postings: DynArray[IJournal.Posting, 96] = []
    sum_minor: int256 = 0
    for posting: IJournal.Posting in _postings:
        postings.append(posting)
        sum_minor += posting.amount_minor
    postings.append(IJournal.Posting(party=_against, account=_account, amount_minor=-sum_minor))
    extcall IJournal(JOURNAL).post(_deal_id, postings)
