"""Events of guarantees: the deposit, what loss layers pay, and what comes back to them.

`pays` and `to_layers` are by layers, all other parts by funders; four 64-bit fields a word.
"""

from __future__ import annotations

from typing import NamedTuple


class DepositPaid(NamedTuple):
    """保证金: the depositor paid in. `party`: whose maker said so."""

    deal_id: bytes
    entry_id: bytes
    party: int
    date: int
    amount_minor: int
    deposit_minor: int
    """What the deposit comes to with it."""


class DepositReleased(NamedTuple):
    """The custodian paid back from the deposit. `party`: the custodian."""

    deal_id: bytes
    entry_id: bytes
    party: int
    date: int
    amount_minor: int
    deposit_minor: int
    """What the deposit comes to with it."""


class DepositReversed(NamedTuple):
    """A payment into the deposit never came."""

    deal_id: bytes
    entry_id: bytes
    reversed_id: bytes
    party: int
    date: int
    amount_minor: int
    deposit_minor: int
    """What the deposit comes to with it."""


class TopUpCalled(NamedTuple):
    """追加: the deposit fell under its warning line; `amount_minor` brings it up to target."""

    deal_id: bytes
    amount_minor: int
    deposit_minor: int
    outstanding_minor: int


class LoanCompensated(NamedTuple):
    """代偿: what the layers pay, and what of it reaches the funders as principal and interest."""

    entry_id: bytes
    loan_id: bytes
    date: int
    pays: tuple[int, ...]
    principal_parts: tuple[int, ...]
    interest_parts: tuple[int, ...]


class LoanRecovered(NamedTuple):
    """追偿, or a repayment on a claim: what came in on a loan compensated or written off."""

    entry_id: bytes
    loan_id: bytes
    date: int
    kind: int
    """6: `amounts` has the amount as principal and the cost within it as fee; 7: a repayment."""
    amounts: int
    written_off: bool
    """The funders' residual was written off: what restores it is income."""
    to_layers: tuple[int, ...]
    residual_parts: tuple[int, ...]
    surplus_parts: tuple[int, ...]
    """Above all claims."""


class CompensationReversed(NamedTuple):
    """The mirror of a compensation, field by field as it was."""

    entry_id: bytes
    loan_id: bytes
    reversed_id: bytes
    date: int
    pays: tuple[int, ...]
    principal_parts: tuple[int, ...]
    interest_parts: tuple[int, ...]


class RecoveryReversed(NamedTuple):
    """The mirror of a recovery or of a repayment on a claim, field by field as it was."""

    entry_id: bytes
    loan_id: bytes
    reversed_id: bytes
    date: int
    kind: int
    amounts: int
    written_off: bool
    to_layers: tuple[int, ...]
    residual_parts: tuple[int, ...]
    surplus_parts: tuple[int, ...]
