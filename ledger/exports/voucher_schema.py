"""Voucher schema: the tables that analysts get of vouchers and pools."""

from __future__ import annotations

from ledger.exports.columns import (
    BLOCK,
    DEAL,
    OF_VERSION,
    VERSION,
    Column,
    Table,
    Type,
    minor,
    party,
)

_VOUCHER = Column("voucher_id", Type.TEXT, "The voucher's id on the chain.")
_OF_VOUCHER = (("deal", "voucher_id"), "vouchers", ("deal", "voucher_id"))

REGISTER = (
    Table(
        "vouchers", "Every voucher ever issued, as its steps left it.", ("deal", "voucher_id"),
        (
            DEAL, _VOUCHER,
            Column("voucher_ref", Type.TEXT, "Its issuer's ref, where the folder knows it.", True),
            Column("invoice_hash", Type.TEXT, "The salted hash of the invoice that it is on."),
            party("core", "The core enterprise that owes it."),
            party("supplier", "Whom it owes."),
            Column("issue_date", Type.DATE, "When it was issued."),
            Column("due_date", Type.DATE, "When it is due."),
            Column("delivery_date", Type.DATE, "When the goods came, where it is said.", null=True),
            Column("term_reason", Type.INTEGER, "Why its term is long, as a number.", null=True),
            VERSION,
            minor("amount", "Its face."),
            minor("outstanding", "What is not paid of it."),
            minor("instructed", "What the core enterprise said it pays, and is not paid yet."),
            Column("status", Type.TEXT, "issued, confirmed, disputed, paid or cancelled."),
            Column("evidence", Type.TEXT, "Kinds of documents attached, a space between them."),
            Column("disputed_by", Type.TEXT, "core, servicer, supplier, a space between them."),
            party("issued_by", "Who submitted it."),
            BLOCK,
        ),
        (OF_VERSION,), "voucher_ref",
    ),
    Table(
        "voucher_pieces", "Every piece of a voucher that there ever was.", ("deal", "piece_id"),
        (
            DEAL,
            Column("piece_id", Type.TEXT, "Its id on the chain; the voucher's of the first one."),
            Column("piece_ref", Type.TEXT, "Its ref, where the folder knows it.", null=True),
            _VOUCHER,
            Column("parent_id", Type.TEXT, "The piece that it was split off.", null=True),
            minor("amount", "What is left of it."),
            minor("paid", "What was paid of it."),
            party("holder", "Who holds it; of a discounted piece who financed it."),
            Column("status", Type.TEXT,
                   "held, offered, discounted, pledged, on-sale, sale-accepted or spent."),
            Column("version", Type.INTEGER, "Version of the terms of its financing.", null=True),
            Column("sequence", Type.INTEGER, "How many steps were taken on it."),
            Column("last_date", Type.DATE, "Of the last of them."),
            Column("annual_rate_ppm", Type.INTEGER, "At which it is offered or discounted.", True),
            Column("loan_id", Type.TEXT, "The loan that it secures, or that paid it.", null=True),
            party("buyer", "To whom it is on sale.", null=True),
            minor("price", "For how much.", null=True),
            BLOCK,
        ),
        (_OF_VOUCHER,), "piece_ref",
    ),
)  # fmt: skip
"""Before the entries."""

STEPS = (
    Table(
        "voucher_steps", "Everything that happened to vouchers and their pieces.", ("step",),
        (
            Column("step", Type.INTEGER, "Numbered as the entries are."),
            DEAL,
            Column("kind", Type.TEXT, "issue, confirmation, split, transfer, discount, ..."),
            _VOUCHER,
            Column("piece_id", Type.TEXT, "The piece; empty: the whole voucher.", null=True),
            Column("entry", Type.INTEGER, "The same as an entry, where it counts to a day.", True,
                   "entries.entry"),
            Column("date", Type.DATE, "Its date, where it has one.", null=True),
            minor("amount", "What of the voucher or piece it is about."),
            party("from_member", "Who gives; empty: the funders, or nobody.", null=True),
            party("to_member", "Who gets; empty: the funders, or nobody.", null=True),
            minor("discount", "Of a discount."),
            minor("core_cost", "What of it the core enterprise bears."),
            minor("price", "Of a sale; of a pledge the principal of the loan."),
            Column("annual_rate_ppm", Type.INTEGER, "Of an offer or discount.", null=True),
            Column("loan_id", Type.TEXT, "The loan of a pledge or conversion.", null=True),
            Column("child_id", Type.TEXT, "The piece that was split off.", null=True),
            Column("document", Type.TEXT,
                   "Hash of an invoice or document; id of the reference of an instruction.", True),
            Column("evidence", Type.TEXT, "What the document is.", null=True),
            party("submitted_by", "Who submitted it."),
            BLOCK,
        ),
        (_OF_VOUCHER,),
    ),
    Table(
        "core_limits", "Every limit that a bank set for a core enterprise.", ("line",),
        (
            Column("line", Type.INTEGER, "From 1, oldest first: the newest rules."),
            party("bank", "Whose limit."),
            party("core", "The core enterprise."),
            Column("max_minor", Type.TEXT,
                   "Most that the bank has out in it; text, as it may pass 64 bits."),
            BLOCK,
        ),
    ),
    Table(
        "pools", "Pools frozen for securitisation, as they were frozen.", ("pool_id",),
        (
            Column("pool_id", Type.TEXT, "Its id on the chain."),
            party("owner", "The bank that froze it."),
            Column("root", Type.TEXT, "Root of its Merkle tree."),
            Column("assets", Type.INTEGER, "How many pieces and loans it has."),
            minor("total", "What they come to."),
            minor("senior", "The senior tranche."),
            minor("junior", "The junior tranche."),
            Column("date", Type.DATE, "When it was frozen."),
            BLOCK,
        ),
    ),
    Table(
        "pool_substitutions", "What was replaced in pools.", ("pool_id", "line"),
        (
            Column("pool_id", Type.TEXT, "The pool.", references="pools.pool_id"),
            Column("line", Type.INTEGER, "From 1, oldest first."),
            Column("place", Type.INTEGER, "Place of the asset in the pool, from 0."),
            Column("out_id", Type.TEXT, "Id of what left it."),
            Column("in_id", Type.TEXT, "Id of what came into it."),
            Column("root", Type.TEXT, "Root of the pool from then on."),
            minor("total", "What the pool comes to from then on."),
            Column("date", Type.DATE, "When."),
            BLOCK,
        ),
    ),
)  # fmt: skip
"""After all others."""
