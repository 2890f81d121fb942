"""Chain: blocks, who sealed them, and the signed transactions in them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

from ledger import reading
from ledger.bindings import decode_call
from ledger.console import addresses
from ledger.console.page import Fact, Line, Page, Sheet, col, named, sheet
from ledger.console.view import NotShown, View
from ledger.events import EntriesSubmitted
from ledger.messages import text
from ledger.periods import month_text
from ledger.reading import Counted, DayKind
from ledger.records import name_of
from ledger.reporting.report import Unit, Value, moment

if TYPE_CHECKING:
    from ledger.chain.blocks import Block
    from ledger.chain.local import LocalEngine

BLOCKS_SHOWN = 50
_OF_LOANS = (
    DayKind.BOOKING, DayKind.REPAYMENT, DayKind.WAIVER, DayKind.WRITE_OFF, DayKind.COMPENSATION,
    DayKind.RECOVERY, DayKind.CLAIM_REPAYMENT, DayKind.REVERSAL,
)  # fmt: skip
_ELSEWHERE = {
    DayKind.DEPOSIT_PAID: "deposit",
    DayKind.DEPOSIT_RELEASED: "deposit",
    DayKind.PERIOD_STATEMENT: "statements",
    DayKind.SETTLEMENT: "settlements",
    DayKind.CONFIRMATION: "vouchers",
    DayKind.TRANSFER: "vouchers",
    DayKind.VOUCHER_PAYMENT: "vouchers",
}
"""Pages of a deal on which entries are that have no page of their own."""
SEALS_COUNTED = 200
"""Newest blocks whose seals are counted by validator."""


def chain(view: View) -> Page:
    """The newest blocks, or those before a number, and how many each validator sealed."""
    engine = _local(view)
    head = view.ledger.engine.head()
    facts = (
        Fact("head_block", head.number, Unit.COUNT, addresses.block(head.number)),
        Fact("head_hash", "0x" + head.block_hash.hex()),
        Fact("state_root", "0x" + head.state_root.hex()),
        Fact("head_at", moment(head.timestamp)),
        Fact("chain_id", str(view.ledger.settings.chain_id)),
    )
    if engine is None:
        notes = (text("console.chain_elsewhere", url=view.ledger.settings.rpc_url),)
        title = text("console.tab_chain")
        return Page(title=title, tab="chain", facts=facts, notes=notes)
    given = view.query.get("before", "")
    last = min(int(given) - 1, head.number) if given.isdecimal() else head.number
    last = max(last, 0)
    first = max(0, last - BLOCKS_SHOWN + 1)
    names = _sealers(view)
    lines = [_block_line(one, names) for one in engine.blocks(first, last)]
    columns = (col("block", Unit.COUNT), col("at"), col("sealed_by"),
               col("transactions", Unit.COUNT), col("gas_used", Unit.COUNT),
               col("hash"))  # fmt: skip
    more = f"/chain?before={first}" if first else ""
    return Page(
        title=text("console.tab_chain"),
        tab="chain",
        facts=facts,
        sheets=(
            _seals(engine, head.number, names),
            sheet("blocks", columns, reversed(lines), more=more),
        ),
    )


def block(view: View, number: int) -> Page:
    """One block with its transactions. Raises `NotShown`."""
    engine = _local(view)
    found = engine.block(number) if engine else None
    if engine is None or found is None:
        raise NotShown(str(number))
    header = found.header
    names = _sealers(view)
    beside = [one for one in (number - 1, number + 1) if 0 <= one <= engine.head().number]
    return Page(
        title=text("console.block_title", number=f"{number:,}"),
        tab="chain",
        facts=(
            Fact("block_at", moment(header.timestamp)),
            Fact("sealed_by", _sealer(found, names)),
            Fact("block_hash", "0x" + header.hash.hex()),
            Fact("parent_hash", "0x" + header.parent_hash.hex()),
            Fact("state_root", "0x" + header.state_root.hex()),
            Fact("transactions_root", "0x" + header.transaction_root.hex()),
            Fact("receipts_root", "0x" + header.receipt_root.hex()),
            Fact("gas_used", header.gas_used, Unit.COUNT),
        ),
        sheets=(
            _entries(view, engine, number, {deal.name: deal for deal in view.deals}),
            _transactions(view, engine, found, number),
        ),
        crumbs=((text("console.tab_chain"), "/chain"),),
        links=tuple((f"{one:,}", addresses.block(one)) for one in beside),
    )


def _local(view: View) -> LocalEngine | None:
    from ledger.chain.local import LocalEngine

    engine = view.ledger.engine
    return engine if isinstance(engine, LocalEngine) else None


def _sealers(view: View) -> dict[bytes, str]:
    """Address of each validator to its member."""
    known = {one.validator: one.member_id for one in reading.members(view.book)}
    return known | {own: member for member, own in view.ledger.settings.validators.items()}


def _sealer(found: Block, names: dict[bytes, str]) -> str:
    from ledger.chain.clique import sealer_of

    if not found.header.block_number:
        return ""
    own = sealer_of(found.header)
    return names.get(own, "0x" + own.hex())


def _block_line(found: Block, names: dict[bytes, str]) -> Line:
    header = found.header
    number = header.block_number
    values = (
        number,
        moment(header.timestamp),
        _sealer(found, names),
        len(found.transactions),
        header.gas_used,
        "0x" + header.hash.hex(),
    )
    return Line(values, {"block": addresses.block(number)})


def _seals(engine: LocalEngine, head: int, names: dict[bytes, str]) -> Sheet:
    from ledger.chain.clique import sealer_of
    from ledger.chain.headers import decode_header

    counts = Counter[str]()
    for encoded in engine.headers(max(1, head - SEALS_COUNTED + 1), head):
        own = sealer_of(decode_header(encoded))
        counts[names.get(own, "0x" + own.hex())] += 1
    rows = sorted(counts.items())
    columns = col("member"), col("blocks_sealed", Unit.COUNT, total=True)
    title = text("console.table_seals", most=f"{SEALS_COUNTED:,}")
    return sheet("seals", columns, rows, title=title)


def _entries(
    view: View, engine: LocalEngine, number: int, deals: Mapping[str, reading.Deal]
) -> Sheet:
    """The entries that the contracts reported in a block, of the deals that the member sees."""
    from ledger.proofs.leaves import NoEntry, event_of, reported
    from ledger.proofs.signed import LogEntry

    contracts, lines = view.ledger.settings.contracts, []
    for receipt in engine.receipts(number, number):
        logs = [
            LogEntry(address=log.address, topics=log.topics, data=log.data) for log in receipt.logs
        ]
        opening: list[LogEntry] = []
        for at, log in enumerate(logs):
            try:
                if isinstance(event_of(log), EntriesSubmitted):
                    opening = [log]
                # A batch says once of which deal it is: with that its entries are read one by one.
                window = [*opening, *logs[at : at + 2]]
                deal_id, entry = reported(window, len(opening), contracts)
            except NoEntry:
                continue
            deal = deals.get(name_of(deal_id))
            if deal is not None:
                lines.append(_entry_line(view, deal, receipt.transaction_index, entry))
    columns = (col("transaction", Unit.COUNT), col("deal"), col("kind"), col("ref"),
               col("loan_ref"), col("date", Unit.DAY))  # fmt: skip
    return sheet("block_entries", columns, lines)


def _entry_line(view: View, deal: reading.Deal, index: int, entry: Counted) -> Line:
    is_loan_s = entry.kind in _OF_LOANS and any(entry.loan_id)
    links = {"deal": addresses.deal(deal.name)}
    if is_loan_s:
        page = addresses.booking if entry.kind is DayKind.BOOKING else addresses.entry
        links["ref"] = page(deal.name, entry.entry_id)
        links["loan_ref"] = addresses.loan(deal.name, entry.loan_id)
    elif entry.kind in _ELSEWHERE:
        links["ref"] = addresses.deal(deal.name, _ELSEWHERE[entry.kind])
    month = entry.kind is DayKind.PERIOD_STATEMENT
    values = (
        index,
        deal.name,
        named("kind", entry.kind.word),
        month_text(int.from_bytes(entry.entry_id, "big"))
        if month
        else view.ledger.ref(entry.entry_id),
        view.ledger.ref(entry.loan_id) if is_loan_s else "",
        entry.date,
    )
    return Line(values, links)


def _transactions(view: View, engine: LocalEngine, found: Block, number: int) -> Sheet:
    from ledger.chain.pending import read_transaction

    contracts = {own: name for name, own in view.ledger.settings.contracts.items()}
    keys = _keys(view)
    rows: list[tuple[Value, ...]] = []
    for raw, receipt in zip(found.transactions, engine.receipts(number, number), strict=True):
        sent = read_transaction(raw, view.ledger.settings.chain_id)
        contract = contracts.get(sent.to, "0x" + sent.to.hex())
        try:
            function = decode_call(contract, sent.data)[0] if sent.to in contracts else ""
        except ValueError:
            function = ""
        member, use = keys.get(sent.sender, ("0x" + sent.sender.hex(), ""))
        values = (
            receipt.transaction_index,
            member,
            text(f"console.key_{use}") if use else "",
            contract,
            function,
            receipt.gas_used,
            len(receipt.logs),
            "0x" + receipt.transaction_hash.hex(),
        )
        rows.append(values)
    columns = (col("index", Unit.COUNT), col("member"), col("key"), col("contract"),
               col("function"), col("gas_used", Unit.COUNT, total=True),
               col("events", Unit.COUNT, total=True), col("hash"))  # fmt: skip
    return sheet("transactions", columns, rows)


def _keys(view: View) -> dict[bytes, tuple[str, str]]:
    """Every key there ever was to its member and what it does."""
    found: dict[bytes, tuple[str, str]] = {}
    for one in reading.members(view.book):
        found[one.checker] = one.member_id, "checker"
        for own in reading.maker_keys(view.book, one.number):
            found[own.key] = one.member_id, "maker"
    found[view.ledger.settings.operator] = view.ledger.settings.name, "operator"
    return found
