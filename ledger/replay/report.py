"""Report: what a replay checked, and everything it found wrong, by block."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MAX_FAILURES = 1_000
"""A chain with more is not worth going on with: the replay ends there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that is not what it should be."""

    block: int
    """Where it is; for what concerns the present state as a whole, the head."""
    check: str
    """A name of `invariants.CHECKS`."""
    expected: str
    found: str
    deal: str = ""
    """Name of the deal that it is about, if it is about one."""
    about: bytes = b""
    """Id of the loan or entry that it is about, if it is about one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a replay came to."""

    engine: str
    blocks: int
    """Blocks read, genesis not counted."""
    transactions: int
    head_hash: bytes
    head_state_root: bytes
    checks: Mapping[str, int]
    """Name of a check to how many times it was made."""
    failures: tuple[Failure, ...]
    """In the order of the blocks."""

    @property
    def ok(self) -> bool:
        """Whether nothing wrong was found."""
        return not self.failures

    def document(self) -> dict[str, Any]:
        """As `pledger replay --json` prints it."""
        return {
            "ok": self.ok,
            "engine": self.engine,
            "blocks": self.blocks,
            "transactions": self.transactions,
            "head_hash": shown(self.head_hash),
            "head_state_root": shown(self.head_state_root),
            "checks": dict(self.checks),
            "failures": [
                {
                    "block": failure.block,
                    "check": failure.check,
                    "expected": failure.expected,
                    "found": failure.found,
                }
                for failure in self.failures
            ],
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
        block: int,
        expected: object,
        found: object,
        what: str = "",
        *,
        deal: str = "",
        about: bytes = b"",
    ) -> bool:
        """Make one check: `found` must equal `expected`. `what` names the thing in the report."""
        self.counts[check] += 1
        if expected == found:
            return True
        wanted = f"{what} {shown(expected)}".lstrip()
        self.fail(check, block, wanted, shown(found), deal=deal, about=about)
        return False

    def require(
        self,
        check: str,
        block: int,
        holds: bool,
        expected: str,
        found: object,
        *,
        deal: str = "",
        about: bytes = b"",
    ) -> bool:
        """Make one check of something that holds or not; `found` is shown where it does not."""
        self.counts[check] += 1
        if not holds:
            self.fail(check, block, expected, shown(found), deal=deal, about=about)
        return holds

    def fail(
        self,
        check: str,
        block: int,
        expected: str,
        found: str,
        *,
        deal: str = "",
        about: bytes = b"",
    ) -> None:
        """Note a failure of a check counted elsewhere."""
        self.counts[check] += 0
        self.failures.append(
            Failure(
                block=block, check=check, expected=expected, found=found, deal=deal, about=about
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


def deal_shown(deal_id: bytes) -> str:
    """A deal by its name, or in hex when its id is no name."""
    try:
        return deal_id.rstrip(b"\0").decode("ascii")
    except UnicodeDecodeError:
        return shown(deal_id)
