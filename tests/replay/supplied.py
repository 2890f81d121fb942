"""A partnership with vouchers: everything that Vouchers, Financing and Pools can report, on two deals.

Everything goes to the contracts as they take it, row by row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

from eth_hash.auto import keccak

from ledger import consortium, days, reading, terms
from ledger.bindings import label
from ledger.entries import Booking, Method, Purpose, Repayment, entry_id, loan_id
from ledger.events import Owed
from ledger.founding import found
from ledger.ledger import Ledger
from ledger.merkle import inclusion, root
from ledger.money import apportion, day_number
from ledger.replay.pools import Leaf
from ledger.voucher_records import Piece

SERVICER, LEAD, PARTNER, OTHER, CORE, CORE_2 = (
    "platform-p", "bank-a", "bank-b", "bank-c", "core-x", "core-y",
)  # fmt: skip
TIERS = "tier-1", "tier-2", "tier-3"
CHAIN, SOLE = "chain", "sole"
ADMITTED = {
    LEAD: "bank",
    PARTNER: "bank",
    SERVICER: "platform",
    OTHER: "bank",
    CORE: "core",
    CORE_2: "core",
}
CONSORTIUM = """
name = "replayed"
chain_id = 20251001
genesis_time = 2026-01-01T00:00:00Z
clock = "stepped"
""" + "".join(
    f'[[member]]\nid = "{member}"\nname = "{member}"\nroles = ["{role}"]\n'
    f"validator = {str(member in (LEAD, PARTNER, SERVICER)).lower()}\n"
    for member, role in {**ADMITTED, **dict.fromkeys(TIERS, "supplier")}.items()
)
CHAIN_V1 = """
id = "chain"
mode = "receivable"
currency = "CNY"
day_count = "ACT/360"
servicer = "platform-p"
disbursed_by = "bank-a"
collected_by = "bank-b"
[[funding]]
party = "bank-a"
share = "60%"
[[funding]]
party = "bank-b"
share = "40%"
[[interest]]
to = "funders"
rate = "3%"
[[interest]]
to = "platform-p"
share = "35%"
[receivable]
cores = ["core-x"]
advance = "85%"
core_cost = "30%"
evidence = ["delivery"]
recourse = true
max_days = 365
[limits]
max_annual_rate = "12%"
max_outstanding = "900000.00"
interest_check = "refuse"
"""
SOLE_V1 = """
id = "sole"
mode = "receivable"
currency = "CNY"
day_count = "ACT/365"
servicer = "platform-p"
disbursed_by = "bank-a"
collected_by = "bank-a"
[[funding]]
party = "bank-a"
share = "100%"
"""
START = date(2026, 1, 5)
DUE = date(2026, 7, 4)
FACE = 100_000_01
RATE = 60_000
DELIVERY = 16
MEMBERS = {**ADMITTED, **dict.fromkeys(TIERS, "supplier")}


class Supply:
    """A ledger, with rows for its contracts."""

    def __init__(self, ledger: Ledger, deal: str) -> None:
        self.ledger = ledger
        self.deal = deal
        self.own = label(deal)

    # ---- words

    def id(self, ref: str) -> bytes:
        return entry_id(self.ledger.salt(self.deal), ref)

    def loan(self, ref: str) -> bytes:
        return loan_id(self.ledger.salt(self.deal), ref)

    def number(self, member: str) -> int:
        found = reading.members(self.ledger.book())
        return next(one.number for one in found if one.member_id == member)

    def piece(self, ref: str) -> Piece:
        found = reading.piece(self.ledger.book(), self.ledger.deal(self.deal).deal, self.id(ref))
        assert found is not None, ref
        return found

    def step(self, ref: str, voucher: str, on: date) -> tuple[bytes, bytes, int]:
        """What every row on a piece begins with."""
        place = day_number(on) | self.piece(ref).sequence << 16
        return self.id(ref), self.id(voucher), place

    # ---- calls

    def send(
        self, contract: str, function: str, rows: Sequence[tuple[object, ...]], *late: bool, by: str
    ) -> None:
        self.ledger.send(contract, function, self.own, 1, list(rows), *late, by=by)

    def issue(
        self,
        *refs: str,
        by: str = CORE,
        core: str = CORE,
        supplier: str = TIERS[0],
        amount: int = FACE,
        due: date = DUE,
        invoice: str = "",
        on: date = START,
    ) -> None:
        owed = Owed(
            self.number(core), self.number(supplier), day_number(on), day_number(due),
            day_number(on) - 3, 0,
        )  # fmt: skip
        rows = [
            (self.id(ref), keccak((invoice or ref).encode()), amount, owed.pack()) for ref in refs
        ]
        self.send("Vouchers", "issue", rows, by=by)

    def confirm(self, *refs: str, on: date = START, by: str = CORE) -> None:
        rows = [(self.id(ref), day_number(on)) for ref in refs]
        self.ledger.request("Vouchers", "confirm", self.own, 1, rows, False, by=by)

    def attest(self, *refs: str, kind: int = DELIVERY, by: str = TIERS[0]) -> None:
        rows = [(self.id(ref), kind, keccak(ref.encode() + b"%d" % kind)) for ref in refs]
        self.send("Vouchers", "attest", rows, by=by)

    def dispute(self, ref: str, disputed: int, by: str) -> None:
        self.send("Vouchers", "dispute", [(self.id(ref), disputed)], by=by)

    def split(self, ref: str, child: str, amount: int, by: str, voucher: str, on: date) -> None:
        row = *self.step(ref, voucher, on), self.id(child), amount
        self.send("Vouchers", "split", [row], by=by)

    def transfer(self, ref: str, to: str, by: str, voucher: str, on: date) -> None:
        invoice = keccak(f"{ref} to {to}".encode())
        row = self.id(f"T-{ref}-{to}"), *self.step(ref, voucher, on), self.number(to), invoice
        self.send("Vouchers", "transfer", [row], False, by=by)

    def offer(
        self, ref: str, by: str, voucher: str, on: date, *, rate: int = RATE, loan: str = ""
    ) -> None:
        step = self.step(ref, voucher, on)
        row = (*step, 2, 0, self.loan(loan)) if loan else (*step, 1, rate, bytes(32))
        self.send("Financing", "offer", [row], by=by)

    def simply(
        self, function: str, ref: str, voucher: str, on: date, *more: object, by: str
    ) -> None:
        """A row that is a step, with what else it has."""
        self.send("Financing", function, [(*self.step(ref, voucher, on), *more)], by=by)

    def entry(
        self, function: str, ref: str, voucher: str, on: date, *more: object, by: str
    ) -> None:
        """A row that is an entry."""
        row = self.id(f"{function}-{ref}-{on}"), *self.step(ref, voucher, on), *more
        contract = "Payments" if function in ("recourse", "convert") else "Financing"
        self.send(contract, function, [row], False, by=by)

    def discount(self, ref: str, voucher: str, on: date, holder: str) -> None:
        self.offer(ref, holder, voucher, on)
        self.entry("discount", ref, voucher, on, by=SERVICER)

    def book(self, ref: str, on: date, amount: int, rate: int = 48_000) -> None:
        self.ledger.submit(
            [
                Booking(
                    loan_ref=ref,
                    borrower_ref=f"B-{ref}",
                    start_date=on,
                    maturity_date=on + timedelta(120),
                    principal_minor=amount,
                    annual_rate_ppm=rate,
                    method=Method.BULLET,
                    purpose=Purpose.BUSINESS,
                )
            ],
            deal=self.deal,
            by=SERVICER,
        )

    def repay(self, loan: str, on: date, principal: int, interest: int) -> tuple[bytes, int, int]:
        """A repayment; its id, its amounts, and the tip before it."""
        before = self.tip(loan)
        ref = f"R-{loan}-{on}"
        entry = Repayment(
            entry_ref=ref,
            loan_ref=loan,
            date=on,
            principal_minor=principal,
            interest_minor=interest,
            penalty_minor=0,
            fee_minor=0,
        )
        self.ledger.submit([entry], deal=self.deal, by=SERVICER)
        return self.id(ref), principal | interest << 64, before

    def tip(self, loan: str) -> int:
        """As it stands in the loan's word."""
        from ledger.bindings import decode_output, encode_call

        data = encode_call("Loans", "loan", self.own, self.loan(loan))
        to = self.ledger.settings.contracts["Loans"]
        word = decode_output("Loans", "loan", self.ledger.engine.call(to=to, data=data))
        return int(word) >> 136

    def instruct(self, voucher: str, amount: int, on: date, by: str = CORE) -> None:
        row = self.id(voucher), day_number(on), amount, keccak(b"order " + voucher.encode())
        self.send("Payments", "instruct", [row], by=by)

    def settle(
        self,
        voucher: str,
        amount: int,
        on: date,
        *pieces: str,
        by: str = PARTNER,
        repaid: dict[str, tuple[bytes, int, int]] | None = None,
    ) -> None:
        """Pay an amount on a voucher to its pieces, the first taking the residue."""
        live = [self.piece(ref) for ref in pieces]
        parts = apportion(amount, [one.amount_minor for one in live])
        rows = []
        for ref, part in zip(pieces, parts, strict=True):
            step = self.step(ref, voucher, on)
            with_it = (repaid or {}).get(ref, (bytes(32), 0, 0))
            own = self.id(f"P-{ref}-{on}")
            rows.append((own, step[1], step[0], step[2], part, *with_it))
        self.send("Payments", "settle", rows, False, by=by)


def make(folder: Path) -> Path:
    """Found the partnership in `folder`; every call makes the very same chain."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    files = folder.with_name(folder.name + "-files")
    files.mkdir()
    (files / "consortium.toml").write_text(CONSORTIUM, "utf-8")
    found(folder, consortium.load(files / "consortium.toml"), dev=True)
    with Ledger.open(folder) as ledger:
        agree(ledger, files, CHAIN_V1)
        agree(ledger, files, SOLE_V1)
        chain(Supply(ledger, CHAIN))
        sole(Supply(ledger, SOLE))
        pool(Supply(ledger, CHAIN))
    return folder


def agree(ledger: Ledger, files: Path, text: str) -> None:
    (files / "deal.toml").write_text(text, "utf-8")
    loaded = terms.load(files / "deal.toml")
    ledger.propose(loaded, by=SERVICER, effective_date=day_number(date(2025, 1, 1)))
    for party in loaded.parties:
        ledger.sign(loaded.id, by=party)


def after(number: int) -> date:
    return START + timedelta(number)


def chain(supply: Supply) -> None:
    """Issued, confirmed, split, passed on, discounted, pledged, paid, and what was not paid."""
    number, ledger = supply.number, supply.ledger
    for bank in (LEAD, PARTNER):
        limit = number(bank), number(CORE), 400_000_00
        ledger.request("Financing", "set_core_limit", *limit, by=bank)
    supply.issue("V-1", "V-2", "V-3")
    supply.issue("V-4", by=TIERS[0])
    supply.issue("V-5", "V-6", by=SERVICER, due=date(2026, 3, 6))
    supply.send("Vouchers", "cancel", [(supply.id("V-3"), keccak(b"V-3"))], by=TIERS[0])
    supply.issue("V-7", invoice="V-3")
    for by in (CORE, SERVICER):
        supply.dispute("V-4", 1, by)
    for by in (SERVICER, CORE):
        supply.dispute("V-4", 0, by)
    supply.dispute("V-7", 1, TIERS[0])
    supply.attest("V-1", "V-2", "V-4", "V-5", "V-6")
    supply.attest("V-1", kind=1, by=CORE)
    supply.confirm("V-1", "V-2", "V-4", "V-5", "V-6", "V-7")
    held(supply)
    financed(supply)
    paid(supply)
    not_paid(supply)


def held(supply: Supply) -> None:
    """V-1 in five pieces of three holders."""
    first, second, third = TIERS
    supply.split("V-1", "V-1-a", 40_000_00, first, "V-1", after(1))
    supply.split("V-1", "V-1-b", 20_000_03, first, "V-1", after(1))
    supply.transfer("V-1-a", second, first, "V-1", after(2))
    supply.split("V-1-a", "V-1-a-1", 10_000_00, second, "V-1", after(3))
    supply.transfer("V-1-a-1", third, second, "V-1", after(4))


def financed(supply: Supply) -> None:
    """Discounted, withdrawn, pledged, repaid and released."""
    first, second, third = TIERS
    supply.discount("V-1-a-1", "V-1", after(5), third)
    supply.offer("V-2", first, "V-2", after(5))
    supply.simply("withdraw", "V-2", "V-2", after(6), by=SERVICER)
    supply.discount("V-2", "V-2", after(7), first)
    for ref, on in (("V-1-a", after(8)), ("V-4", after(9))):
        holder = second if ref == "V-1-a" else first
        voucher = "V-1" if ref == "V-1-a" else "V-4"
        supply.offer(ref, holder, voucher, on, loan=f"L-{ref}")
        supply.book(f"L-{ref}", on, 20_000_00)
        supply.simply("pledge", ref, voucher, on, supply.loan(f"L-{ref}"), by=SERVICER)
    supply.repay("L-V-4", after(40), 20_000_00, 82_67)
    supply.simply("release", "V-4", "V-4", after(40), by=SERVICER)
    supply.discount("V-5", "V-5", after(10), first)
    supply.discount("V-6", "V-6", after(10), first)


def paid(supply: Supply) -> None:
    """A part of V-1, taken back and paid again with the rest; the whole of V-2."""
    pieces = "V-1", "V-1-a", "V-1-a-1", "V-1-b"
    on = after(100)
    supply.instruct("V-1", FACE, on)
    amount = 33_333_33
    share = part_of(supply, "V-1-a", pieces, amount)
    repaid = supply.repay("L-V-1-a", on, share - 100_00, 100_00)
    supply.settle("V-1", amount, on, *pieces, repaid={"V-1-a": repaid})
    row = (
        supply.id("undone"), *supply.step("V-1-b", "V-1", after(101)),
        supply.id(f"P-V-1-b-{on}"), day_number(on),
        part_of_paid(supply, "V-1-b"),
    )  # fmt: skip
    supply.ledger.send("Payments", "reverse_payment", supply.own, 1, row, by=PARTNER)
    rest = sum(supply.piece(ref).amount_minor for ref in pieces)
    left = 20_000_00 - (share - 100_00)
    settled = supply.repay("L-V-1-a", after(102), left, 5_00)
    interest = owed_on(supply, "L-V-1-a", after(102))
    if interest:
        settled = supply.repay("L-V-1-a", after(103), 0, interest)
    supply.settle("V-1", rest, after(103), *pieces, repaid={"V-1-a": settled})
    supply.instruct("V-2", FACE, DUE)
    supply.settle("V-2", FACE, DUE, "V-2")


def part_of(supply: Supply, ref: str, pieces: Sequence[str], amount: int) -> int:
    weights = [supply.piece(one).amount_minor for one in pieces]
    return apportion(amount, weights)[list(pieces).index(ref)]


def part_of_paid(supply: Supply, ref: str) -> int:
    return supply.piece(ref).paid_minor


def owed_on(supply: Supply, loan: str, on: date) -> int:
    """Interest accrued on a loan and not paid."""
    from ledger.bindings import decode_output, encode_call

    data = encode_call("Loans", "unpaid_interest", supply.own, supply.loan(loan), day_number(on))
    to = supply.ledger.settings.contracts["Loans"]
    return int(decode_output("Loans", "unpaid_interest", supply.ledger.engine.call(to=to, data=data)))


def not_paid(supply: Supply) -> None:
    """V-5 goes back to the supplier, a loan to the core enterprise pays V-6."""
    on = date(2026, 3, 10)
    supply.instruct("V-5", 30_000_00, on)
    supply.settle("V-5", 30_000_00, on, "V-5")
    supply.entry("recourse", "V-5", "V-5", on, by=PARTNER)
    supply.book("L-core", on, supply.piece("V-6").amount_minor, 0)
    supply.entry("convert", "V-6", "V-6", on, supply.loan("L-core"), by=SERVICER)
    ledger, sealed = supply.ledger, date(2026, 1, 31)
    breaks = days.statement(ledger.book(), ledger.deal(CHAIN), day_number(sealed)).breaks
    assert breaks == ()
    for by in (LEAD, PARTNER, SERVICER):
        ledger.seal(CHAIN, date=sealed, by=by)


def sole(supply: Supply) -> None:
    """One funder, who sells what it bought to another bank; any core enterprise."""
    first = TIERS[0]
    refs = "S-1", "S-2", "S-3"
    supply.issue(*refs, core=CORE_2, by=CORE_2)
    supply.confirm(*refs, by=CORE_2)
    for ref in refs[:2]:
        supply.discount(ref, ref, after(3), first)
    for ref, price in (("S-1", 98_000_00), ("S-2", FACE + 5)):
        sell(supply, ref, price, LEAD, OTHER, after(10))
    sell(supply, "S-1", 99_000_00, OTHER, PARTNER, after(20))
    offered = supply.number(OTHER), 97_000_00
    supply.simply("offer_sale", "S-1", "S-1", after(30), *offered, by=PARTNER)
    supply.simply("withdraw", "S-1", "S-1", after(31), by=PARTNER)
    # What a bank bought counts for it, offered on or not.
    supply.offer("S-2", OTHER, "S-2", after(33))
    supply.simply("withdraw", "S-2", "S-2", after(34), by=OTHER)
    for ref in ("S-1", "S-2"):
        supply.instruct(ref, 60_000_00, after(40), by=CORE_2)
        supply.settle(ref, 60_000_00, after(40), ref, by=LEAD)
    supply.instruct("S-1", FACE - 60_000_00, DUE, by=CORE_2)
    supply.settle("S-1", FACE - 60_000_00, DUE, "S-1", by=LEAD)


def sell(supply: Supply, ref: str, price: int, seller: str, buyer: str, on: date) -> None:
    supply.simply("offer_sale", ref, ref, on, supply.number(buyer), price, by=seller)
    supply.simply("accept_sale", ref, ref, on, price, by=buyer)
    supply.entry("confirm_sale", ref, ref, on, by=seller)


def leaves(supply: Supply) -> list[Leaf]:
    kinds = [("V-1", 1), ("L-V-4", 2), ("V-2", 1), ("V-5", 1), ("L-core", 2)]
    return [
        Leaf(supply.own, kind, supply.loan(ref) if kind == 2 else supply.id(ref), 10_000_00 + at)
        for at, (ref, kind) in enumerate(kinds)
    ]


def pool(supply: Supply) -> None:
    """Frozen, and one of its assets replaced."""
    ledger, assets = supply.ledger, leaves(supply)
    total = sum(one.amount_minor for one in assets)
    words = [one.encode() for one in assets]
    own = keccak(b"pool one")
    frozen = (
        supply.number(LEAD), own, root(words), len(words), total, total - 10_000_00, 10_000_00,
        day_number(after(200)),
    )  # fmt: skip
    ledger.request("Pools", "freeze", *frozen, by=LEAD)
    coming = Leaf(supply.own, 1, supply.id("V-6"), 12_000_00)
    replaced = own, 4, assets[4], coming, inclusion(words, 4), day_number(after(201))
    ledger.send("Pools", "substitute", *replaced, by=LEAD)
