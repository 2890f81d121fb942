"""Logs: event records by address, topics and range. What an answer may hold is limited."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from eth_hash.auto import keccak

from ledger.chain.blocks import block_key
from ledger.chain.engine import Log
from ledger.chain.records import bloom_of, decode_record
from ledger.chain.rlp_slices import decode_items
from ledger.chain.store import Table
from ledger.node.moment import ALL, Moment
from ledger.node.refusals import argument_invalid, failed, limit_exceeded
from ledger.node.shapes import Fields, log_fields
from ledger.node.values import LATEST, BlockName, block_name, fixed

RANGE_BLOCKS, MOST_LOGS = 10_000, 10_000
MOST_LOOKED_AT = 100_000
"""Logs of blocks whose bloom filter does not rule the query out: a few seconds."""
_BLOOM = 6
"""Place of the field in a header."""
_MOST_CHOICES, _MOST_TOPICS = 1_000, 4


class LogQuery(NamedTuple):
    """Which logs are asked for."""

    addresses: frozenset[bytes]
    """Empty: of any contract."""
    topics: tuple[frozenset[bytes], ...]
    """For each place the choices; none at a place: any."""
    first: BlockName
    last: BlockName
    block_hash: bytes
    """Of the only block, or empty."""

    def matches(self, log: Log) -> bool:
        """Whether a log is one of them."""
        if self.addresses and log.address not in self.addresses:
            return False
        if len(self.topics) > len(log.topics):
            return False
        pairs = zip(self.topics, log.topics, strict=False)
        return all(not choices or topic in choices for choices, topic in pairs)

    def masks(self) -> list[list[int]]:
        """The bloom bits to look for: of every group, those of one of its items at least."""
        groups = [group for group in (self.addresses, *self.topics) if group]
        return [[bloom_of([[item, [], b""]]) for item in group] for group in groups]


def read_query(fields: dict[str, Any], at: int) -> LogQuery:
    """The query of a request's object. Raises `RpcRefused`."""
    given = {name: value for name, value in fields.items() if value is not None}
    if "blockHash" in given and given.keys() & {"fromBlock", "toBlock"}:
        raise argument_invalid(
            at, "cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other"
        )
    topics = given.get("topics", [])
    if not isinstance(topics, list):
        raise argument_invalid(at, "topics: want a list")
    if len(topics) > _MOST_TOPICS:
        raise argument_invalid(at, "exceed max topics")
    return LogQuery(
        addresses=_choices(given.get("address"), 20, at),
        topics=tuple(_choices(topic, 32, at) for topic in topics),
        first=block_name(given["fromBlock"], at) if "fromBlock" in given else LATEST,
        last=block_name(given["toBlock"], at) if "toBlock" in given else LATEST,
        block_hash=fixed(given["blockHash"], 32, at) if "blockHash" in given else b"",
    )


def logs_of(moment: Moment, query: LogQuery) -> list[Fields]:
    """The logs that a query names. Raises `RpcRefused` when there are too many."""
    if query.block_hash:
        number = moment.find(BlockName(block_hash=query.block_hash))
        if number is None:
            raise failed("unknown block")
        return logs_between(moment, query, number, number)
    first, last = _number(moment, query.first), _number(moment, query.last)
    if first > last:
        raise failed("invalid block range params")
    return logs_between(moment, query, first, min(last, moment.number))


def logs_between(moment: Moment, query: LogQuery, first: int, last: int) -> list[Fields]:
    """The matching logs of blocks `first` to `last`. Raises `RpcRefused` beyond the limits."""
    if last - first >= RANGE_BLOCKS:
        raise limit_exceeded(
            f"query exceeds max block range {RANGE_BLOCKS}: ask for fewer blocks at once"
        )
    found: list[Fields] = []
    masks, seen = query.masks(), 0
    headers = moment.view.scan(Table.HEADERS, block_key(first), block_key(last + 1))
    for key, encoded in headers:
        # A header whole takes twenty times as long, and most blocks hold nothing of interest.
        bloom = int.from_bytes(decode_items(encoded)[_BLOOM], "big")
        if not bloom or not _may_hold(bloom, masks):
            continue
        number, block_hash = int.from_bytes(key, "big"), bytes(keccak(encoded))
        for log in _logs(moment, number):
            seen += 1
            if query.matches(log):
                found.append(log_fields(log, block_hash))
        if len(found) > MOST_LOGS or seen > MOST_LOOKED_AT:
            what = (
                f"query returned more than {MOST_LOGS} results"
                if len(found) > MOST_LOGS
                else f"query looks at more than {MOST_LOOKED_AT} logs"
            )
            raise limit_exceeded(f"{what}: ask for fewer blocks at once")
    return found


def _logs(moment: Moment, number: int) -> Iterator[Log]:
    for index, record in moment.records(number, 0, ALL):
        yield from decode_record(record, number, index).logs


def _may_hold(bloom: int, masks: list[list[int]]) -> bool:
    return all(any(bloom & mask == mask for mask in group) for group in masks)


def _number(moment: Moment, name: BlockName) -> int:
    if name.block_hash:
        raise failed("invalid block range params")
    if name.tag == "earliest":
        return 0
    return moment.number if name.tag else name.number


def _choices(value: Any, size: int, at: int) -> frozenset[bytes]:
    if value is None:
        return frozenset()
    if not isinstance(value, list):
        return frozenset([fixed(value, size, at)])
    if len(value) > _MOST_CHOICES:
        raise limit_exceeded(f"more than {_MOST_CHOICES} choices")
    # One `null` among the choices makes the place match anything.
    if any(item is None for item in value):
        return frozenset()
    return frozenset(fixed(item, size, at) for item in value)
