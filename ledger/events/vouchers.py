"""Events of vouchers and their pieces: the register, and who finances, pays and sells them.

Those on a voucher or a piece stand in a batch: `EntriesSubmitted` says of which deal and by whom.
"""

from __future__ import annotations

from typing import NamedTuple


class VoucherIssued(NamedTuple):
    """开立: a core enterprise owes a supplier, as one of them says. `particulars`: `Owed`."""

    voucher_id: bytes
    invoice_hash: bytes
    amount_minor: int
    particulars: int


class VoucherConfirmed(NamedTuple):
    """确权: the core enterprise owes it. It is one piece now, of the supplier."""

    voucher_id: bytes
    date: int
    amount_minor: int
    core: int
    supplier: int


class VoucherCancelled(NamedTuple):
    """A voucher that was not confirmed is void; its invoice is free again."""

    voucher_id: bytes


class VoucherDisputed(NamedTuple):
    """Who may dispute a voucher does, or no longer does."""

    voucher_id: bytes
    disputed: int


class EvidenceAttached(NamedTuple):
    """A party vouches for a document of the trade. `kind`: 1 contract, 2 order, 4 waybill, ..."""

    voucher_id: bytes
    document_hash: bytes
    kind: int


class PieceSplit(NamedTuple):
    """拆分: a piece of its own is split off; the rest stays."""

    piece_id: bytes
    child_id: bytes
    date: int
    amount_minor: int


class PieceTransferred(NamedTuple):
    """转让: a piece has another holder, for a trade of theirs."""

    entry_id: bytes
    piece_id: bytes
    invoice_hash: bytes
    date: int
    from_holder: int
    to_holder: int
    amount_minor: int


class PieceOffered(NamedTuple):
    """A holder offers a piece to the funders. `form`: 1 discount, 2 pledge for `loan_id`."""

    piece_id: bytes
    loan_id: bytes
    date: int
    form: int
    rate_ppm: int


class OfferWithdrawn(NamedTuple):
    """An offer, or a sale that was not confirmed, is void."""

    piece_id: bytes
    date: int


class PieceDiscounted(NamedTuple):
    """贴现: the funders bought a piece. `parts` of the funders, `income` of all parties of it."""

    entry_id: bytes
    piece_id: bytes
    date: int
    amount_minor: int
    discount_minor: int
    core_cost_minor: int
    """What the core enterprise bears of the discount."""
    parts: tuple[int, ...]
    income: tuple[int, ...]


class PiecePledged(NamedTuple):
    """质押: a piece secures a loan of its holder."""

    piece_id: bytes
    loan_id: bytes
    date: int
    principal_minor: int


class PieceReleased(NamedTuple):
    """解押: the loan is repaid."""

    piece_id: bytes
    loan_id: bytes
    date: int


class PaymentInstructed(NamedTuple):
    """A core enterprise says that it pays. `reference_id`: of its bank's reference."""

    voucher_id: bytes
    reference_id: bytes
    date: int
    amount_minor: int


class PiecePaid(NamedTuple):
    """兑付: a piece got its part of a payment. `parts` of the funders of a discounted one."""

    entry_id: bytes
    piece_id: bytes
    date: int
    amount_minor: int
    parts: tuple[int, ...]


class PiecePaymentReversed(NamedTuple):
    """A payment of a piece never came, or went back."""

    entry_id: bytes
    piece_id: bytes
    reversed_id: bytes
    date: int
    reversed_date: int
    amount_minor: int
    parts: tuple[int, ...]


class SaleOffered(NamedTuple):
    """A bank offers a piece to another bank."""

    piece_id: bytes
    buyer: int
    date: int
    price_minor: int


class SaleAccepted(NamedTuple):
    """The other bank takes it."""

    piece_id: bytes
    date: int


class PieceSold(NamedTuple):
    """The price was paid: the buyer holds the piece."""

    entry_id: bytes
    piece_id: bytes
    date: int
    seller: int
    buyer: int
    amount_minor: int
    price_minor: int


class PieceReturned(NamedTuple):
    """追索: a discounted piece that was not paid is bought back by who financed it."""

    entry_id: bytes
    piece_id: bytes
    date: int
    amount_minor: int
    parts: tuple[int, ...]


class PieceConverted(NamedTuple):
    """垫款: a loan to the core enterprise pays a discounted piece."""

    entry_id: bytes
    piece_id: bytes
    loan_id: bytes
    date: int
    amount_minor: int
    parts: tuple[int, ...]


class CoreLimitSet(NamedTuple):
    """Most that a bank wants to have out in vouchers of a core enterprise."""

    bank: int
    core: int
    max_minor: int


class PoolFrozen(NamedTuple):
    """A bank freezes a pool of pieces and loans for securitisation. `root`: of its leaves."""

    pool_id: bytes
    owner: int
    root: bytes
    count: int  # type: ignore[assignment]
    """How many leaves; a tuple's own `count` is of no use here."""
    total_minor: int
    senior_minor: int
    junior_minor: int
    date: int


class PoolSubstituted(NamedTuple):
    """An asset of a pool was replaced by one at least as large."""

    pool_id: bytes
    index: int  # type: ignore[assignment]
    """Position of the leaf, from 0."""
    out_id: bytes
    in_id: bytes
    root: bytes
    total_minor: int
    date: int


class Owed(NamedTuple):
    """Who owes whom since when, as packed at issue. Dates are days since 1970-01-01."""

    core: int
    supplier: int
    issue_date: int
    due_date: int
    delivery_date: int
    """0: not said."""
    term_reason: int

    @classmethod
    def unpack(cls, word: int) -> Owed:
        """Read them from a word."""
        return cls(
            word & 0xFFFFFF,
            (word >> 24) & 0xFFFFFF,
            (word >> 48) & 0xFFFF,
            (word >> 64) & 0xFFFF,
            (word >> 80) & 0xFFFF,
            (word >> 96) & 0xFF,
        )

    def pack(self) -> int:
        """All in one word."""
        return (
            self.core
            | self.supplier << 24
            | self.issue_date << 48
            | self.due_date << 64
            | self.delivery_date << 80
            | self.term_reason << 96
        )
