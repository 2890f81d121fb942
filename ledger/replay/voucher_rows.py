"""Voucher rows: what each row of a signed batch on vouchers says, as its event must say it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ledger import events

Row = tuple[int, ...]
Content = tuple[object, ...]


def _id(word: int) -> bytes:
    return word.to_bytes(32, "big")


def _date(place: int) -> int:
    """Of a step; its sequence is above it."""
    return place & 0xFFFF


ROWS: Mapping[tuple[str, str], tuple[type, Callable[[Row], Content]]] = {
    ("Vouchers", "issue"): (
        events.VoucherIssued,
        lambda row: (_id(row[0]), _id(row[1]), *row[2:4]),
    ),
    ("Vouchers", "confirm"): (events.VoucherConfirmed, lambda row: (_id(row[0]), row[1])),
    ("Vouchers", "cancel"): (events.VoucherCancelled, lambda row: (_id(row[0]),)),
    ("Vouchers", "dispute"): (events.VoucherDisputed, lambda row: (_id(row[0]),)),
    ("Vouchers", "attest"): (
        events.EvidenceAttached,
        lambda row: (_id(row[0]), _id(row[2]), row[1]),
    ),
    ("Vouchers", "split"): (
        events.PieceSplit,
        lambda row: (_id(row[0]), _id(row[3]), _date(row[2]), row[4]),
    ),
    ("Vouchers", "transfer"): (
        events.PieceTransferred,
        lambda row: (_id(row[0]), _id(row[1]), _id(row[5]), _date(row[3]), row[4]),
    ),
    ("Financing", "offer"): (
        events.PieceOffered,
        lambda row: (_id(row[0]), _id(row[5]), _date(row[2]), *row[3:5]),
    ),
    ("Financing", "withdraw"): (
        events.OfferWithdrawn,
        lambda row: (_id(row[0]), _date(row[2])),
    ),
    ("Financing", "discount"): (
        events.PieceDiscounted,
        lambda row: (_id(row[0]), _id(row[1]), _date(row[3])),
    ),
    ("Financing", "pledge"): (
        events.PiecePledged,
        lambda row: (_id(row[0]), _id(row[3]), _date(row[2])),
    ),
    ("Financing", "release"): (
        events.PieceReleased,
        lambda row: (_id(row[0]), _date(row[2])),
    ),
    ("Payments", "instruct"): (
        events.PaymentInstructed,
        lambda row: (_id(row[0]), _id(row[3]), *row[1:3]),
    ),
    ("Payments", "settle"): (
        events.PiecePaid,
        lambda row: (_id(row[0]), _id(row[2]), _date(row[3]), row[4]),
    ),
    ("Payments", "reverse_payment"): (
        events.PiecePaymentReversed,
        lambda row: (_id(row[0]), _id(row[1]), _id(row[4]), _date(row[3]), *row[5:7]),
    ),
    ("Financing", "offer_sale"): (
        events.SaleOffered,
        lambda row: (_id(row[0]), row[3], _date(row[2]), row[4]),
    ),
    ("Financing", "accept_sale"): (
        events.SaleAccepted,
        lambda row: (_id(row[0]), _date(row[2])),
    ),
    ("Financing", "confirm_sale"): (
        events.PieceSold,
        lambda row: (_id(row[0]), _id(row[1]), _date(row[3])),
    ),
    ("Payments", "recourse"): (
        events.PieceReturned,
        lambda row: (_id(row[0]), _id(row[1]), _date(row[3])),
    ),
    ("Payments", "convert"): (
        events.PieceConverted,
        lambda row: (_id(row[0]), _id(row[1]), _id(row[4]), _date(row[3])),
    ),
}
"""Function to the event that each row reports, and to what of it the row's signer decided."""

DECIDED: Mapping[type, tuple[str, ...]] = {
    events.VoucherConfirmed: ("voucher_id", "date"),
    events.VoucherDisputed: ("voucher_id",),
    events.PieceTransferred: ("entry_id", "piece_id", "invoice_hash", "date", "to_holder"),
    events.PieceDiscounted: ("entry_id", "piece_id", "date"),
    events.PiecePledged: ("piece_id", "loan_id", "date"),
    events.PieceReleased: ("piece_id", "date"),
    events.PiecePaid: ("entry_id", "piece_id", "date", "amount_minor"),
    events.PiecePaymentReversed: (
        "entry_id",
        "piece_id",
        "reversed_id",
        "date",
        "reversed_date",
        "amount_minor",
    ),
    events.PieceSold: ("entry_id", "piece_id", "date"),
    events.PieceReturned: ("entry_id", "piece_id", "date"),
    events.PieceConverted: ("entry_id", "piece_id", "loan_id", "date"),
}
"""Fields of each kind of event in that; of the others all of them."""
EVENTS = tuple(kind for kind, _ in ROWS.values())
"""Every kind of event of a batch on vouchers."""
