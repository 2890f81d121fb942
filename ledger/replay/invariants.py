"""Invariants: what always holds, by letter and in the words of the contracts; and what else is
checked, by name. Failures of replay and of `check` go by these letters and names."""

from __future__ import annotations

import json
import re
from functools import cache
from importlib import resources

from ledger.bindings import CONTRACTS

_LETTER = re.compile(r"(?:^|\s)([A-Z]\d)\s")

OF_THE_CHAIN = {
    "genesis": "the first block and the addresses that genesis.json names",
    "known_block": "a block that the auditor knows, against the chain",
    "checkpoint": "what members signed of a block, its state and the days sealed by then,"
    " against the chain",
    "against": "another copy of the chain is one, and has no more blocks",
    "fork": "two copies of the chain have the same blocks",
    "equivocation": "no validator sealed two blocks of one height",
    "blocks": "the file or folder has every block, and each can be read",
    "headers": "each header follows from its parent",
    "seals": "each block is sealed by a validator whose turn it may be",
    "transactions_root": "the transactions are those of the header",
    "signatures": "each transaction is signed for this chain, in the one form there is",
    "membership": "each sender is a registered key of a member",
    "status": "no transaction of a block failed: what is refused leaves nothing",
    "refused": "what a network took into a block and the contracts refused has no effect",
    "strangers": "what a network took from nobody's key leaves the ledger alone",
    "gas_used": "gas of the header with gas of executing",
    "logs_bloom": "bloom of the header with that of executing",
    "receipts_root": "receipts of the header with those of executing",
    "state_root": "state of the header with that of executing",
    "engines": "a second EVM with the first, by transaction: status, gas, logs, storage written",
    "deployment": "the contracts were deployed from the shipped code, with the right arguments",
    "contract_code": "the contracts' code at the head is the shipped one",
    "recompiled": "the shipped code with what its sources compile to",
    "database": "receipts, state and signers in the ledger's folder are those of its blocks",
    "balances_at_seals": "every account in the contracts and in the book, at the block of a seal",
    "events": "events that a book can be made of",
}
"""What only a replay checks: it needs the blocks, or executes them."""

OF_THE_ENTRIES = {
    "acts": "events of terms, lists, figures, deposits, months, settlements and keys with the"
    " signed call",
    "entries": "entries reported with the rows signed",
    "roles": "who signed with who may, by the terms",
    "entry_ids": "ids of entries, each once in a deal",
    "versions": "a later version has the parties of the first, and a period if they have one",
    "licences": "the terms' demands with the licences and roles of the parties at the time",
    "twin": "every division with the same terms applied in Python",
    "steps": "each step on a voucher or a piece with its terms, its state and its date",
    "financing": "each offer, discount, pledge, return and conversion with the terms and the loan",
    "trigger": "the day of a claim with the day from which the terms allow it",
    "lines": "the deposit's lines after bookings and releases, and its calls for a top-up",
    "statements": "each period statement with the entries known at its close",
    "sealed_days": "each sealed statement with the entries and balances of its days",
    "disputes": "what the signatures of a day differ in with the disputes on record",
}
"""What the entries and agreements must be, besides the invariants."""

OF_THE_HEAD = {
    "state": "the contracts answer at all",
    "members": "members and their keys",
    "deals": "versions in force, terms, suspension, closing, sealed days",
    "balances": "every account",
    "volume": "outstanding and disbursed of each deal",
    "borrowers": "what a borrower owes in the deals that limit it",
    "loans": "each loan's word, what was waived and lost on it",
    "deposits": "each deposit and the entries on it",
    "settlements": "each settlement, what is left of it and the entries on it",
    "layers": "what each layer has used",
    "claims": "open claims of each layer on each loan",
    "figures": "figures of every month of a deal with a period, and what closed months left",
    "vouchers": "each voucher and piece, and what it is offered or sold for; the same in the book",
    "pools": "each pool, in the contract and in the book",
}
"""What the contracts hold at the head with what the book comes to."""

OF_A_LEDGER_IN_USE = {
    "lists": "loans booked with their lists as they are today",
    "limits": "what is outstanding, owed and stood in for with the limits and figures of today",
}
"""What only `check` looks at: what each booking met at its time and holds no more."""

CHECKS = OF_THE_CHAIN | OF_THE_ENTRIES | OF_THE_HEAD
"""Name of a check of a replay to what it compares; the invariants have their letters instead."""


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
