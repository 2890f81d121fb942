"""Supply chain: a partnership of banks, core enterprises and enrolled suppliers, and its vouchers.

Rows are those of `vouchers`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, IntFlag
from typing import Any

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Receipt
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id
from tests.contracts.sandbox.terms import Receivable, Terms, Tier
from tests.contracts.sandbox.vouchers import ISSUE, Issue, Piece, Split, Transfer, Voucher


class Roles(IntFlag):
    """What members are, in the order of the consortium file."""

    BANK = 1
    PLATFORM = 2
    GUARANTOR = 4
    CORE = 8
    SUPPLIER = 16
    CUSTODIAN = 32
    AUDITOR = 64


class Number(IntEnum):
    """Member numbers; the name in lower case, with dashes, is the member's name."""

    BANK = 1
    PLATFORM = 2
    GUARANTOR = 3
    CORE = 4
    OTHER_CORE = 5
    OTHER_BANK = 6
    CUSTODIAN = 7
    AUDITOR = 8
    TIER_1 = 9
    TIER_2 = 10
    TIER_3 = 11


ADMITTED = {
    "bank": Roles.BANK,
    "platform": Roles.PLATFORM,
    "guarantor": Roles.GUARANTOR,
    "core": Roles.CORE,
    "other-core": Roles.CORE,
    "other-bank": Roles.BANK,
    "custodian": Roles.CUSTODIAN,
    "auditor": Roles.AUDITOR,
}
ENROLLED = ("tier-1", "tier-2", "tier-3")
TERMS = Terms(
    funding=(("bank", 600_000), ("other-bank", 400_000)),
    others=("platform", "custodian"),
    collected_by="custodian",
    interest=(Tier(to="platform", share=100_000),),
    receivable=Receivable(),
)
"""Two banks fund, the platform serves, the bank disburses, a custodian collects."""
FACE = 100_000_000
"""1 000 000.00"""
ISSUED = Issue(voucher="v", core=Number.CORE, supplier=Number.TIER_1, amount=FACE)


class SupplyChain:
    """A partnership with one deal that has vouchers; members act by their names."""

    def __init__(self, terms: Terms = TERMS) -> None:
        self.partnership = Partnership(tuple(ADMITTED), ADMITTED)
        self.partnership.enrol(*ENROLLED)
        numbers = {name.lower().replace("_", "-"): one for name, one in Number.__members__.items()}
        assert self.partnership.numbers == numbers
        self.partnership.agree(terms)

    def key(self, member: str | Key) -> Key:
        """The maker of a member; a key is itself."""
        return member if isinstance(member, Key) else self.partnership.by_name[member].maker

    def send(
        self,
        function: str,
        rows: Sequence[tuple[Any, ...]],
        *late: bool,
        by: str | Key,
        version: int = 1,
        deal: str = DEAL,
    ) -> Receipt:
        """A batch for the Vouchers contract."""
        contract = self.partnership.vouchers
        return contract.send(self.key(by), function, deal_id(deal), version, list(rows), *late)

    # ---- vouchers
    def issue(self, *rows: Issue, by: str | Key = "core", **batch: Any) -> Receipt:
        """开立."""
        return self.send("issue", [row.row for row in rows], by=by, **batch)

    def confirm(
        self,
        *vouchers: str,
        date: int = ISSUE,
        by: str = "core",
        version: int = 1,
        deal: str = DEAL,
        late: bool = False,
    ) -> Receipt:
        """确权, under four eyes."""
        rows = [(id_of(voucher), date) for voucher in vouchers]
        arguments = (deal_id(deal), version, rows, late)
        partnership = self.partnership
        member = partnership.by_name[by]
        return partnership.confirmed(member, partnership.vouchers, "confirm", *arguments)

    def cancel(self, *rows: Issue, by: str | Key = "core", **batch: Any) -> Receipt:
        """Vouchers taken back as they were issued."""
        cancelled = [(id_of(row.voucher), row.invoice_hash) for row in rows]
        return self.send("cancel", cancelled, by=by, **batch)

    def dispute(
        self, *vouchers: str, by: str | Key = "core", lift: bool = False, **batch: Any
    ) -> Receipt:
        """A dispute, or its end."""
        rows = [(id_of(voucher), int(not lift)) for voucher in vouchers]
        return self.send("dispute", rows, by=by, **batch)

    def attest(
        self, voucher: str, kind: int, document: str, *, by: str | Key = "platform", **batch: Any
    ) -> Receipt:
        """Trade evidence."""
        rows = [(id_of(voucher), kind, id_of(document))]
        return self.send("attest", rows, by=by, **batch)

    # ---- pieces
    def split(self, *rows: Split, by: str | Key = "tier-1", **batch: Any) -> Receipt:
        """拆分."""
        return self.send("split", [row.row for row in rows], by=by, **batch)

    def transfer(
        self, *rows: Transfer, by: str | Key = "tier-1", late: bool = False, **batch: Any
    ) -> Receipt:
        """转让."""
        return self.send("transfer", [row.row for row in rows], late, by=by, **batch)

    # ---- views
    def voucher(self, ref: str, *, deal: str = DEAL) -> Voucher:
        """A voucher as stored."""
        return Voucher.of(self.partnership.vouchers.read("voucher", deal_id(deal), id_of(ref)))

    def piece(self, ref: str, *, deal: str = DEAL) -> Piece:
        """A piece as stored."""
        return Piece.of(self.partnership.vouchers.read("piece", deal_id(deal), id_of(ref)))

    def split_off(self, voucher: str, *, deal: str = DEAL) -> int:
        """How many pieces were ever split off pieces of a voucher."""
        word: int = self.partnership.vouchers.read("voucher", deal_id(deal), id_of(voucher))
        return word >> 216

    def backed(self, invoice_hash: bytes) -> tuple[bytes, bytes]:
        """Voucher and deal that an invoice backs; empty where it is free."""
        contract = self.partnership.vouchers
        return contract.read("invoice", invoice_hash), contract.read("invoice_deal", invoice_hash)

    def put(self, variable: str, ref: str, *, deal: str = DEAL, **fields: int) -> None:
        """A piece or voucher as Financing would leave it, with these fields of its word."""
        contract = self.partnership.vouchers
        slot = contract.slot(variable, deal_id(deal), id_of(ref))
        word = contract.chain.get_storage(contract.address, slot)
        for name, value in fields.items():
            shift, bits = PLACES[variable][name]
            mask = (2**bits - 1) << shift
            word = word & ~mask | value << shift
        contract.chain.set_storage(contract.address, slot, word)


PLACES = {
    "voucher": {"outstanding": (0, 56), "state": (144, 4), "disputes": (156, 4)},
    "piece": {"amount": (0, 56), "holder": (56, 24), "state": (80, 4), "sequence": (92, 14)},
}
"""Field to its lowest bit and its width."""
