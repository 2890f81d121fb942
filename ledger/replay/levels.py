"""Levels: what a replay looks at, from the chain's outside to what its entries mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ledger.replay.invariants import OF_THE_CHAIN, invariants
from ledger.replay.report import Failure

_OF_A_FOLDER = "database"
"""Of the level of the EVM that executed first: what the folder keeps beside its blocks."""
_ON_EVERY_EVM = frozenset(
    ("transactions_root", "status", "gas_used", "logs_bloom", "receipts_root")
)
CHECKS: Mapping[str, frozenset[str]] = {
    "chain": frozenset(
        (
            "genesis", "known_block", "checkpoint", "against", "fork", "equivocation", "blocks",
            "headers", "seals",
        )
    ),
    "signatures": frozenset(
        ("signatures", "membership", "roles", "acts", "entries", "entry_ids")
    ),
    "pyevm": _ON_EVERY_EVM | {"state_root"},
    "revm": _ON_EVERY_EVM | {"engines"},
    "contracts": frozenset(("deployment", "contract_code")),
    "recompiled": frozenset(("recompiled",)),
    "books": frozenset(
        (
            "events", "state", "members", "deals", "balances", "balances_at_seals", "volume",
            "borrowers", "loans", "deposits", "settlements", "layers", "claims", "figures",
            "sealed_days", "disputes", "vouchers", "pools",
        )
    ),
    "invariants": frozenset(),
    "terms": frozenset(
        (
            "twin", "trigger", "lines", "statements", "versions", "licences", "steps",
            "financing",
        )
    ),
}  # fmt: skip
"""Level to the names of its checks, in the order of the report; the lettered ones are those of
`invariants`."""
EVMS = "pyevm", "revm"
"""Levels whose checks are counted EVM by EVM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One level of a replay."""

    name: str
    checks: int
    """How many were made."""
    failures: int
    why_not: str = ""
    """Why it was not run, or not to its end; empty where it was."""

    @property
    def run(self) -> bool:
        """Whether it was run to its end."""
        return not self.why_not

    def document(self) -> dict[str, Any]:
        """As `pledger replay --json` prints it."""
        return {
            "level": self.name,
            "run": self.run,
            "checks": self.checks,
            "failures": self.failures,
            "why_not": self.why_not or None,
        }


def level_of(check: str) -> str:
    """The level of a check; of one that every EVM makes the first that has it."""
    if check in invariants():
        return "invariants"
    if check == _OF_A_FOLDER:
        return EVMS[0]
    rest = "chain" if check in OF_THE_CHAIN else "books"
    return next((level for level, checks in CHECKS.items() if check in checks), rest)


def levels(
    counts: Mapping[str, int],
    by_evm: Mapping[str, Counter[str]],
    failures: Iterable[Failure],
    why_not: Mapping[str, str],
) -> tuple[Level, ...]:
    """Every level: `counts` of checks made, those made on each EVM, and why what was not run."""
    first = next(iter(by_evm), "")
    of_evms = {evm: CHECKS[evm] | ({_OF_A_FOLDER} if evm == first else set()) for evm in by_evm}
    made, failed = Counter[str](), Counter[str]()
    for check, count in counts.items():
        if check == _OF_A_FOLDER:
            made[first] += count
        elif level_of(check) not in EVMS:
            made[level_of(check)] += count
    for evm, own in by_evm.items():
        made[evm] += own.total()
    for failure in failures:
        of = {evm for evm, checks in of_evms.items() if failure.check in checks}
        failed.update(of or {level_of(failure.check)})
    return tuple(
        Level(
            name=level,
            checks=made[level],
            failures=failed[level],
            why_not=why_not.get(level, ""),
        )
        for level in CHECKS
    )
