"""Partnership: the ledger's contracts on a throw-away chain, with members who act by role."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.contracts.sandbox.chain import Chain, Key, Refused, created_by
from tests.contracts.sandbox.contract import NAMES, Contract, Receipt, creation_code
from tests.contracts.sandbox.days import Statement
from tests.contracts.sandbox.entries import (
    Booking,
    Loan,
    OverdueMark,
    Repayment,
    Reversal,
    Waiver,
    WriteOff,
    id_of,
    in_sequence,
)
from tests.contracts.sandbox.terms import Terms

ACCOUNTS = (
    "CASH CLEARING LOANS INTEREST PENALTY FEES DEPOSIT_PLACED DEPOSIT_HELD CLAIMS LOSSES RECOVERIES "
    "VOUCHERS_HELD VOUCHERS_OWED DISCOUNT"
).split()
DEAL = "joint-2026-01"
MEMBERS = ("bank", "platform", "guarantor", "auditor")

WIRING = {
    "Accruals": ("Deals", "Loans", "Servicing", "Settlements"),
    "Deals": ("Members",),
    "Exposures": ("Members", "Deals", "Guarantees", "Journal", "Loans", "Servicing"),
    "Financing": ("Members", "Deals", "Journal", "Lists", "Loans", "Payments", "Vouchers"),
    "Guarantees": ("Members", "Deals", "Exposures", "Journal", "Loans"),
    "Journal": ("Members", "Deals"),
    "Lists": ("Members",),
    "Loans": (
        "Members", "Deals", "Accruals", "Exposures", "Guarantees", "Journal", "Lists", "Servicing",
    ),
    "Payments": ("Members", "Deals", "Financing", "Journal", "Loans", "Vouchers"),
    "Pools": ("Members",),
    "Servicing": ("Members", "Deals", "Exposures", "Journal", "Loans"),
    "Settlements": ("Members", "Deals", "Journal", "Accruals"),
    "Vouchers": ("Members", "Deals", "Journal", "Financing"),
}  # fmt: skip
"""Contract to those whose addresses its constructor takes."""
POSTERS = (
    "Financing", "Guarantees", "Loans", "Payments", "Servicing", "Settlements", "Vouchers",
)  # fmt: skip
CONFIRMING = (
    "Deals", "Exposures", "Financing", "Guarantees", "Journal", "Lists", "Pools", "Servicing",
    "Settlements", "Vouchers",
)  # fmt: skip

Balances = dict[str, dict[str, int]]


def deal_id(name: str) -> bytes:
    """A deal's name as the contracts take it."""
    return name.encode().ljust(32, b"\0")


@dataclass(frozen=True, slots=True)
class Member:
    """An institution with its two keys."""

    name: str
    number: int
    maker: Key
    checker: Key
    roles: int

    @classmethod
    def named(cls, name: str, number: int, roles: int | None = None) -> Member:
        """A member whose keys follow from its name, and its roles from its number unless told."""
        of_number = 1 << number % 8 if roles is None else roles
        return cls(name, number, Key(f"{name} maker"), Key(f"{name} checker"), of_number)

    @property
    def admission(self) -> tuple[Any, ...]:
        """As Members takes it."""
        return (
            deal_id(self.name),
            self.name.title(),
            self.maker.address,
            self.checker.address,
            self.roles,
            self.number % 2,
            self.maker.address if self.number <= 2 else bytes(20),
        )


class Partnership:
    """Contracts deployed by an operator, wired by the addresses they will have."""

    def __init__(
        self, names: Sequence[str] = MEMBERS, roles: Mapping[str, int] | None = None
    ) -> None:
        self.chain = Chain()
        self.operator = Key("operator")
        self.by_name = {
            name: Member.named(name, i + 1, (roles or {}).get(name)) for i, name in enumerate(names)
        }
        self.addresses = {
            name: created_by(self.operator.address, nonce) for nonce, name in enumerate(NAMES)
        }
        at = self.addresses
        admissions = [member.admission for member in self.by_name.values()]
        told: dict[str, tuple[Any, ...]] = {
            name: tuple(at[other] for other in others) for name, others in WIRING.items()
        }
        told["Journal"] += ([at[name] for name in POSTERS],)
        told["Members"] = (admissions, [at[name] for name in CONFIRMING])
        contracts = {name: self._deploy(name, *told[name]) for name in NAMES}
        assert {name: one.address for name, one in contracts.items()} == at
        self.accruals, self.deals, self.exposures = (
            contracts[name] for name in ("Accruals", "Deals", "Exposures")
        )
        self.guarantees, self.journal, self.lists = (
            contracts[name] for name in ("Guarantees", "Journal", "Lists")
        )
        self.financing, self.payments, self.pools, self.vouchers = (
            contracts[name] for name in ("Financing", "Payments", "Pools", "Vouchers")
        )
        self.loans, self.servicing, self.settlements, self.members = (
            contracts[name] for name in ("Loans", "Servicing", "Settlements", "Members")
        )

    def _deploy(self, name: str, *arguments: Any) -> Contract:
        address = self.chain.deploy(self.operator, creation_code(name, *arguments))
        return Contract(self.chain, name, address)

    def enrol(self, *names: str, by: Key | None = None) -> None:
        """登记 of suppliers, by the first member's maker unless told."""
        key = by or next(iter(self.by_name.values())).maker
        first = self.members.read("count") + 1
        enrolled = [Member.named(name, first + i, 16) for i, name in enumerate(names)]
        rows = [(deal_id(one.name), one.name.title(), one.maker.address) for one in enrolled]
        self.members.send(key, "enrol", rows)
        self.by_name |= {one.name: one for one in enrolled}

    @property
    def numbers(self) -> Mapping[str, int]:
        """Member number by name."""
        return {name: member.number for name, member in self.by_name.items()}

    @contextmanager
    def unchanged(self) -> Iterator[None]:
        """Everything that happens inside is undone: for one example of many."""
        before = self.chain.snapshot()
        try:
            yield
        finally:
            self.chain.revert(before)

    # ---- four eyes and terms
    def request(self, maker: Key, contract: Contract, function: str, *arguments: Any) -> Receipt:
        """A maker asks for an action."""
        payload = contract.data(function, *arguments)
        return self.members.send(maker, "request", contract.address, payload)

    def confirmed(
        self, member: Member, contract: Contract, function: str, *arguments: Any
    ) -> Receipt:
        """A maker's request and the checker's confirmation by the very call."""
        self.request(member.maker, contract, function, *arguments)
        return contract.send(member.checker, function, *arguments)

    def propose(self, terms: Terms, *, by: Key | None = None, deal: str = DEAL) -> Receipt:
        """Terms proposed, by the platform's maker unless told."""
        key = by or self.by_name["platform"].maker
        return self.deals.send(key, "propose", deal_id(deal), terms.encoded(self.numbers))

    def sign(self, party: str, terms: Terms, version: int = 1, *, deal: str = DEAL) -> Receipt:
        """A party signs its own copy of the terms."""
        digest = terms.hash(self.numbers)
        member = self.by_name[party]
        return self.confirmed(member, self.deals, "sign", deal_id(deal), version, digest)

    def agree(self, terms: Terms, *, deal: str = DEAL) -> int:
        """Terms proposed and signed by all; the version."""
        maker = self.by_name[terms.parties[0]].maker
        version: int = self.propose(terms, by=maker, deal=deal).returned
        for party in terms.parties:
            self.sign(party, terms, version, deal=deal)
        return version

    # ---- entries
    def book(
        self,
        *rows: Booking,
        version: int = 1,
        by: Key | None = None,
        deal: str = DEAL,
        late: bool = False,
    ) -> Receipt:
        """放款, by the platform's maker unless told."""
        key = by or self.by_name["platform"].maker
        booked = [row.row for row in rows]
        return self.loans.send(key, "book", deal_id(deal), version, booked, late)

    def repay(
        self,
        *rows: Repayment,
        version: int = 1,
        by: Key | None = None,
        deal: str = DEAL,
        late: bool = False,
    ) -> Receipt:
        """还款, by the platform's maker unless told."""
        key = by or self.by_name["platform"].maker
        return self._submit("repay", rows, version, key, deal, self.loans, late)

    def mark_overdue(
        self, *rows: OverdueMark, version: int = 1, by: Key | None = None, deal: str = DEAL
    ) -> Receipt:
        """逾期, by the platform's maker unless told."""
        key = by or self.by_name["platform"].maker
        return self._submit("mark_overdue", rows, version, key, deal, self.servicing)

    def waive(
        self,
        *rows: Waiver,
        version: int = 1,
        by: Key | None = None,
        deal: str = DEAL,
        late: bool = False,
    ) -> Receipt:
        """减免, by the bank's maker unless told."""
        key = by or self.by_name["bank"].maker
        return self._submit("waive", rows, version, key, deal, self.servicing, late)

    def write_off(
        self, *rows: WriteOff, version: int = 1, by: Member | None = None, deal: str = DEAL
    ) -> Receipt:
        """核销 under four eyes of the bank unless told."""
        member = by or self.by_name["bank"]
        numbered = self._numbered(rows, deal)
        return self.confirmed(member, self.servicing, "write_off", deal_id(deal), version, numbered)

    def reverse(
        self, row: Reversal, *, version: int = 1, by: Key | None = None, deal: str = DEAL
    ) -> Receipt:
        """冲正, by the maker of the party that posts such entries unless told."""
        of_lead = row.reversed_kind in (3, 4)
        key = by or self.by_name["bank" if of_lead else "platform"].maker
        contract = self.servicing if of_lead else self.loans
        numbered = in_sequence(row, self.loan(row.loan, deal=deal).sequence)
        return contract.send(key, "reverse", deal_id(deal), version, numbered.row)

    def _submit(
        self,
        function: str,
        rows: Sequence[Any],
        version: int,
        key: Key,
        deal: str,
        contract: Contract,
        *late: bool,
    ) -> Receipt:
        numbered = self._numbered(rows, deal)
        return contract.send(key, function, deal_id(deal), version, numbered, *late)

    def _numbered(self, rows: Sequence[Any], deal: str) -> list[Any]:
        earlier: Counter[str] = Counter()
        numbered = []
        for row in rows:
            if row.sequence is None:
                on_chain = self.loan(row.loan, deal=deal).sequence
                row = in_sequence(row, on_chain + earlier[row.loan])
            earlier[row.loan] += 1
            numbered.append(row.row)
        return numbered

    # ---- business days
    def statement(self, day: int, *, deal: str = DEAL, **fields: Any) -> Statement:
        """A statement of a day with the journal's own totals, unless told."""
        if "totals" not in fields:
            fields["totals"] = self.journal.read("open_totals", deal_id(deal), day)
        return Statement(**fields)

    def seal(
        self, party: str, day: int, statement: Statement | None = None, *, deal: str = DEAL
    ) -> Receipt:
        """A party signs its statement of a day; the journal's own totals and no more unless told."""
        row = (statement or self.statement(day, deal=deal)).row
        member = self.by_name[party]
        return self.confirmed(member, self.journal, "seal_day", deal_id(deal), day, row)

    # ---- views
    def loan(self, ref: str, *, deal: str = DEAL) -> Loan:
        """A loan as stored."""
        return Loan.of(self.loans.read("loan", deal_id(deal), id_of(ref)))

    def volume(self, *, deal: str = DEAL) -> tuple[int, int]:
        """Outstanding and disbursed principal of the deal."""
        outstanding, disbursed = self.loans.read("volume", deal_id(deal))
        return outstanding, disbursed

    def borrower_outstanding(self, borrower: str, *, lead: str = "bank") -> int:
        """What a borrower owes in the deals of a lead whose terms limit it."""
        key = self.by_name[lead].number.to_bytes(32, "big")
        owed: int = self.loans.read("borrower_outstanding_minor", key, id_of(borrower))
        return owed

    def balances(self, *, deal: str = DEAL) -> Balances:
        """Member to account to balance; zeros left out.

        Read from the storage itself: a hundred calls of the view would take most of a test's time.
        """
        found: Balances = {}
        for name, number in self.numbers.items():
            for account in ACCOUNTS:
                key = number * 256 + ACCOUNTS.index(account)
                word = self.journal.stored("balances", deal_id(deal), key)
                if word:
                    balance = word - 2**256 if word >> 255 else word
                    found.setdefault(name, {})[account] = balance
        return found


@contextmanager
def refused(reason: str) -> Iterator[None]:
    """What happens inside is refused, for exactly this reason."""
    try:
        yield
    except Refused as error:
        assert error.reason == reason, f"refused for {error.reason}, expected {reason}"
    else:
        raise AssertionError(f"accepted, expected {reason}")
