"""partnership-ledger: the SDK of a ledger that both sides of co-funded loans keep together.

Public names load on first use, so that `import ledger` costs nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.consortium import Consortium as Consortium
    from ledger.consortium import Member as Member
    from ledger.entries import Booking as Booking
    from ledger.entries import Cure as Cure
    from ledger.entries import Entry as Entry
    from ledger.entries import OverdueMark as OverdueMark
    from ledger.entries import Recovery as Recovery
    from ledger.entries import Repayment as Repayment
    from ledger.entries import Reversal as Reversal
    from ledger.entries import VoucherIssue as VoucherIssue
    from ledger.entries import Waiver as Waiver
    from ledger.entries import WriteOff as WriteOff
    from ledger.errors import LedgerError as LedgerError
    from ledger.ledger import Ledger as Ledger
    from ledger.posting import Submitted as Submitted
    from ledger.terms import Terms as Terms
    from ledger.voucher_entries import Financing as Financing
    from ledger.voucher_entries import Split as Split
    from ledger.voucher_entries import Transfer as Transfer
    from ledger.voucher_entries import VoucherConfirmation as VoucherConfirmation
    from ledger.voucher_entries import VoucherPayment as VoucherPayment

# safe-pysha3 hashes ten times faster than the backend that eth-hash would pick; it reads this
# once, at its first import anywhere.
os.environ.setdefault("ETH_HASH_BACKEND", "pysha3")

_HOME = {
    "Booking": "entries",
    "Consortium": "consortium",
    "Cure": "entries",
    "Entry": "entries",
    "Financing": "voucher_entries",
    "Ledger": "ledger",
    "LedgerError": "errors",
    "Member": "consortium",
    "OverdueMark": "entries",
    "Recovery": "entries",
    "Repayment": "entries",
    "Reversal": "entries",
    "Split": "voucher_entries",
    "Submitted": "posting",
    "Terms": "terms",
    "Transfer": "voucher_entries",
    "VoucherConfirmation": "voucher_entries",
    "VoucherIssue": "entries",
    "VoucherPayment": "voucher_entries",
    "Waiver": "entries",
    "WriteOff": "entries",
}
"""Public name to the module that has it."""

__all__ = [*_HOME, "__version__"]

__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'ledger' has no attribute {name!r}")
    return getattr(import_module(f"ledger.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
