"""Conservation: whatever is split and passed on, the live pieces add up, and so do the books.

What the contract must answer is foretold from a dict of pieces, step by step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.sandbox.chain import Refused
from tests.contracts.sandbox.entries import id_of
from tests.contracts.sandbox.partnership import DEAL, deal_id
from tests.contracts.sandbox.supply import ISSUED, Number, SupplyChain
from tests.contracts.sandbox.vouchers import ISSUE, Split, Transfer

ID = deal_id(DEAL)
NAMES = {
    Number.TIER_1: "tier-1",
    Number.TIER_2: "tier-2",
    Number.TIER_3: "tier-3",
    Number.OTHER_CORE: "other-core",
    Number.BANK: "bank",
    Number.CORE: "core",
    Number.CUSTODIAN: "custodian",
}
FACES = {"v": 1_000, "w": 3}
LARGEST = max(FACES.values())


@dataclass
class Held:
    """A piece as it must be."""

    voucher: str
    holder: int
    amount: int
    steps: int = 0
    last: int = ISSUE


@dataclass
class Expected:
    """The pieces and the invoices that back something."""

    pieces: dict[str, Held]
    invoices: dict[str, str]
    disputed: set[str] = field(default_factory=set)

    def fault(self, ref: str, sender: int, date: int) -> str:
        """Why no step on a piece is taken; empty where one is."""
        piece = self.pieces[ref]
        if date < piece.last:
            return "STEP_BEFORE_LAST"
        if piece.holder != sender:
            return "SENDER_NOT_HOLDER"
        return "VOUCHER_DISPUTED" if piece.voucher in self.disputed else ""

    def step(self, ref: str, date: int, *, amount: int, holder: int) -> None:
        """A step was taken."""
        piece = self.pieces[ref]
        self.pieces[ref] = Held(piece.voucher, holder, amount, piece.steps + 1, date)


MOVES = st.fixed_dictionaries(
    {
        "act": st.sampled_from(["split", "split", "transfer", "transfer", "dispute"]),
        "piece": st.integers(0, 30),
        "by_holder": st.integers(0, 7),
        "sender": st.sampled_from(list(NAMES)),
        "to": st.sampled_from(list(NAMES)),
        "amount": st.integers(0, LARGEST + 1),
        "day": st.integers(0, 3),
        "invoice": st.integers(0, 12),
    }
)


def _split(supply: SupplyChain, expected: Expected, ref: str, move: dict[str, int]) -> None:
    piece, date = expected.pieces[ref], ISSUE + move["day"]
    sender = move["sender"] if move["by_holder"] == 0 else piece.holder
    child = f"child {len(expected.pieces)}"
    is_bank = sender == Number.BANK
    foretold = "BANK_SELLS_WHOLE" if is_bank else expected.fault(ref, sender, date)
    if not foretold and not 0 < move["amount"] < piece.amount:
        foretold = "SPLIT_AMOUNT_INVALID"
    try:
        supply.split(
            Split(
                piece=ref,
                voucher=piece.voucher,
                date=date,
                sequence=piece.steps,
                child=child,
                amount=move["amount"],
            ),
            by=NAMES[Number(sender)],
        )
    except Refused as refusal:
        assert refusal.reason == foretold
    else:
        assert foretold == ""
        rest = piece.amount - move["amount"]
        expected.step(ref, date, amount=rest, holder=piece.holder)
        expected.pieces[child] = Held(piece.voucher, piece.holder, move["amount"], last=date)


def _transfer(supply: SupplyChain, expected: Expected, ref: str, move: dict[str, int]) -> None:
    piece, date, to = expected.pieces[ref], ISSUE + move["day"], move["to"]
    sender = move["sender"] if move["by_holder"] == 0 else piece.holder
    invoice = f"invoice {move['invoice']}"
    foretold = expected.fault(ref, sender, date)
    if not foretold and to in (sender, Number.CORE, Number.CUSTODIAN):
        foretold = "HOLDER_INVALID"
    if not foretold and invoice in expected.invoices:
        foretold = "INVOICE_REGISTERED"
    try:
        supply.transfer(
            Transfer(
                entry="t",
                piece=ref,
                voucher=piece.voucher,
                date=date,
                sequence=piece.steps,
                to=to,
                invoice=invoice,
            ),
            by=NAMES[Number(sender)],
        )
    except Refused as refusal:
        assert refusal.reason == foretold
    else:
        assert foretold == ""
        expected.step(ref, date, amount=piece.amount, holder=to)
        expected.invoices[invoice] = piece.voucher


def _dispute(supply: SupplyChain, expected: Expected, voucher: str) -> None:
    lift = voucher in expected.disputed
    supply.dispute(voucher, lift=lift)
    expected.disputed ^= {voucher}


def _compare(supply: SupplyChain, expected: Expected) -> None:
    live: Counter[str] = Counter()
    held: Counter[str] = Counter()
    for ref, piece in expected.pieces.items():
        found = supply.piece(ref)
        assert (found.amount, found.holder, found.sequence, found.date) == (
            piece.amount,
            piece.holder,
            piece.steps,
            piece.last,
        )
        live[piece.voucher] += found.amount
        held[NAMES[Number(piece.holder)]] += found.amount
    for voucher, face in FACES.items():  # R1
        assert live[voucher] == supply.voucher(voucher).outstanding == face
    owed = {"core": {"VOUCHERS_OWED": -sum(FACES.values())}}
    holders = {name: {"VOUCHERS_HELD": amount} for name, amount in held.items()}
    assert supply.partnership.balances() == owed | holders
    for invoice, backed in expected.invoices.items():  # R2
        assert supply.backed(id_of(invoice)) == (id_of(backed), ID)


@given(moves=st.lists(MOVES, min_size=5, max_size=25))
def test_live_pieces_add_up_after_every_step(
    _supply: tuple[SupplyChain, bytes], moves: list[dict[str, int]]
) -> None:
    """R1, R2, R4"""
    supply, empty = _supply
    supply.partnership.chain.revert(empty)
    supply.issue(*(replace(ISSUED, voucher=name, amount=face) for name, face in FACES.items()))
    supply.confirm(*FACES)
    expected = Expected(
        {name: Held(name, Number.TIER_1, face) for name, face in FACES.items()},
        {f"invoice of {name}": name for name in FACES},
    )
    for move in moves:
        ref = list(expected.pieces)[move["piece"] % len(expected.pieces)]
        if move["act"] == "dispute":
            _dispute(supply, expected, expected.pieces[ref].voucher)
        elif move["act"] == "split":
            _split(supply, expected, ref, move)
        else:
            _transfer(supply, expected, ref, move)
        _compare(supply, expected)
