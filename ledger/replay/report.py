"""Report: what a replay checked, and everything it found wrong, by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ledger.events import Place
from ledger.waterfall import Account

if TYPE_CHECKING:
    from ledger.replay.forks import Comparison
    from ledger.replay.levels import Level

MAX_FAILURES = 1_000
"""A chain with more is not worth going on with: the replay ends there."""
_BEFORE_TRANSACTIONS = frozenset(
    (
        "genesis", "blocks", "headers", "seals", "known_block", "checkpoint", "against", "fork",
        "equivocation", "transactions_root",
    )
)  # fmt: skip


class PartyAccount(NamedTuple):
    """An account of a party in a deal."""

    number: int
    """Of the member."""
    account: str
    """A name of `waterfall.Account`."""
    party: str = ""
    """The member's id, where it is known."""

    def __str__(self) -> str:
        return f"{self.party or f'member {self.number}'} {self.account}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that is not what it should be, and where."""

    block: int
    """Where it is; for what concerns the present state as a whole, the head."""
    check: str
    """A name of `invariants.CHECKS`, or the letter of an invariant."""
    expected: str
    found: str
    transaction: int | None = None
    """Index in the block of the transaction that it is about, if it is about one."""
    transaction_hash: bytes = b""
    """Its hash as it stands in the block; empty for none."""
    deal: str = ""
    """Name of the deal that it is about, if it is about one."""
    about: bytes = b""
    """Id of the loan, entry or borrower that it is about, if it is about one."""
    entry: str = ""
    """What `about` is called by who submitted it, where that is known; else the id in hex."""
    account: PartyAccount | None = None
    """The account that it is about, if it is about one."""

    @property
    def order(self) -> tuple[int, int, int]:
        """Rank among failures: by block, and in a block what others follow from first.

        A block's header and list, then its transactions one by one, then what they come to.
        """
        if self.transaction is not None:
            return self.block, 1, self.transaction
        return self.block, 0 if self.check in _BEFORE_TRANSACTIONS else 2, 0

    def document(self) -> dict[str, Any]:
        """As `pledger replay --json` prints it."""
        account = self.account and {
            "party": self.account.party or f"member {self.account.number}",
            "account": self.account.account,
        }
        return {
            "block": self.block,
            "check": self.check,
            "expected": self.expected,
            "found": self.found,
            "transaction": self.transaction,
            "transaction_hash": shown(self.transaction_hash) if self.transaction_hash else None,
            "deal": self.deal or None,
            "entry": self.entry or None,
            "account": account,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a replay came to."""

    engine: str
    """What executed the blocks; of two the one whose state was read."""
    engines: tuple[str, ...]
    levels: tuple[Level, ...]
    blocks: int
    """Blocks read, genesis not counted."""
    transactions: int
    head_hash: bytes
    head_state_root: bytes
    checks: Mapping[str, int]
    """Name of a check to how many times it was made."""
    failures: tuple[Failure, ...]
    """The earliest cause first, see `Failure.order`."""
    validators: Mapping[bytes, str] = field(default_factory=dict)
    """Address of a validator to the id of its member; of members that named it when admitted."""
    resumed: Resumed | None = None
    """Where it went on from, if not from genesis."""
    comparison: Comparison | None = None
    """With another copy of the chain, if that was asked for."""

    def against(self, comparison: Comparison) -> Report:
        """This report with what comparing the chain with another copy of it found."""
        found = sorted([*self.failures, *comparison.failures], key=lambda failure: failure.order)
        checks = {**self.checks, "against": comparison.compared}
        return replace(
            self,
            checks=checks,
            failures=tuple(found),
            comparison=comparison,
            levels=tuple(
                replace(
                    level,
                    checks=level.checks + comparison.compared,
                    failures=level.failures + len(comparison.failures),
                )
                if level.name == "chain"
                else level
                for level in self.levels
            ),
        )

    @property
    def first(self) -> Failure | None:
        """The earliest thing wrong: what comes after may follow from it."""
        return self.failures[0] if self.failures else None

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found."""
        return not self.failures

    def document(self) -> dict[str, Any]:
        """As `pledger replay --json` prints it."""
        compared: dict[str, Any] = {}
        if self.resumed is not None:
            compared["resumed"] = self.resumed.document()
        if self.comparison is not None:
            compared["fork"] = self.comparison.document(self.validators)
        return {
            "ok": self.ok,
            "engine": self.engine,
            "engines": list(self.engines),
            "blocks": self.blocks,
            "transactions": self.transactions,
            "head_hash": shown(self.head_hash),
            "head_state_root": shown(self.head_state_root),
            "levels": [level.document() for level in self.levels],
            "checks": dict(self.checks),
            "first": self.first.document() if self.first else None,
            "failures": [failure.document() for failure in self.failures],
            **compared,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """The last block of an earlier replay, after which this one went on."""

    block: int
    block_hash: bytes
    signer: str
    """The member that signed for the earlier replay."""

    def document(self) -> dict[str, Any]:
        """As `pledger replay --json` prints it."""
        return {
            "block": self.block,
            "block_hash": shown(self.block_hash),
            "signed_by": self.signer,
        }


class TooManyFailures(Exception):
    """The replay ends here."""


class Findings:
    """Counts checks and collects failures while a replay runs."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.failures: list[Failure] = []

    def expect(
        self,
        check: str,
        place: int | Place,
        expected: object,
        found: object,
        what: str = "",
        *,
        deal: str = "",
        about: bytes = b"",
        account: PartyAccount | None = None,
    ) -> bool:
        """Make one check: `found` must equal `expected`. `what` names the thing in the report.

        `place` is a block, or the transaction that it is about.
        """
        self.counts[check] += 1
        if expected == found:
            return True
        wanted = f"{what} {shown(expected)}".lstrip()
        self.fail(check, place, wanted, shown(found), deal=deal, about=about, account=account)
        return False

    def require(
        self,
        check: str,
        place: int | Place,
        holds: bool,
        expected: str,
        found: object,
        *,
        deal: str = "",
        about: bytes = b"",
        account: PartyAccount | None = None,
    ) -> bool:
        """Make one check of something that holds or not; `found` is shown where it does not."""
        self.counts[check] += 1
        if not holds:
            self.fail(check, place, expected, shown(found), deal=deal, about=about, account=account)
        return holds

    def fail(
        self,
        check: str,
        place: int | Place,
        expected: str,
        found: str,
        *,
        deal: str = "",
        about: bytes = b"",
        account: PartyAccount | None = None,
    ) -> None:
        """Note a failure of a check counted elsewhere."""
        self.counts[check] += 0
        block, transaction = place[:2] if isinstance(place, Place) else (place, None)
        self.failures.append(
            Failure(
                block=block,
                check=check,
                expected=expected,
                found=found,
                transaction=transaction,
                deal=deal,
                about=about,
                account=account,
            )
        )
        if len(self.failures) >= MAX_FAILURES:
            raise TooManyFailures


def shown(value: object) -> str:
    """A value as the report shows it: bytes in hex."""
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(shown, value)) + ")"
    return str(value)


def differing(
    account: Account, expected: Mapping[int, int], found: Mapping[int, int]
) -> PartyAccount | None:
    """The account of the first member, by number, with two different amounts; None for none."""
    for number in sorted(expected.keys() | found.keys()):
        if expected.get(number, 0) != found.get(number, 0):
            return PartyAccount(number, account.value)
    return None


def deal_shown(deal_id: bytes) -> str:
    """A deal by its name, or in hex when its id is no name."""
    try:
        return deal_id.rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError:
        return shown(deal_id)
