"""Schema: the tables that analysts get, the same in SQLite and in Parquet, each described once.

Amounts are integers in minor units of the deal's currency, debit positive where they are postings;
their names end in `_minor`. Ratios and rates are parts per million (`_ppm`), dates ISO.
"""

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
from ledger.exports.voucher_schema import REGISTER, STEPS

SCHEMA_VERSION = 1
"""Of the tables; a column is never given another meaning under the same number."""
ENTRIES_PER_BLOCK = 1_000_000
"""Above the logs that the gas of a block pays for."""


_MEMBER = Column("member", Type.TEXT, "The party.", references="members.member")
_ENTRY = Column("entry", Type.INTEGER, "The entry.", references="entries.entry")
_DAY = Column("business_day", Type.DATE, "The business day.")
_ACCOUNT = Column("account", Type.TEXT, "The account: CASH, CLEARING, LOANS, ...")
_LAYER = Column("layer", Type.INTEGER, "The loss layer, in the order of the terms, from 1.")


_AMOUNTS = (
    minor("principal", "Principal; the whole amount of an entry that has only one."),
    minor("interest", "Interest."),
    minor("penalty", "Penalty interest."),
    minor("fee", "Fee; of a booking what it cost the funders, of a recovery its cost."),
)
_PARTS = (
    minor("principal", "Part of the principal."),
    minor("interest", "Part of the interest."),
    minor("penalty", "Part of the penalty interest."),
    minor("fee", "Part of the fee."),
)
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
            party("servicer", "Who submits its entries."),
            party("disbursed_by", "Who pays the borrowers."),
            party("collected_by", "Whom the borrowers pay."),
            Column("sealed_through", Type.DATE, "The last sealed business day.", null=True),
        ),
        label="deal",
    ),
    Table(
        "deal_parties", "The parties of each deal by its newest terms.", ("deal", "member"),
        (
            DEAL,
            _MEMBER,
            Column("position", Type.INTEGER, "Place among the parties, from 1; 1 is the lead."),
            Column("share_ppm", Type.INTEGER, "Share of the funding; empty: no funder.", null=True),
        ),
    ),
    Table(
        "versions", "Every version of every deal's terms.", ("deal", "version"),
        (
            DEAL,
            VERSION,
            party("proposed_by", "Who proposed it."),
            Column("effective_date", Type.DATE, "Loans that start then or later are under it."),
            Column("in_force", Type.BOOLEAN, "Whether every party signed it."),
            Column("terms_hash", Type.TEXT, "Hash that the parties sign."),
            Column("document_digest", Type.TEXT, "keccak256 of the document of the terms."),
        ),
    ),
    Table(
        "version_signatures", "Who signed which version of the terms.",
        ("deal", "version", "member"), (DEAL, VERSION, _MEMBER), (OF_VERSION,),
    ),
    Table(
        "loans", "Every loan ever booked, as its entries left it.", ("loan",),
        (
            Column("loan", Type.INTEGER, "Number of its booking among the entries."),
            DEAL,
            Column("loan_id", Type.TEXT, "Its id on the chain: a salted hash of its ref."),
            Column("loan_ref", Type.TEXT, "The servicer's ref, where the folder knows it.", True),
            Column("borrower_id", Type.TEXT, "The borrower's id: a salted hash."),
            Column("borrower_ref", Type.TEXT, "The borrower's ref, where it is known.", True),
            VERSION,
            Column("start_date", Type.DATE, "First day of interest."),
            Column("maturity_date", Type.DATE, "Last due date."),
            Column("annual_rate_ppm", Type.INTEGER, "Contract rate of a year."),
            Column("method", Type.TEXT, "How it is repaid, as `loans.csv` has it."),
            Column("purpose", Type.TEXT, "consumer or business."),
            minor("principal", "Principal booked."),
            minor("outstanding", "Principal outstanding."),
            Column("status", Type.TEXT,
                   "active, overdue, settled, compensated, written_off or reversed."),
            Column("overdue_since", Type.DATE, "Since when it is overdue.", null=True),
            minor("waived_interest", "Interest waived."),
            minor("waived_penalty", "Penalty interest waived."),
            minor("lost", "Written off and not recovered yet."),
            minor("open_claims", "Claims of the loss layers that are open."),
        ),
        (OF_VERSION,), "loan_ref",
    ),
    *REGISTER,
    Table(
        "entries", "Every entry of every kind, overdue marks as well.", ("entry",),
        (
            Column("entry", Type.INTEGER,
                   f"Its block * {ENTRIES_PER_BLOCK} + log: in chain order, and the same in every"
                   " later export."),
            DEAL,
            Column("kind", Type.TEXT, "booking, repayment, settlement, discount, reversal, ..."),
            Column("loan", Type.INTEGER, "The loan; empty: about none.", True, "loans.loan"),
            Column("entry_id", Type.TEXT, "Its id on the chain; a statement has none.", null=True),
            Column("entry_ref", Type.TEXT, "The submitter's ref, where it is known; a statement's"
                   " month.", null=True),
            Column("value_date", Type.DATE, "Its date: interest, terms and months go by it."),
            Column("business_day", Type.DATE, "The day that it counts to; marks to none.", True),
            party("submitted_by", "Who submitted it."),
            Column("version", Type.INTEGER, "Version of the terms by which it was divided.", True),
            *_AMOUNTS,
            BLOCK,
            Column("transaction_index", Type.INTEGER, "Place of the transaction in the block."),
            Column("log_index", Type.INTEGER, "Place of the event in the block."),
            Column("mirrored", Type.TEXT, "Of a reversal: the kind of what it takes back.", True),
            Column("reverses", Type.INTEGER, "Of a reversal: the entry that it takes back.", True,
                   "entries.entry"),
            Column("reversed", Type.BOOLEAN, "Whether it was taken back itself."),
        ),
        (OF_VERSION,), "entry_ref",
    ),
    Table(
        "legs", "How entries on loans were divided; a reversal has the legs of its original.",
        ("entry", "member"), (_ENTRY, _MEMBER, *_PARTS),
    ),
    Table(
        "layer_parts", "What each loss layer paid, or got back, with an entry.", ("entry", "layer"),
        (_ENTRY, _LAYER, party("member", "Who pays for the layer."),
         minor("amount", "What it paid or got; a reversal has what its original had.")),
    ),
    Table(
        "postings", "Double entry: what each entry posted. Those of an entry add up to 0.",
        ("entry", "member", "account"),
        (_ENTRY, _MEMBER, _ACCOUNT, minor("amount", "Debit above 0, credit below.")),
    ),
    Table(
        "balances", "Every account of every party, zero or not: as `pledger balances`.",
        ("deal", "member", "account"),
        (DEAL, _MEMBER, _ACCOUNT, minor("amount", "Debit above 0, credit below.")),
    ),
    Table(
        "day_balances", "Accounts that a business day moved, with their closing balances.",
        ("deal", "business_day", "member", "account"),
        (DEAL, _DAY, _MEMBER, _ACCOUNT, minor("moved", "Sum of the day's postings."),
         minor("closing", "Balance at the close of the day.")),
        (_OF_DAY,),
    ),
    Table(
        "days", "Business days with entries, signed days and sealed days.",
        ("deal", "business_day"),
        (
            DEAL, _DAY,
            Column("entries", Type.INTEGER, "Entries that count to it."),
            Column("sealed_with", Type.DATE, "The sealed day whose seal covers it.", null=True),
        ),
        ((("deal", "sealed_with"), "seals", ("deal", "business_day")),),
    ),
    Table(
        "seals", "Sealed days: every signing party signed the same digest.",
        ("deal", "business_day"),
        (
            DEAL, _DAY,
            Column("digest", Type.TEXT, "What the parties signed."),
            Column("entries_root", Type.TEXT, "Merkle root of its entries.", null=True),
            Column("balances_hash", Type.TEXT, "Hash of all closing balances.", null=True),
            Column("open_breaks", Type.INTEGER, "Breaks that were open.", null=True),
            BLOCK,
        ),
    ),
    Table(
        "day_signatures", "What each party signed of a day last.",
        ("deal", "business_day", "member"),
        (
            DEAL, _DAY, _MEMBER,
            Column("digest", Type.TEXT, "What it signed."),
            minor("clearing", "Its own closing CLEARING as it signed it."),
            BLOCK,
        ),
        (_OF_DAY,),
    ),
    Table(
        "day_disputes", "What differed when a party signed.", ("deal", "business_day", "line"),
        (
            DEAL, _DAY,
            Column("line", Type.INTEGER, "From 1, oldest first."),
            party("member", "Who signed."),
            party("against", "Whose statement differs; empty: the contract's totals.", null=True),
            Column("sections", Type.TEXT, "Sections that differ, a space between them."),
            BLOCK,
        ),
        (_OF_DAY,),
    ),
    Table(
        "settlements", "Settlements: who pays whom so that nothing is due.", ("deal", "number"),
        (
            DEAL,
            Column("number", Type.INTEGER, "From 1; the newest replaces what is unpaid."),
            Column("as_of", Type.DATE, "The day whose balances it settles."),
            Column("of_sealed_day", Type.BOOLEAN, "Whether that was the last sealed day."),
            party("made_by", "Who made it."),
            BLOCK,
        ),
    ),
    Table(
        "settlement_payments", "The payments of each settlement.", ("deal", "number", "payment"),
        (
            DEAL,
            Column("number", Type.INTEGER, "Of the settlement."),
            Column("payment", Type.INTEGER, "Its place in the settlement, from 1."),
            party("payer", "Who pays."),
            party("payee", "Who is paid."),
            minor("amount", "What is to be paid."),
            minor("paid", "What was paid of it."),
        ),
        (_OF_SETTLEMENT,),
    ),
    Table(
        "settlement_lines", "What was paid on settlements at a bank, or went back.", ("entry",),
        (
            _ENTRY, DEAL,
            Column("number", Type.INTEGER, "Of the settlement."),
            Column("payment", Type.INTEGER, "The payment's place in it, from 1."),
            minor("amount", "Below 0 when it went back."),
            Column("reference_id", Type.TEXT, "Id of the bank's reference."),
            Column("reference", Type.TEXT, "The reference, where it is known.", null=True),
        ),
        (_OF_PAYMENT,),
    ),
    Table(
        "statements", "Closed months: the statements of profit sharing.", ("deal", "month"),
        (
            DEAL,
            Column("month", Type.TEXT, "YYYY-MM."),
            _ENTRY, VERSION,
            minor("opening", "Outstanding when the month began."),
            minor("outstanding", "Outstanding when it ended."),
            Column("balance_days_minor", Type.TEXT,
                   "Sum over its days of the outstanding; text, as it may pass 64 bits."),
            minor("interest", "Interest received."),
            minor("loss", "Written off, less what was recovered of it."),
            minor("disbursed", "Principal disbursed."),
            minor("overdue", "Outstanding at the end that is 90 or more days past due."),
            minor("bank_return", "The funders' return."),
            minor("carried", "Deficit carried into the month, 0 or below."),
            minor("carry", "Deficit carried on, 0 or below."),
            party("platform", "Who shares in it."),
            minor("platform", "What it gets; below 0: gives back."),
        ),
        (OF_VERSION,),
    ),
    Table(
        "statement_parts", "What each funder gives to the platform by a statement.",
        ("deal", "month", "member"),
        (DEAL, Column("month", Type.TEXT, "YYYY-MM."), _MEMBER,
         minor("amount", "What it gives; what it gets when `platform_minor` is below 0.")),
        (_OF_STATEMENT,),
    ),
    Table(
        "claims", "What loss layers paid for loans and what of it is open.", ("loan", "layer"),
        (
            Column("loan", Type.INTEGER, "The loan.", references="loans.loan"),
            _LAYER,
            party("member", "Who paid."),
            minor("paid", "What it paid."),
            minor("open", "What of it did not come back yet."),
        ),
    ),
    Table(
        "deposit_lines", "The ledger of each deal's deposit.", ("entry",),
        (
            _ENTRY, DEAL,
            Column("kind", Type.TEXT, "paid, released, payment-reversed, drawn, draw-reversed."),
            minor("amount", "Below 0 when it lowers the deposit."),
            minor("deposit", "The deposit with this line."),
        ),
    ),
    Table(
        "top_ups", "Calls to top up a deposit that fell under its warning line.", ("deal", "line"),
        (
            DEAL,
            Column("line", Type.INTEGER, "From 1, oldest first."),
            minor("amount", "What was missing to the target."),
            minor("deposit", "The deposit then."),
            minor("outstanding", "What was outstanding then."),
            BLOCK,
        ),
    ),
    Table(
        "list_changes", "Every change of a bank's list of partners.", ("bank", "line"),
        (
            party("bank", "Whose list."),
            Column("line", Type.INTEGER, "From 1, oldest first; the newest of a day rules."),
            party("party", "Whom it lists, or no longer does."),
            Column("role", Type.TEXT, "assist, cofund or enhance."),
            Column("listed", Type.BOOLEAN, "Whether it is listed by this change."),
            Column("from_date", Type.DATE, "First day."),
            Column("to_date", Type.DATE, "Last day; empty: no end.", null=True),
            BLOCK,
        ),
    ),
    *STEPS,
)  # fmt: skip
