"""Schema: the tables that analysts get, the same in SQLite and in Parquet, each described once.

Amounts are integers in minor units of the deal's currency, debit positive where they are postings;
their names end in `_minor`. Ratios and rates are parts per million (`_ppm`), dates ISO.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

SCHEMA_VERSION = 1
"""Of the tables; a column is never given another meaning under the same number."""
ENTRIES_PER_BLOCK = 1_000_000
"""Above the logs that the gas of a block pays for."""


class Type(StrEnum):
    """What a column holds."""

    INTEGER = "integer"
    TEXT = "text"
    DATE = "date"
    BOOLEAN = "boolean"


class Column(NamedTuple):
    """A column of a table."""

    name: str
    type: Type
    description: str
    null: bool = False
    """Whether it may be empty."""
    references: str = ""
    """`TABLE.COLUMN` of which it holds a value."""


class Table(NamedTuple):
    """A table."""

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    references: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] = ()
    """Keys of several columns: own columns, table, its columns."""
    label: str = ""
    """The column by which people know a row."""


_DEAL = Column("deal", Type.TEXT, "The deal.", references="deals.deal")
_MEMBER = Column("member", Type.TEXT, "The party.", references="members.member")
_ENTRY = Column("entry", Type.INTEGER, "The entry.", references="entries.entry")
_BLOCK = Column("block", Type.INTEGER, "The block that it is in.")
_DAY = Column("business_day", Type.DATE, "The business day.")
_VERSION = Column("version", Type.INTEGER, "The version of the deal's terms.")
_ACCOUNT = Column("account", Type.TEXT, "The account: CASH, CLEARING, LOANS, ...")
_LAYER = Column("layer", Type.INTEGER, "The loss layer, in the order of the terms, from 1.")


def _minor(name: str, description: str, *, null: bool = False) -> Column:
    return Column(f"{name}_minor", Type.INTEGER, description, null)


def _party(name: str, description: str, *, null: bool = False) -> Column:
    return Column(name, Type.TEXT, description, null, "members.member")


_AMOUNTS = (
    _minor("principal", "Principal; the whole amount of an entry that has only one."),
    _minor("interest", "Interest."),
    _minor("penalty", "Penalty interest."),
    _minor("fee", "Fee; of a booking what it cost the funders, of a recovery its cost."),
)
_PARTS = (
    _minor("principal", "Part of the principal."),
    _minor("interest", "Part of the interest."),
    _minor("penalty", "Part of the penalty interest."),
    _minor("fee", "Part of the fee."),
)
_OF_VERSION = (("deal", "version"), "versions", ("deal", "version"))
_OF_SETTLEMENT = (("deal", "number"), "settlements", ("deal", "number"))
_OF_PAYMENT = (
    ("deal", "number", "payment"), "settlement_payments", ("deal", "number", "payment"),
)  # fmt: skip
_OF_DAY = (("deal", "business_day"), "days", ("deal", "business_day"))
_OF_STATEMENT = (("deal", "month"), "statements", ("deal", "month"))

TABLES = (
    Table(
        "ledger", "The ledger as it stood when this was written: one row.", ("chain_id",),
        (
            Column("chain_id", Type.INTEGER, "Id of the chain."),
            Column("name", Type.TEXT, "Name of the consortium."),
            Column("as_of_block", Type.INTEGER, "The last block of which everything is in."),
            Column("block_hash", Type.TEXT, "Its hash."),
        ),
        label="name",
    ),
    Table(
        "members", "Every member ever admitted.", ("member",),
        (
            Column("member", Type.TEXT, "Its id."),
            Column("number", Type.INTEGER, "Its number on the chain."),
            Column("name", Type.TEXT, "Its name."),
            Column("roles", Type.TEXT, "Its roles, a space between them."),
            Column("licences", Type.TEXT, "Its licences, a space between them."),
            Column("maker_key", Type.TEXT, "Address of its newest maker key."),
            Column("checker_key", Type.TEXT, "Address of its checker key."),
            Column("validator_key", Type.TEXT, "Address that seals blocks.", null=True),
            Column("expelled", Type.BOOLEAN, "Whether it was expelled."),
        ),
        label="name",
    ),
    Table(
        "deals", "Every deal that was ever in force, by its newest terms.", ("deal",),
        (
            Column("deal", Type.TEXT, "Its id."),
            Column("status", Type.TEXT, "active, suspended or closed."),
            Column("version", Type.INTEGER, "The version of its terms in force."),
            Column("currency", Type.TEXT, "ISO 4217 code of every amount of the deal."),
            Column("decimals", Type.INTEGER, "Decimals of the currency's minor unit."),
            Column("day_count", Type.TEXT, "ACT/360, ACT/365 or 30/360."),
            _party("servicer", "Who submits its entries."),
            _party("disbursed_by", "Who pays the borrowers."),
            _party("collected_by", "Whom the borrowers pay."),
            Column("sealed_through", Type.DATE, "The last sealed business day.", null=True),
        ),
        label="deal",
    ),
    Table(
        "deal_parties", "The parties of each deal by its newest terms.", ("deal", "member"),
        (
            _DEAL,
            _MEMBER,
            Column("position", Type.INTEGER, "Place among the parties, from 1; 1 is the lead."),
            Column("share_ppm", Type.INTEGER, "Share of the funding; empty: no funder.", null=True),
        ),
    ),
    Table(
        "versions", "Every version of every deal's terms.", ("deal", "version"),
        (
            _DEAL,
            _VERSION,
            _party("proposed_by", "Who proposed it."),
            Column("effective_date", Type.DATE, "Loans that start then or later are under it."),
            Column("in_force", Type.BOOLEAN, "Whether every party signed it."),
            Column("terms_hash", Type.TEXT, "Hash that the parties sign."),
            Column("document_digest", Type.TEXT, "keccak256 of the document of the terms."),
        ),
    ),
    Table(
        "version_signatures", "Who signed which version of the terms.",
        ("deal", "version", "member"), (_DEAL, _VERSION, _MEMBER), (_OF_VERSION,),
    ),
    Table(
        "loans", "Every loan ever booked, as its entries left it.", ("loan",),
        (
            Column("loan", Type.INTEGER, "Number of its booking among the entries."),
            _DEAL,
            Column("loan_id", Type.TEXT, "Its id on the chain: a salted hash of its ref."),
            Column("loan_ref", Type.TEXT, "The servicer's ref, where the folder knows it.", True),
            Column("borrower_id", Type.TEXT, "The borrower's id: a salted hash."),
            Column("borrower_ref", Type.TEXT, "The borrower's ref, where it is known.", True),
            _VERSION,
            Column("start_date", Type.DATE, "First day of interest."),
            Column("maturity_date", Type.DATE, "Last due date."),
            Column("annual_rate_ppm", Type.INTEGER, "Contract rate of a year."),
            Column("method", Type.TEXT, "How it is repaid, as `loans.csv` has it."),
            Column("purpose", Type.TEXT, "consumer or business."),
            _minor("principal", "Principal booked."),
            _minor("outstanding", "Principal outstanding."),
            Column("status", Type.TEXT,
                   "active, overdue, settled, compensated, written_off or reversed."),
            Column("overdue_since", Type.DATE, "Since when it is overdue.", null=True),
            _minor("waived_interest", "Interest waived."),
            _minor("waived_penalty", "Penalty interest waived."),
            _minor("lost", "Written off and not recovered yet."),
            _minor("open_claims", "Claims of the loss layers that are open."),
        ),
        (_OF_VERSION,), "loan_ref",
    ),
    Table(
        "entries", "Every entry of every kind, overdue marks as well.", ("entry",),
        (
            Column("entry", Type.INTEGER,
                   f"Its block * {ENTRIES_PER_BLOCK} + log: in chain order, and the same in every"
                   " later export."),
            _DEAL,
            Column("kind", Type.TEXT, "booking, repayment, waiver, reversal, settlement, ..."),
            Column("loan", Type.INTEGER, "The loan; empty: about none.", True, "loans.loan"),
            Column("entry_id", Type.TEXT, "Its id on the chain; a statement has none.", null=True),
            Column("entry_ref", Type.TEXT, "The submitter's ref, where it is known; a statement's"
                   " month.", null=True),
            Column("value_date", Type.DATE, "Its date: interest, terms and months go by it."),
            Column("business_day", Type.DATE, "The day that it counts to; marks to none.", True),
            _party("submitted_by", "Who submitted it."),
            Column("version", Type.INTEGER, "Version of the terms by which it was divided.", True),
            *_AMOUNTS,
            _BLOCK,
            Column("transaction_index", Type.INTEGER, "Place of the transaction in the block."),
            Column("log_index", Type.INTEGER, "Place of the event in the block."),
            Column("mirrored", Type.TEXT, "Of a reversal: the kind of what it takes back.", True),
            Column("reverses", Type.INTEGER, "Of a reversal: the entry that it takes back.", True,
                   "entries.entry"),
            Column("reversed", Type.BOOLEAN, "Whether it was taken back itself."),
        ),
        (_OF_VERSION,), "entry_ref",
    ),
    Table(
        "legs", "How entries on loans were divided; a reversal has the legs of its original.",
        ("entry", "member"), (_ENTRY, _MEMBER, *_PARTS),
    ),
    Table(
        "layer_parts", "What each loss layer paid, or got back, with an entry.", ("entry", "layer"),
        (_ENTRY, _LAYER, _party("member", "Who pays for the layer."),
         _minor("amount", "What it paid or got; a reversal has what its original had.")),
    ),
    Table(
        "postings", "Double entry: what each entry posted. Those of an entry add up to 0.",
        ("entry", "member", "account"),
        (_ENTRY, _MEMBER, _ACCOUNT, _minor("amount", "Debit above 0, credit below.")),
    ),
    Table(
        "balances", "Every account of every party, zero or not: as `pledger balances`.",
        ("deal", "member", "account"),
        (_DEAL, _MEMBER, _ACCOUNT, _minor("amount", "Debit above 0, credit below.")),
    ),
    Table(
        "day_balances", "Accounts that a business day moved, with their closing balances.",
        ("deal", "business_day", "member", "account"),
        (_DEAL, _DAY, _MEMBER, _ACCOUNT, _minor("moved", "Sum of the day's postings."),
         _minor("closing", "Balance at the close of the day.")),
        (_OF_DAY,),
    ),
    Table(
        "days", "Business days with entries, signed days and sealed days.",
        ("deal", "business_day"),
        (
            _DEAL, _DAY,
            Column("entries", Type.INTEGER, "Entries that count to it."),
            Column("sealed_with", Type.DATE, "The sealed day whose seal covers it.", null=True),
        ),
        ((("deal", "sealed_with"), "seals", ("deal", "business_day")),),
    ),
    Table(
        "seals", "Sealed days: every signing party signed the same digest.",
        ("deal", "business_day"),
        (
            _DEAL, _DAY,
            Column("digest", Type.TEXT, "What the parties signed."),
            Column("entries_root", Type.TEXT, "Merkle root of its entries.", null=True),
            Column("balances_hash", Type.TEXT, "Hash of all closing balances.", null=True),
            Column("open_breaks", Type.INTEGER, "Breaks that were open.", null=True),
            _BLOCK,
        ),
    ),
    Table(
        "day_signatures", "What each party signed of a day last.",
        ("deal", "business_day", "member"),
        (
            _DEAL, _DAY, _MEMBER,
            Column("digest", Type.TEXT, "What it signed."),
            _minor("clearing", "Its own closing CLEARING as it signed it."),
            _BLOCK,
        ),
        (_OF_DAY,),
    ),
    Table(
        "day_disputes", "What differed when a party signed.", ("deal", "business_day", "line"),
        (
            _DEAL, _DAY,
            Column("line", Type.INTEGER, "From 1, oldest first."),
            _party("member", "Who signed."),
            _party("against", "Whose statement differs; empty: the contract's totals.", null=True),
            Column("sections", Type.TEXT, "Sections that differ, a space between them."),
            _BLOCK,
        ),
        (_OF_DAY,),
    ),
    Table(
        "settlements", "Settlements: who pays whom so that nothing is due.", ("deal", "number"),
        (
            _DEAL,
            Column("number", Type.INTEGER, "From 1; the newest replaces what is unpaid."),
            Column("as_of", Type.DATE, "The day whose balances it settles."),
            Column("of_sealed_day", Type.BOOLEAN, "Whether that was the last sealed day."),
            _party("made_by", "Who made it."),
            _BLOCK,
        ),
    ),
    Table(
        "settlement_payments", "The payments of each settlement.", ("deal", "number", "payment"),
        (
            _DEAL,
            Column("number", Type.INTEGER, "Of the settlement."),
            Column("payment", Type.INTEGER, "Its place in the settlement, from 1."),
            _party("payer", "Who pays."),
            _party("payee", "Who is paid."),
            _minor("amount", "What is to be paid."),
            _minor("paid", "What was paid of it."),
        ),
        (_OF_SETTLEMENT,),
    ),
    Table(
        "settlement_lines", "What was paid on settlements at a bank, or went back.", ("entry",),
        (
            _ENTRY, _DEAL,
            Column("number", Type.INTEGER, "Of the settlement."),
            Column("payment", Type.INTEGER, "The payment's place in it, from 1."),
            _minor("amount", "Below 0 when it went back."),
            Column("reference_id", Type.TEXT, "Id of the bank's reference."),
            Column("reference", Type.TEXT, "The reference, where it is known.", null=True),
        ),
        (_OF_PAYMENT,),
    ),
    Table(
        "statements", "Closed months: the statements of profit sharing.", ("deal", "month"),
        (
            _DEAL,
            Column("month", Type.TEXT, "YYYY-MM."),
            _ENTRY, _VERSION,
            _minor("opening", "Outstanding when the month began."),
            _minor("outstanding", "Outstanding when it ended."),
            Column("balance_days_minor", Type.TEXT,
                   "Sum over its days of the outstanding; text, as it may pass 64 bits."),
            _minor("interest", "Interest received."),
            _minor("loss", "Written off, less what was recovered of it."),
            _minor("disbursed", "Principal disbursed."),
            _minor("overdue", "Outstanding at the end that is 90 or more days past due."),
            _minor("bank_return", "The funders' return."),
            _minor("carried", "Deficit carried into the month, 0 or below."),
            _minor("carry", "Deficit carried on, 0 or below."),
            _party("platform", "Who shares in it."),
            _minor("platform", "What it gets; below 0: gives back."),
        ),
        (_OF_VERSION,),
    ),
    Table(
        "statement_parts", "What each funder gives to the platform by a statement.",
        ("deal", "month", "member"),
        (_DEAL, Column("month", Type.TEXT, "YYYY-MM."), _MEMBER,
         _minor("amount", "What it gives; what it gets when `platform_minor` is below 0.")),
        (_OF_STATEMENT,),
    ),
    Table(
        "claims", "What loss layers paid for loans and what of it is open.", ("loan", "layer"),
        (
            Column("loan", Type.INTEGER, "The loan.", references="loans.loan"),
            _LAYER,
            _party("member", "Who paid."),
            _minor("paid", "What it paid."),
            _minor("open", "What of it did not come back yet."),
        ),
    ),
    Table(
        "deposit_lines", "The ledger of each deal's deposit.", ("entry",),
        (
            _ENTRY, _DEAL,
            Column("kind", Type.TEXT, "paid, released, payment-reversed, drawn, draw-reversed."),
            _minor("amount", "Below 0 when it lowers the deposit."),
            _minor("deposit", "The deposit with this line."),
        ),
    ),
    Table(
        "top_ups", "Calls to top up a deposit that fell under its warning line.", ("deal", "line"),
        (
            _DEAL,
            Column("line", Type.INTEGER, "From 1, oldest first."),
            _minor("amount", "What was missing to the target."),
            _minor("deposit", "The deposit then."),
            _minor("outstanding", "What was outstanding then."),
            _BLOCK,
        ),
    ),
    Table(
        "list_changes", "Every change of a bank's list of partners.", ("bank", "line"),
        (
            _party("bank", "Whose list."),
            Column("line", Type.INTEGER, "From 1, oldest first; the newest of a day rules."),
            _party("party", "Whom it lists, or no longer does."),
            Column("role", Type.TEXT, "assist, cofund or enhance."),
            Column("listed", Type.BOOLEAN, "Whether it is listed by this change."),
            Column("from_date", Type.DATE, "First day."),
            Column("to_date", Type.DATE, "Last day; empty: no end.", null=True),
            _BLOCK,
        ),
    ),
)  # fmt: skip
