# pragma version 0.4.3
# pragma evm-version london
# pragma nonreentrancy on
# pragma optimize codesize
"""
@title Financing
@license MIT
@notice What is lent on pieces of vouchers: they are offered, discounted (贴现) or pledged (质押) and released, and sold between
    banks (转贴现). What is paid on them goes through Payments.
@custom:units Amounts are minor units, at most 2**56 - 1; rates are parts per million a year; dates are days since 1970-01-01.
@custom:invariant R7 When a piece is financed, no funder's exposure to the core enterprise is above its limit.
@custom:stop Core enterprise, supplier or servicer disputes a voucher in Vouchers; a funder or the servicer suspends the deal.
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
from .interfaces import ILists
from .interfaces import ILoans
from .interfaces import IMembers
from .interfaces import IVouchers

implements: IFinancing

# ---- constants
MAX_BATCH: constant(uint256) = 250
MAX_PARTIES: constant(uint256) = 12
MAX_FUNDERS: constant(uint256) = 8
PPM: constant(uint256) = 1_000_000
MASK_8: constant(uint256) = 2**8 - 1
MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_56: constant(uint256) = 2**56 - 1
MASK_64: constant(uint256) = 2**64 - 1
# The role of a bank: see `ledger/consortium.py`.
BANK: constant(uint256) = 1
# In the word of Deals.receivable; the cores are in bits 0-11.
MASK_CORES: constant(uint256) = 2**12 - 1
ADVANCE: constant(uint256) = 16
CORE_COST: constant(uint256) = 40
EVIDENCE: constant(uint256) = 64
# Forms of an offer.
DISCOUNT: constant(uint256) = 1
PLEDGE: constant(uint256) = 2
# In the word of what counts as exposure.
COUNTED_BANK: constant(uint256) = 56
COUNTED_VERSION: constant(uint256) = 80
PRINCIPAL: constant(uint256) = 88
# Its part that says of whom: bank and principal.
BASIS: constant(uint256) = (MASK_24 << COUNTED_BANK) | (MASK_56 << PRINCIPAL)
# In the word of a sale.
BUYER: constant(uint256) = 56
FINANCED_BY: constant(uint256) = 80
SOLD_AMOUNT: constant(uint256) = 104

# ---- immutables
MEMBERS: immutable(address)
DEALS: immutable(address)
JOURNAL: immutable(address)
LISTS: immutable(address)
LOANS: immutable(address)
PAYMENTS: immutable(address)
VOUCHERS: immutable(address)

# ---- structs
struct Offer:
    piece_id: bytes32
    voucher_id: bytes32
    # Date in bits 0-15, sequence of the piece from bit 16 on.
    place: uint256
    # 1 discount, 2 pledge.
    form: uint256
    # Of a discount.
    rate_ppm: uint256
    # Of a pledge: the loan that the piece is to secure.
    loan_id: bytes32

struct Withdrawal:
    piece_id: bytes32
    voucher_id: bytes32
    place: uint256

struct Discount:
    entry_id: bytes32
    piece_id: bytes32
    voucher_id: bytes32
    place: uint256

struct Pledge:
    piece_id: bytes32
    voucher_id: bytes32
    place: uint256
    loan_id: bytes32

struct Release:
    piece_id: bytes32
    voucher_id: bytes32
    place: uint256

struct Sale:
    piece_id: bytes32
    voucher_id: bytes32
    place: uint256
    # Member number of a bank.
    buyer: uint256
    price_minor: uint256

struct Acceptance:
    piece_id: bytes32
    voucher_id: bytes32
    place: uint256
    price_minor: uint256

struct SaleConfirmation:
    entry_id: bytes32
    piece_id: bytes32
    voucher_id: bytes32
    place: uint256

struct CoreLimit:
    limited: bool
    max_minor: uint256

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

event PieceOffered:
    piece_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    date: uint256
    form: uint256
    rate_ppm: uint256

# An offer, or a sale before it is confirmed.
event OfferWithdrawn:
    piece_id: indexed(bytes32)
    date: uint256

event PieceDiscounted:
    entry_id: indexed(bytes32)
    piece_id: indexed(bytes32)
    date: uint256
    amount_minor: uint256
    discount_minor: uint256
    # Of the discount what the core enterprise bears.
    core_cost_minor: uint256
    # Face by funders, 64 bits each: funder i in bits 64 * (i % 4) of word i // 4.
    parts: uint256[2]
    # Discount by parties.
    income: uint256[3]

event PiecePledged:
    piece_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    date: uint256
    principal_minor: uint256

event PieceReleased:
    piece_id: indexed(bytes32)
    loan_id: indexed(bytes32)
    date: uint256

event SaleOffered:
    piece_id: indexed(bytes32)
    buyer: indexed(uint256)
    date: uint256
    price_minor: uint256

event SaleAccepted:
    piece_id: indexed(bytes32)
    date: uint256

event PieceSold:
    entry_id: indexed(bytes32)
    piece_id: indexed(bytes32)
    date: uint256
    seller: uint256
    buyer: uint256
    amount_minor: uint256
    price_minor: uint256

event CoreLimitSet:
    bank: indexed(uint256)
    core: indexed(uint256)
    max_minor: uint256

# ---- storage
# Bank, core enterprise: the most that the bank finances of it, if it said so.
core_limit: public(reentrant(HashMap[uint256, HashMap[uint256, CoreLimit]]))
# Bank, core enterprise: its parts of pieces discounted, of loans on pledged pieces, and what it bought.
exposure_minor: public(reentrant(HashMap[uint256, HashMap[uint256, uint256]]))
# Deal: what its funders hold of discounted pieces.
discounted_minor: public(reentrant(HashMap[bytes32, uint256]))
# Deal, piece: the rate at which it is, or was last, offered; 0 for a pledge.
offered_ppm: public(reentrant(HashMap[bytes32, HashMap[bytes32, uint256]]))
# Deal, piece: the loan that it secures or is to secure; deal, loan: the piece that does.
loan_of: public(reentrant(HashMap[bytes32, HashMap[bytes32, bytes32]]))
piece_of: public(reentrant(HashMap[bytes32, HashMap[bytes32, bytes32]]))
# Deal, piece: the latest sale: price in bits 0-55, buyer 56-79, who financed the piece 80-103, its amount when the
# buyer accepted 104-159.
sale: public(reentrant(HashMap[bytes32, HashMap[bytes32, uint256]]))

# Deal, piece: what counts of it as exposure in bits 0-55: of the bank 56-79 that bought it, else of the funders of the
# terms 80-87; 88-143 principal of the loan that it secures.
_counted: HashMap[bytes32, HashMap[bytes32, uint256]]


@deploy
def __init__(
    _members: address,
    _deals: address,
    _journal: address,
    _lists: address,
    _loans: address,
    _payments: address,
    _vouchers: address,
):
    MEMBERS = _members
    DEALS = _deals
    JOURNAL = _journal
    LISTS = _lists
    LOANS = _loans
    PAYMENTS = _payments
    VOUCHERS = _vouchers


# ---- external writes: offers
@external
def offer(_deal_id: bytes32, _version: uint256, _rows: DynArray[Offer, MAX_BATCH]):
    """
    @notice The holder offers pieces to the deal's funders: to sell them at a rate, or to secure a loan with them.
    @param _deal_id The deal.
    @param _version The version of the terms whose evidence is complete.
    @param _rows The offers; all are made or none.
    """
    batch: Batch = self._open_batch(_deal_id, _version)
    for row: Offer in _rows:
        taken: voucher_steps.Taken = self._take(_deal_id, row.piece_id, row.voucher_id, row.place)
        self._require_holder(batch.number == taken.holder)
        self._require_financeable(batch, taken)
        if row.form == PLEDGE:
            assert row.rate_ppm == 0 and row.loan_id != empty(bytes32), reasons.OFFER_INVALID
            assert staticcall ILoans(LOANS).loan(_deal_id, row.loan_id) == 0, reasons.LOAN_NOT_FRESH
            assert self.piece_of[_deal_id][row.loan_id] == empty(bytes32), reasons.LOAN_PLEDGED
            self.piece_of[_deal_id][row.loan_id] = row.piece_id
        else:
            assert row.form == DISCOUNT and row.loan_id == empty(bytes32), reasons.OFFER_INVALID
            assert row.rate_ppm != 0 and row.rate_ppm <= MASK_24, reasons.OFFER_INVALID
        assert taken.state == voucher_words.HELD, reasons.PIECE_NOT_HELD  # R3
        self.offered_ppm[_deal_id][row.piece_id] = row.rate_ppm
        self.loan_of[_deal_id][row.piece_id] = row.loan_id
        log PieceOffered(
            piece_id=row.piece_id,
            loan_id=row.loan_id,
            date=row.place & MASK_16,
            form=row.form,
            rate_ppm=row.rate_ppm,
        )
        self._put(taken, taken.holder, voucher_words.OFFERED, 0)


@external
def withdraw(_deal_id: bytes32, _version: uint256, _rows: DynArray[Withdrawal, MAX_BATCH]):
    """
    @notice The holder, or the servicer, takes offers and unconfirmed sales back.
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The pieces; all are withdrawn or none.
    """
    batch: Batch = self._open_batch(_deal_id, _version)
    servicer: uint256 = postings._party(batch.division, postings.SERVICER)
    for row: Withdrawal in _rows:
        taken: voucher_steps.Taken = self._take(_deal_id, row.piece_id, row.voucher_id, row.place)
        self._require_holder(batch.number == taken.holder or batch.number == servicer)
        log OfferWithdrawn(piece_id=row.piece_id, date=row.place & MASK_16)
        if taken.state == voucher_words.OFFERED:
            self._unbind(taken)
            self._put(taken, taken.holder, voucher_words.HELD, 0)
        else:
            assert taken.state >= voucher_words.ON_SALE, reasons.PIECE_NOT_OFFERED
            if taken.version == 0:
                self._put(taken, taken.holder, voucher_words.HELD, 0)
            else:
                financed_by: uint256 = (self.sale[_deal_id][row.piece_id] >> FINANCED_BY) & MASK_24
                self._put(taken, financed_by, voucher_words.DISCOUNTED, taken.version)


# ---- external writes: financing
@external
def discount(_deal_id: bytes32, _version: uint256, _rows: DynArray[Discount, MAX_BATCH], _late: bool):
    """
    @notice The servicer accepts offers: the funders buy the pieces at the rates offered (贴现).
    @param _deal_id The deal.
    @param _version The version of the terms in force on the dates.
    @param _rows The pieces; all are discounted or none.
    @param _late Whether discounts of a sealed day count to the first open one, or are refused.
    """
    batch: Batch = self._open_as_servicer(_deal_id, _version)
    lent: uint256 = (staticcall ILoans(LOANS).volume(_deal_id))[0]
    limits: uint256 = 0
    checked_date: uint256 = max_value(uint256)
    tally: tallies.Tally = empty(tallies.Tally)
    for row: Discount in _rows:
        taken: voucher_steps.Taken = self._take(_deal_id, row.piece_id, row.voucher_id, row.place)
        date: uint256 = row.place & MASK_16
        rate: uint256 = self.offered_ppm[_deal_id][row.piece_id]
        assert taken.state == voucher_words.OFFERED and rate != 0, reasons.PIECE_NOT_OFFERED
        self._require_financeable(batch, taken)
        if date != checked_date:
            limits = (staticcall IDeals(DEALS).rules(_deal_id, _version, date)).limits
        if limits & MASK_24 != 0:
            assert rate <= limits & MASK_24, reasons.RATE_OVER_LIMIT
        if date != checked_date:
            listed_until: uint256 = staticcall ILists(LISTS).require_listed(
                batch.division.parties, batch.division.places, date
            )
            checked_date = date
        discounted: uint256 = self.discounted_minor[_deal_id] + taken.amount_minor
        if (limits >> 104) & MASK_64 != 0:
            assert discounted + lent <= (limits >> 104) & MASK_64, reasons.OUTSTANDING_OVER_LIMIT

        minor: uint256 = voucher_postings._discount(
            taken.amount_minor, rate, date, voucher_steps._due_date(taken), batch.division.places
        )
        # A rate that eats the whole piece and more is no rate.
        assert minor <= taken.amount_minor, reasons.RATE_OVER_LIMIT
        core_cost: uint256 = waterfall._half_up(minor * ((batch.receivable >> CORE_COST) & MASK_24), PPM)
        parts: uint256[MAX_PARTIES] = voucher_postings._parts(batch.division, taken.amount_minor)
        income: uint256[MAX_PARTIES] = voucher_postings._income(batch.division, minor, rate)
        log PieceDiscounted(
            entry_id=row.entry_id,
            piece_id=row.piece_id,
            date=date,
            amount_minor=taken.amount_minor,
            discount_minor=minor,
            core_cost_minor=core_cost,
            parts=waterfall._parts(parts, 0),
            income=voucher_postings._packed(income),
        )
        borne: int256 = convert(minor - core_cost, int256)
        face: int256 = convert(taken.amount_minor, int256)
        voucher_postings._post(
            JOURNAL,
            _deal_id,
            batch.division.parties,
            [
                IJournal.Posting(party=taken.holder, account=voucher_postings.VOUCHERS_HELD, amount_minor=-face),
                IJournal.Posting(party=taken.holder, account=voucher_postings.DISCOUNT, amount_minor=borne),
                IJournal.Posting(party=taken.holder, account=postings.CASH, amount_minor=face - borne),
                IJournal.Posting(
                    party=taken.core, account=voucher_postings.DISCOUNT, amount_minor=convert(core_cost, int256)
                ),
                IJournal.Posting(
                    party=taken.core, account=postings.CLEARING, amount_minor=-convert(core_cost, int256)
                ),
            ],
            postings._party(batch.division, postings.DISBURSER),
            borne - face,
            parts,
            income,
            1,
        )
        tally = tallies._add(JOURNAL, _deal_id, tally, date, tallies.TRANSFER, taken.amount_minor, _late)
        self._finance(taken, taken.holder, voucher_words.DISCOUNTED, _version, 0, True)
    tallies._close(JOURNAL, _deal_id, tally, _late)


@external
def pledge(_deal_id: bytes32, _version: uint256, _rows: DynArray[Pledge, MAX_BATCH]):
    """
    @notice The servicer says that pieces secure the loans they were offered for, which it booked on the same day (质押).
    @param _deal_id The deal.
    @param _version The version of the terms the loans were booked under.
    @param _rows The pieces; all are pledged or none.
    """
    batch: Batch = self._open_as_servicer(_deal_id, _version)
    for row: Pledge in _rows:
        taken: voucher_steps.Taken = self._take(_deal_id, row.piece_id, row.voucher_id, row.place)
        assert taken.state == voucher_words.OFFERED, reasons.PIECE_NOT_OFFERED
        offered_for: bytes32 = self.loan_of[_deal_id][row.piece_id]
        assert row.loan_id == offered_for and row.loan_id != empty(bytes32), reasons.LOAN_NOT_OFFERED
        self._require_financeable(batch, taken)
        principal: uint256 = voucher_steps._fresh_principal(
            staticcall ILoans(LOANS).loan(_deal_id, row.loan_id), row.place & MASK_16, _version
        )
        assert (
            principal * PPM <= ((batch.receivable >> ADVANCE) & MASK_24) * taken.amount_minor
        ), reasons.ADVANCE_OVER_LIMIT
        log PiecePledged(
            piece_id=row.piece_id, loan_id=row.loan_id, date=row.place & MASK_16, principal_minor=principal
        )
        self._finance(taken, taken.holder, voucher_words.PLEDGED, _version, principal << PRINCIPAL, True)


@external
def release(_deal_id: bytes32, _version: uint256, _rows: DynArray[Release, MAX_BATCH]):
    """
    @notice The servicer gives pieces back whose loans are repaid (解押).
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The pieces; all are released or none.
    """
    batch: Batch = self._open_as_servicer(_deal_id, _version)
    for row: Release in _rows:
        taken: voucher_steps.Taken = self._take(_deal_id, row.piece_id, row.voucher_id, row.place)
        assert taken.state == voucher_words.PLEDGED, reasons.PIECE_NOT_PLEDGED
        loan_id: bytes32 = self.loan_of[_deal_id][row.piece_id]
        self._unbind(taken)
        log PieceReleased(piece_id=row.piece_id, loan_id=loan_id, date=row.place & MASK_16)
        self._finance(taken, taken.holder, voucher_words.HELD, 0, 0, False)


# ---- external writes: bank to bank
@external
def offer_sale(_deal_id: bytes32, _version: uint256, _rows: DynArray[Sale, MAX_BATCH]):
    """
    @notice A bank that holds pieces, or alone financed them, offers them to another bank (转贴现).
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The pieces; all are offered or none.
    """
    batch: Batch = self._open_batch(_deal_id, _version)
    for row: Sale in _rows:
        taken: voucher_steps.Taken = self._take(_deal_id, row.piece_id, row.voucher_id, row.place)
        seller: uint256 = taken.holder
        if taken.state == voucher_words.DISCOUNTED:
            division: IDeals.Division = voucher_steps._division(DEALS, taken)
            seller = division.parties & MASK_16
            assert (division.places >> 8) & 255 == 1, reasons.SALE_INVALID
        self._require_holder(batch.number == seller)
        assert row.price_minor != 0 and row.price_minor <= MASK_56, reasons.SALE_INVALID
        assert row.buyer != seller and row.buyer != taken.core, reasons.SALE_INVALID
        assert self._is_bank(row.buyer) and self._is_bank(seller), reasons.SALE_INVALID
        voucher_words._require_undisputed(taken.voucher)
        assert taken.state in [voucher_words.HELD, voucher_words.DISCOUNTED], reasons.PIECE_NOT_HELD  # R3
        self.sale[_deal_id][row.piece_id] = row.price_minor | (row.buyer << BUYER) | (taken.holder << FINANCED_BY)
        log SaleOffered(
            piece_id=row.piece_id, buyer=row.buyer, date=row.place & MASK_16, price_minor=row.price_minor
        )
        self._put(taken, seller, voucher_words.ON_SALE, taken.version)


@external
def accept_sale(_deal_id: bytes32, _version: uint256, _rows: DynArray[Acceptance, MAX_BATCH]):
    """
    @notice The bank to which pieces are offered accepts them at their prices.
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The pieces; all are accepted or none.
    """
    batch: Batch = self._open_batch(_deal_id, _version)
    for row: Acceptance in _rows:
        taken: voucher_steps.Taken = self._take(_deal_id, row.piece_id, row.voucher_id, row.place)
        assert taken.state == voucher_words.ON_SALE, reasons.PIECE_NOT_ON_SALE
        sale: uint256 = self.sale[_deal_id][row.piece_id]
        assert batch.number == (sale >> BUYER) & MASK_24, reasons.SENDER_NOT_BUYER
        assert row.price_minor == sale & MASK_56, reasons.SALE_INVALID
        self.sale[_deal_id][row.piece_id] = sale | (taken.amount_minor << SOLD_AMOUNT)
        log SaleAccepted(piece_id=row.piece_id, date=row.place & MASK_16)
        self._put(taken, taken.holder, voucher_words.SALE_ACCEPTED, taken.version)


@external
def confirm_sale(_deal_id: bytes32, _version: uint256, _rows: DynArray[SaleConfirmation, MAX_BATCH], _late: bool):
    """
    @notice The seller says that the price came: the buyer holds the pieces.
    @param _deal_id The deal.
    @param _version A version of the terms that has vouchers.
    @param _rows The pieces; all are sold or none.
    @param _late Whether sales of a sealed day count to the first open one, or are refused.
    """
    batch: Batch = self._open_batch(_deal_id, _version)
    tally: tallies.Tally = empty(tallies.Tally)
    for row: SaleConfirmation in _rows:
        taken: voucher_steps.Taken = self._take(_deal_id, row.piece_id, row.voucher_id, row.place)
        self._require_holder(batch.number == taken.holder)
        assert taken.state == voucher_words.SALE_ACCEPTED, reasons.PIECE_NOT_ON_SALE
        sale: uint256 = self.sale[_deal_id][row.piece_id]
        # What was paid on the piece since would be the seller's: the price is of what the buyer accepted.
        assert sale >> SOLD_AMOUNT == taken.amount_minor, reasons.SALE_INVALID
        buyer: uint256 = (sale >> BUYER) & MASK_24
        log PieceSold(
            entry_id=row.entry_id,
            piece_id=row.piece_id,
            date=row.place & MASK_16,
            seller=taken.holder,
            buyer=buyer,
            amount_minor=taken.amount_minor,
            price_minor=sale & MASK_56,
        )
        face: int256 = convert(taken.amount_minor, int256)
        price: int256 = convert(sale & MASK_56, int256)
        extcall IJournal(JOURNAL).post(
            _deal_id,
            [
                IJournal.Posting(party=taken.holder, account=voucher_postings.VOUCHERS_HELD, amount_minor=-face),
                IJournal.Posting(party=taken.holder, account=postings.CASH, amount_minor=price),
                IJournal.Posting(party=taken.holder, account=voucher_postings.DISCOUNT, amount_minor=face - price),
                IJournal.Posting(party=buyer, account=voucher_postings.VOUCHERS_HELD, amount_minor=face),
                IJournal.Posting(party=buyer, account=postings.CASH, amount_minor=-price),
                IJournal.Posting(party=buyer, account=voucher_postings.DISCOUNT, amount_minor=price - face),
            ],
        )
        tally = tallies._add(
            JOURNAL, _deal_id, tally, row.place & MASK_16, tallies.TRANSFER, taken.amount_minor, _late
        )
        self._finance(taken, buyer, voucher_words.HELD, 0, buyer << COUNTED_BANK, True)
    tallies._close(JOURNAL, _deal_id, tally, _late)


# ---- external writes: limits
@external
def set_core_limit(_bank: uint256, _core: uint256, _max_minor: uint256):
    """
    @notice A bank's checker limits what the bank finances of a core enterprise in all deals, after its maker's request.
    @param _bank Member number of the bank.
    @param _core Member number of the core enterprise.
    @param _max_minor Minor units; what is financed already stays.
    """
    number: uint256 = extcall IMembers(MEMBERS).confirm(
        msg.sender,
        keccak256(concat(
            convert(self, bytes20),
            abi_encode(_bank, _core, _max_minor, method_id=method_id("set_core_limit(uint256,uint256,uint256)")),
        )),
    )
    assert number == _bank, reasons.SENDER_NOT_BANK
    assert _core != 0 and _core <= staticcall IMembers(MEMBERS).count(), reasons.PARTY_UNKNOWN
    self.core_limit[_bank][_core] = CoreLimit(limited=True, max_minor=_max_minor)
    log CoreLimitSet(bank=_bank, core=_core, max_minor=_max_minor)


# ---- external writes of Payments
@external
def put(_deal_id: bytes32, _piece_id: bytes32, _piece: uint256, _voucher_id: bytes32, _voucher: uint256):
    """
    @notice Payments changes a voucher by what was instructed or paid, and the piece that was paid.
    @param _deal_id The deal.
    @param _piece_id The piece, if one changes.
    @param _piece What it is from now on: see voucher_words; 0 when no piece changes.
    @param _voucher_id Its voucher.
    @param _voucher What that is from now on.
    """
    assert msg.sender == PAYMENTS, reasons.SENDER_NOT_CONTRACT
    extcall IVouchers(VOUCHERS).put_voucher(_deal_id, _voucher_id, _voucher)
    if _piece == 0:
        return
    before: uint256 = staticcall IVouchers(VOUCHERS).piece(_deal_id, _piece_id)
    basis: uint256 = self._counted[_deal_id][_piece_id] & BASIS
    core: uint256 = (_voucher >> voucher_words.CORE) & MASK_24
    self._carry(_deal_id, _piece_id, core, before, _piece, basis, False)


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
@view
def _take(_deal_id: bytes32, _piece_id: bytes32, _voucher_id: bytes32, _place: uint256) -> voucher_steps.Taken:
    return voucher_steps._take(VOUCHERS, _deal_id, _piece_id, _voucher_id, _place, 0)


@internal
@pure
def _after(_taken: voucher_steps.Taken, _holder: uint256, _state: uint256, _version: uint256) -> uint256:
    return voucher_words._after(_taken.piece, _taken.place, _taken.amount_minor, _holder, _state, _version)


@internal
def _put(_taken: voucher_steps.Taken, _holder: uint256, _state: uint256, _version: uint256):
    """
    @dev The end of a step that changes nothing of what counts.
    """
    extcall IVouchers(VOUCHERS).put_piece(
        _taken.deal_id, _taken.piece_id, self._after(_taken, _holder, _state, _version)
    )


@internal
def _finance(
    _taken: voucher_steps.Taken, _holder: uint256, _state: uint256, _version: uint256, _basis: uint256, _limited: bool
):
    """
    @dev The end of a step that finances a piece, or ends that.
    @param _basis Of whom it counts from now on: a bank that bought it, or the principal of a loan to share.
    """
    word: uint256 = self._after(_taken, _holder, _state, _version)
    self._carry(_taken.deal_id, _taken.piece_id, _taken.core, _taken.piece, word, _basis, _limited)


@internal
def _carry(
    _deal_id: bytes32,
    _piece_id: bytes32,
    _core: uint256,
    _before: uint256,
    _word: uint256,
    _basis: uint256,
    _limited: bool,
):
    """
    @dev What is discounted in the deal and what counts as exposure follow from the piece. The loan on a pledged piece
        counts whole until the piece is paid out. What a bank bought counts as its own even when it passes it on.
    @param _limited Whether it is financed anew: then the banks' limits may refuse it.
    """
    extcall IVouchers(VOUCHERS).put_piece(_deal_id, _piece_id, _word)
    if self._discounted(_before) != self._discounted(_word):
        self.discounted_minor[_deal_id] = (
            self.discounted_minor[_deal_id] + self._discounted(_word) - self._discounted(_before)
        )
    version: uint256 = (_word >> voucher_words.FINANCING_VERSION) & MASK_8
    after: uint256 = 0
    if (_word >> voucher_words.PIECE_STATE) & 15 == voucher_words.PLEDGED:
        after = _basis | (0 if _word & MASK_56 == 0 else _basis >> PRINCIPAL)
    else:
        after = _basis & (MASK_24 << COUNTED_BANK)
        if after | version != 0:
            after |= _word & MASK_56
    after |= version << COUNTED_VERSION
    counted: uint256 = self._counted[_deal_id][_piece_id]
    if after != counted:
        self._counted[_deal_id][_piece_id] = after
        self._expose(_deal_id, _core, counted, False, False)
        self._expose(_deal_id, _core, after, True, _limited)


@internal
def _expose(_deal_id: bytes32, _core: uint256, _counted: uint256, _up: bool, _limited: bool):
    """
    @param _counted What counts: see the storage.
    """
    parts: uint256[MAX_PARTIES] = empty(uint256[MAX_PARTIES])
    parts[0] = _counted & MASK_56
    if parts[0] == 0:
        return
    parties: uint256 = (_counted >> COUNTED_BANK) & MASK_24
    if parties == 0:
        division: IDeals.Division = staticcall IDeals(DEALS).division(
            _deal_id, (_counted >> COUNTED_VERSION) & MASK_8
        )
        parties = division.parties
        parts = voucher_postings._parts(division, parts[0])
    for i: uint256 in range(MAX_FUNDERS):
        if parts[i] == 0:
            continue
        bank: uint256 = (parties >> (16 * i)) & MASK_16
        exposed: uint256 = self.exposure_minor[bank][_core]
        if _up:
            exposed += parts[i]
        else:
            exposed -= parts[i]
        self.exposure_minor[bank][_core] = exposed
        if _limited and self.core_limit[bank][_core].limited:
            assert exposed <= self.core_limit[bank][_core].max_minor, reasons.CORE_OVER_LIMIT  # R7


@internal
@pure
def _discounted(_piece: uint256) -> uint256:
    """
    @return What the funders hold of a piece: one that they put on sale is still theirs.
    """
    state: uint256 = (_piece >> voucher_words.PIECE_STATE) & 15
    if state == voucher_words.PLEDGED or (_piece >> voucher_words.FINANCING_VERSION) & MASK_8 == 0:
        return 0
    return _piece & MASK_56


# ---- internal: checks
@internal
@pure
def _require_holder(_is_holder: bool):
    assert _is_holder, reasons.SENDER_NOT_HOLDER


@internal
@view
def _require_financeable(_batch: Batch, _taken: voucher_steps.Taken):
    """
    @dev Of an offer, and again when it is accepted.
    """
    voucher_words._require_undisputed(_taken.voucher)
    cores: uint256 = _batch.receivable & MASK_CORES
    accepted: bool = cores == 0
    for i: uint256 in range(MAX_PARTIES):
        if (cores >> i) & 1 != 0 and (_batch.division.parties >> (16 * i)) & MASK_16 == _taken.core:
            accepted = True
    assert accepted, reasons.CORE_NOT_IN_TERMS
    demanded: uint256 = (_batch.receivable >> EVIDENCE) & MASK_8
    assert (_taken.voucher >> voucher_words.EVIDENCE) & demanded == demanded, reasons.EVIDENCE_MISSING
    assert _taken.place & MASK_16 < voucher_steps._due_date(_taken), reasons.VOUCHER_PAST_DUE


@internal
@view
def _is_bank(_number: uint256) -> bool:
    return (staticcall IMembers(MEMBERS).standing(_number))[0] & BANK != 0


@internal
def _unbind(_taken: voucher_steps.Taken):
    """
    @dev Ends the pledge of a loan that was never booked, or on which nothing is owed. Of a claimed or lost one
        others still have something to get.
    """
    loan_id: bytes32 = self.loan_of[_taken.deal_id][_taken.piece_id]
    word: uint256 = staticcall ILoans(LOANS).loan(_taken.deal_id, loan_id)
    assert word & (MASK_56 | loan_words.COMPENSATED | loan_words.WRITTEN_OFF) == 0, reasons.LOAN_OPEN
    if loan_id == empty(bytes32):
        return
    self.piece_of[_taken.deal_id][loan_id] = empty(bytes32)
    self.loan_of[_taken.deal_id][_taken.piece_id] = empty(bytes32)
