"""Invariants: what always holds, by letter and in the words of the contracts; and what else is
checked, by name. Failures of replay and of `check` go by these letters and names."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources

from ledger.bindings import CONTRACTS
from ledger.messages import has, text

_LETTER = re.compile(r"(?:^|\s)([A-Z]\d)\s")

OF_THE_CHAIN = (
    "genesis", "known_block", "checkpoint", "against", "fork", "equivocation", "blocks",
    "headers", "seals", "transactions_root", "signatures", "membership", "status", "refused",
    "strangers", "gas_used", "logs_bloom", "receipts_root", "state_root", "engines",
    "deployment", "contract_code", "recompiled", "database", "balances_at_seals", "events",
)  # fmt: skip
"""What only a replay checks: it needs the blocks, or executes them."""

OF_THE_ENTRIES = (
    "acts", "entries", "roles", "entry_ids", "versions", "licences", "twin", "steps",
    "financing", "trigger", "lines", "statements", "sealed_days", "disputes",
)  # fmt: skip
"""What the entries and agreements must be, besides the invariants."""

OF_THE_HEAD = (
    "state", "members", "deals", "balances", "volume", "borrowers", "loans", "deposits",
    "settlements", "layers", "claims", "figures", "vouchers", "pools",
)  # fmt: skip
"""What the contracts hold at the head with what the book comes to."""

OF_A_LEDGER_IN_USE = ("lists", "limits")
"""What only `check` looks at: what each booking met at its time and holds no more."""

CHECKS = (*OF_THE_CHAIN, *OF_THE_ENTRIES, *OF_THE_HEAD)
"""Names of the checks of a replay; the invariants have their letters instead."""


def words(check: str) -> str:
    """What a letter or a name stands for, in the language in use; empty where it is neither."""
    keys = (f"{group}.{check}" for group in ("invariant", "checks"))
    return next((text(key) for key in keys if has(key)), "")


@cache
def invariants() -> dict[str, str]:
    """Letter to words, as the contracts state them; the contracts by name."""
    return {letter: words for own in by_contract().values() for letter, words in own.items()}


@cache
def by_contract() -> dict[str, dict[str, str]]:
    """The invariants of each contract."""
    found = {}
    for contract in sorted(CONTRACTS):
        path = resources.files("ledger").joinpath(f"artifacts/{contract}.json")
        devdoc = json.loads(path.read_text("utf-8"))["devdoc"]
        parts = _LETTER.split(" ".join(devdoc["custom:invariant"].split()))[1:]
        found[contract] = dict(zip(parts[::2], map(str.strip, parts[1::2]), strict=True))
    return found
