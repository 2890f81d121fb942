"""A storm over vouchers: whatever a random crowd tries with them, and some of it the contracts take.

The same seed gives the same chain. Nothing here knows what ought to be taken: that is for replay
to say afterwards.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random

from eth_hash.auto import keccak

from ledger import consortium, reading
from ledger.entries import OverdueMark, Recovery, Repayment, WriteOff
from ledger.errors import LedgerError
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.money import apportion
from ledger.voucher_records import Piece
from tests.replay.supplied import (
    CHAIN,
    CHAIN_V1,
    CONSORTIUM,
    CORE,
    CORE_2,
    LEAD,
    OTHER,
    PARTNER,
    SERVICER,
    SOLE,
    SOLE_V1,
    START,
    TIERS,
    Supply,
    agree,
    owed_on,
)

EVERYBODY = (LEAD, PARTNER, OTHER, SERVICER, CORE, CORE_2, *TIERS)
LAYER = """
[[loss]]
payer = "platform-p"
share = "50%"
[claim]
days_past_due = 30
base = "principal+interest"
"""
COLLECTORS = {CHAIN: PARTNER, SOLE: LEAD}


class Storm:
    """One run of random acts."""

    def __init__(self, ledger: Ledger, seed: int) -> None:
        self._ledger = ledger
        self._random = Random(seed)
        self._supplies = [Supply(ledger, CHAIN), Supply(ledger, SOLE)]
        self._vouchers: dict[str, list[str]] = {CHAIN: [], SOLE: []}
        self._pieces: dict[str, list[tuple[str, str]]] = {CHAIN: [], SOLE: []}
        self._loans: dict[str, list[str]] = {CHAIN: [], SOLE: []}
        self._cores: dict[str, str] = {}
        self._day = START
        self._number = 0
        self.taken: Counter[str] = Counter()
        self._acts: dict[Callable[[Supply], None], float] = {
            self.issue: 9, self.confirm: 9, self.cancel: 1, self.dispute: 1, self.attest: 2,
            self.split: 9, self.transfer: 8, self.offer: 14, self.withdraw: 1, self.discount: 9,
            self.pledge: 8, self.release: 4, self.repay: 2, self.pay: 5, self.undo: 3,
            self.sell: 6, self.accept: 6, self.confirm_sale: 6, self.give_back: 6, self.convert: 6,
            self.claim: 3, self.limit: 0.5, self.wait: 4,
        }  # fmt: skip

    def rage(self, acts: int) -> Counter[str]:
        """So many acts; how many of each kind were taken."""
        for _ in range(acts):
            self._number += 1
            (act,) = self._random.choices(list(self._acts), list(self._acts.values()))
            try:
                act(self._random.choice(self._supplies))
            except LedgerError:
                continue
            self.taken[act.__name__] += 1
        return self.taken

    # ---- vouchers

    def issue(self, supply: Supply) -> None:
        pick, ref = self._random, f"V-{self._number}"
        invoice = pick.choice(["", "", "", "", "", f"V-{self._number - 3}"])
        core = pick.choice([CORE, CORE, CORE, CORE_2])
        supply.issue(
            ref, by=pick.choice([core, core, SERVICER, TIERS[0], LEAD]), core=core,
            supplier=pick.choice([*TIERS[:2], CORE_2]),
            amount=pick.choice([1, 7, 99_999_99, pick.randrange(1, 50_000_00)]),
            due=self._day + timedelta(pick.choice([5, 20, 60, 200, 400])), invoice=invoice,
            on=self._day,
        )  # fmt: skip
        self._vouchers[supply.deal].append(ref)
        self._cores[ref] = core
        if pick.randrange(4):
            supply.attest(ref, by=core)

    def confirm(self, supply: Supply) -> None:
        confirmed = {voucher for _, voucher in self._pieces[supply.deal]}
        waiting = [ref for ref in self._vouchers[supply.deal] if ref not in confirmed]
        ref = self._random.choice(waiting) if waiting else self._voucher(supply)
        supply.confirm(ref, on=self._day, by=self._cores[ref])
        self._pieces[supply.deal].append((ref, ref))

    def cancel(self, supply: Supply) -> None:
        ref = self._voucher(supply)
        row = supply.id(ref), keccak(ref.encode())
        supply.send("Vouchers", "cancel", [row], by=self._anybody())

    def dispute(self, supply: Supply) -> None:
        lifted = self._random.choice([0, 0, 1])
        supply.dispute(self._voucher(supply), lifted, by=self._anybody())

    def attest(self, supply: Supply) -> None:
        kind = self._random.choice([16, 16, 16, 1, 3])
        supply.attest(self._voucher(supply), kind=kind, by=self._anybody())

    # ---- pieces

    def split(self, supply: Supply) -> None:
        ref, voucher = self._piece(supply)
        piece, child = supply.piece(ref), f"S-{self._number}"
        amount = self._random.randrange(1, max(2, piece.amount_minor + 1))
        supply.split(ref, child, amount, self._holder(piece), voucher, self._day)
        self._pieces[supply.deal].append((child, voucher))

    def transfer(self, supply: Supply) -> None:
        ref, voucher = self._piece(supply)
        to, by = self._anybody(), self._holder(supply.piece(ref))
        invoice = keccak(f"{ref} {self._number}".encode())
        row = supply.id(f"T-{self._number}"), *supply.step(ref, voucher, self._day)
        supply.send("Vouchers", "transfer", [(*row, supply.number(to), invoice)], False, by=by)

    def offer(self, supply: Supply) -> None:
        ref, voucher = self._piece(supply)
        loan = self._random.choice(["", f"L-{self._number}"])
        rate = self._random.choice([1, 60_000, 60_000, 120_000, 130_000])
        by = self._holder(supply.piece(ref))
        supply.offer(ref, by, voucher, self._day, rate=rate, loan=loan)

    def withdraw(self, supply: Supply) -> None:
        ref, voucher = self._piece(supply)
        by = self._random.choice([SERVICER, self._holder(supply.piece(ref))])
        supply.simply("withdraw", ref, voucher, self._day, by=by)

    def discount(self, supply: Supply) -> None:
        ref, voucher = self._piece(supply, "offered")
        self._entry(supply, "discount", ref, voucher, SERVICER)

    def pledge(self, supply: Supply) -> None:
        ref, voucher = self._piece(supply, "offered")
        piece = supply.piece(ref)
        loan = self._ledger.ref(piece.loan_id) if piece.loan_id else ""
        if not loan.startswith("L-"):
            loan = f"L-{self._offered_for(supply, piece)}"
        amount = max(1, piece.amount_minor * self._random.choice([10, 50, 85, 90]) // 100)
        supply.book(loan, self._day, amount)
        self._loans[supply.deal].append(loan)
        supply.simply("pledge", ref, voucher, self._day, supply.loan(loan), by=SERVICER)

    def _offered_for(self, supply: Supply, piece: Piece) -> int:
        """The number in the ref of the loan that a piece is offered for."""
        numbers = range(1, self._number + 1)
        return next((at for at in numbers if supply.loan(f"L-{at}") == piece.loan_id), 0)

    def release(self, supply: Supply) -> None:
        ref, voucher = self._piece(supply, "pledged")
        if self._random.randrange(2):
            self._pay_off(supply, self._loan_of(supply, ref))
        supply.simply("release", ref, voucher, self._day, by=SERVICER)

    def repay(self, supply: Supply) -> None:
        if self._loans[supply.deal]:
            loan = self._random.choice(self._loans[supply.deal])
            self._repay(supply, loan, self._random.randrange(1, 5_000_00), 0)

    # ---- payments

    def pay(self, supply: Supply) -> None:
        """A part of a voucher or all of it, to all live pieces, loans first; sometimes not quite."""
        voucher = self._voucher(supply)
        live = [
            (ref, supply.piece(ref)) for ref, own in self._pieces[supply.deal] if own == voucher
        ]
        live = [(ref, piece) for ref, piece in live if piece.live]
        # Who is not paid in time is what the rest is about.
        if not live or (self._random.randrange(4) and any(one.state == "discounted" for _, one in live)):
            return
        whole = sum(piece.amount_minor for _, piece in live)
        amount = self._random.choice([whole, whole, self._random.randrange(1, whole + 1)])
        supply.instruct(voucher, amount, self._day, by=self._cores[voucher])
        pieces = [ref for ref, _ in live]
        if self._random.randrange(12) == 0:
            pieces = pieces[1:] or pieces
        repaid = {
            ref: given
            for ref, piece in live
            if piece.state == "pledged"
            and (given := self._repaid(supply, ref, amount * piece.amount_minor // whole))
        }
        self._settle(supply, voucher, amount, pieces, repaid)

    def _settle(
        self,
        supply: Supply,
        voucher: str,
        amount: int,
        pieces: list[str],
        repaid: dict[str, tuple[bytes, int, int]],
    ) -> None:
        """As `Supply.settle`, with ids of its own."""
        live = [supply.piece(ref) for ref in pieces]
        parts = apportion(amount, [one.amount_minor for one in live])
        rows = []
        for at, (ref, part) in enumerate(zip(pieces, parts, strict=True)):
            own, voucher_id, place = supply.step(ref, voucher, self._day)
            with_it = repaid.get(ref, (bytes(32), 0, 0))
            entry = supply.id(f"P-{self._number}-{at}")
            rows.append((entry, voucher_id, own, place, part, *with_it))
        supply.send("Payments", "settle", rows, False, by=COLLECTORS[supply.deal])

    def _repaid(self, supply: Supply, ref: str, part: int) -> tuple[bytes, int, int] | None:
        """What comes in goes to the loan: interest, then principal; the piece may get a bit more."""
        loan = self._loan_of(supply, ref)
        if not loan or not part:
            return None
        found = reading.loan(
            self._ledger.book(), self._ledger.deal(supply.deal).deal, supply.loan(loan)
        )
        if found is None:
            return None
        interest = min(part, owed_on(supply, loan, self._day))
        principal = min(part - interest, found.outstanding_minor)
        if found.compensated or found.written_off:
            return None
        try:
            return self._repay(supply, loan, principal, interest)
        except LedgerError:
            return None

    def _repay(
        self, supply: Supply, loan: str, principal: int, interest: int
    ) -> tuple[bytes, int, int]:
        before, ref = supply.tip(loan), f"R-{self._number}-{loan}"
        entry = Repayment(
            entry_ref=ref, loan_ref=loan, date=self._day, principal_minor=principal,
            interest_minor=interest, penalty_minor=0, fee_minor=0,
        )  # fmt: skip
        self._ledger.submit([entry], deal=supply.deal, by=SERVICER)
        return supply.id(ref), principal | interest << 64, before

    def _pay_off(self, supply: Supply, loan: str) -> None:
        found = reading.loan(
            self._ledger.book(), self._ledger.deal(supply.deal).deal, supply.loan(loan)
        )
        if found is not None and found.outstanding_minor:
            self._repay(supply, loan, found.outstanding_minor, 0)

    def undo(self, supply: Supply) -> None:
        """Take a payment back, mostly the latest step of its piece."""
        deal = self._ledger.deal(supply.deal).deal
        paid = [
            one for one in reading.voucher_steps_of_deal(self._ledger.book(), deal, counted=True)
            if one.kind == "payment" and not one.reversed
        ]  # fmt: skip
        if not paid:
            return
        one = self._random.choice(paid[-3:])
        ref, voucher = next(
            own for own in self._pieces[supply.deal] if supply.id(own[0]) == one.piece_id
        )
        row = (
            supply.id(f"U-{self._number}"), *supply.step(ref, voucher, self._day), one.entry_id,
            one.date, one.amount_minor,
        )  # fmt: skip
        by = COLLECTORS[supply.deal]
        self._ledger.send("Payments", "reverse_payment", supply.own, 1, row, by=by)

    # ---- bank to bank, and what is not paid

    def sell(self, supply: Supply) -> None:
        ref, voucher = self._piece(supply)
        piece = supply.piece(ref)
        by = LEAD if piece.state == "discounted" else self._holder(piece)
        price = self._random.choice([1, piece.amount_minor, piece.amount_minor + 9])
        buyer = supply.number(self._random.choice([OTHER, PARTNER, LEAD]))
        supply.simply("offer_sale", ref, voucher, self._day, buyer, price, by=by)

    def accept(self, supply: Supply) -> None:
        ref, voucher = self._piece(supply, "on-sale")
        piece = supply.piece(ref)
        by = self._member(piece.buyer) if piece.buyer else OTHER
        supply.simply("accept_sale", ref, voucher, self._day, piece.price_minor, by=by)

    def confirm_sale(self, supply: Supply) -> None:
        ref, voucher = self._piece(supply, "sale-accepted")
        self._entry(supply, "confirm_sale", ref, voucher, self._holder(supply.piece(ref)))

    def give_back(self, supply: Supply) -> None:
        ref, voucher = self._piece(supply, "discounted")
        self._entry(supply, "recourse", ref, voucher, COLLECTORS[supply.deal])

    def convert(self, supply: Supply) -> None:
        ref, voucher = self._piece(supply, "discounted")
        loan, amount = f"K-{self._number}", max(1, supply.piece(ref).amount_minor)
        supply.book(loan, self._day, amount, 0)
        self._loans[supply.deal].append(loan)
        row = supply.id(f"E-{self._number}"), *supply.step(ref, voucher, self._day)
        supply.send("Payments", "convert", [(*row, supply.loan(loan))], False, by=SERVICER)

    def claim(self, supply: Supply) -> None:
        """A loan is overdue, claimed, recovered or lost."""
        if not self._loans[supply.deal]:
            return
        loan, pick = self._random.choice(self._loans[supply.deal]), self._random.randrange(4)
        if pick == 0:
            mark = OverdueMark(loan_ref=loan, since_date=self._day - timedelta(35))
            self._ledger.submit([mark], deal=supply.deal, by=SERVICER)
        elif pick == 1:
            self._ledger.claim_run(supply.deal, date=self._day, by=SERVICER)
        elif pick == 2:
            lost = WriteOff(loan_ref=loan, date=self._day)
            self._ledger.submit([lost], deal=supply.deal, by=LEAD)
        else:
            entry = Recovery(
                entry_ref=f"C-{self._number}", loan_ref=loan, date=self._day,
                amount_minor=self._random.randrange(1, 9_000_00), cost_minor=0,
            )  # fmt: skip
            self._ledger.submit([entry], deal=supply.deal, by=SERVICER)

    def limit(self, supply: Supply) -> None:
        bank = self._random.choice([LEAD, PARTNER, OTHER])
        most = self._random.choice([10**7, 10**9, 10**9])
        args = supply.number(bank), supply.number(CORE), most
        self._ledger.request("Financing", "set_core_limit", *args, by=bank)

    def wait(self, supply: Supply) -> None:
        self._day += timedelta(self._random.choice([1, 3, 20]))

    # ---- shared

    def _entry(self, supply: Supply, function: str, ref: str, voucher: str, by: str) -> None:
        row = supply.id(f"E-{self._number}"), *supply.step(ref, voucher, self._day)
        contract = "Payments" if function == "recourse" else "Financing"
        supply.send(contract, function, [row], False, by=by)

    def _voucher(self, supply: Supply) -> str:
        if not self._vouchers[supply.deal]:
            self.issue(supply)
        return self._random.choice(self._vouchers[supply.deal][-8:])

    def _piece(self, supply: Supply, state: str = "") -> tuple[str, str]:
        """Mostly one in a state that fits, sometimes any."""
        own = self._pieces[supply.deal]
        if not own:
            self.confirm(supply)
        fits = [one for one in own if supply.piece(one[0]).live]
        if state and self._random.randrange(10):
            fits = [one for one in fits if supply.piece(one[0]).state == state] or fits
        return self._random.choice(fits or own)

    def _loan_of(self, supply: Supply, ref: str) -> str:
        loan = supply.piece(ref).loan_id
        return next((one for one in self._loans[supply.deal] if supply.loan(one) == loan), "")

    def _holder(self, piece: Piece) -> str:
        return self._member(piece.holder) if self._random.randrange(15) else self._anybody()

    def _member(self, number: int) -> str:
        found = reading.members(self._ledger.book())
        return next(one.member_id for one in found if one.number == number)

    def _anybody(self) -> str:
        return self._random.choice(EVERYBODY)


def make(folder: Path, seed: int, acts: int) -> Counter[str]:
    """A ledger after a storm, in `folder`; how many acts of each kind were taken."""
    files = folder.with_name(folder.name + "-files")
    files.mkdir(parents=True)
    (files / "consortium.toml").write_text(CONSORTIUM, "utf-8")
    found(folder, consortium.load(files / "consortium.toml"), dev=True)
    with Ledger.open(folder) as ledger:
        agree(ledger, files, CHAIN_V1 + LAYER)
        agree(ledger, files, SOLE_V1)
        return Storm(ledger, seed).rage(acts)
