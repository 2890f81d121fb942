"""Folding: what a reader of the events alone knows, with no rule of division.

Accounts but CASH and CLEARING, claims, what layers used, deposits, statements and calls. What an
event must hold by itself is asserted where it is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from tests.contracts.guarantees.desk import fields
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import Kind, unpacked
from tests.contracts.sandbox.model import PPM, nearest
from tests.contracts.sandbox.partnership import deal_id
from tests.contracts.sandbox.terms import Cap, Deposit, Terms

LARGEST_LEG = 2**57 - 1
_FIELDS = ("LOANS", "INTEREST", "PENALTY", "FEES")


def _amounts(words: Sequence[int]) -> list[int]:
    """Amounts by funders or layers; a leg below 0 would show as a huge one."""
    amounts = fields(words)
    assert max(amounts) <= LARGEST_LEG
    return amounts


def _legs(words: Sequence[int]) -> list[tuple[int, int, int, int]]:
    """Legs by party."""
    legs = [unpacked(word) for word in words]
    assert max(max(leg) for leg in legs) <= LARGEST_LEG
    return legs


@dataclass(kw_only=True)
class FoldedDeal:
    """A deal as its events have it."""

    accounts: Counter[tuple[str, str]] = field(default_factory=Counter)
    outstanding: int = 0
    disbursed: int = 0
    deposit: int = 0
    used: Counter[int] = field(default_factory=Counter)
    paid: Counter[tuple[bytes, int]] = field(default_factory=Counter)
    """Loan, layer: what it paid, of compensations that stand."""
    given_back: Counter[tuple[bytes, int]] = field(default_factory=Counter)
    compensated: set[bytes] = field(default_factory=set)
    top_ups: list[tuple[int, int, int]] = field(default_factory=list)
    statements: list[Event] = field(default_factory=list)
    settlements: list[Event] = field(default_factory=list)
    settled: Counter[tuple[int, int]] = field(default_factory=Counter)
    """Settlement, position of a payment: what was paid of it and not taken back."""
    payments: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Entry to settlement and position."""
    disputes: list[tuple[int, int, int, int]] = field(default_factory=list)
    """Day, party, against whom, sections."""


class Folded:
    """All deals, by name."""

    def __init__(self, deposits: Mapping[str, Deposit | None]) -> None:
        self.deals = {name: FoldedDeal() for name in deposits}
        self._names = {deal_id(name): name for name in deposits}
        self._deposits = {deal_id(name): deposit for name, deposit in deposits.items()}
        self._deal = FoldedDeal()
        self._terms: Terms | None = None

    def take(self, events: Sequence[Event], terms_of: Callable[[str, int], Terms]) -> None:
        """The events of one transaction; `terms_of` gives the terms of a deal's version."""
        for event in events:
            if "deal_id" in event.fields:
                name = self._names[event["deal_id"]]
                self._deal = self.deals[name]
                if "version" in event.fields and event.name != "TermsProposed":
                    self._terms = terms_of(name, event["version"])
            handler = getattr(self, f"_{event.name}", None)
            if handler is not None:
                handler(event)

    # ---- accounts
    @property
    def _ruling(self) -> Terms:
        assert self._terms is not None
        return self._terms

    def _add(self, account: str, changes: Sequence[int], sign: int = 1) -> None:
        for party, change in zip(self._ruling.parties, changes, strict=False):
            self._deal.accounts[party, account] += sign * change

    def _to_layers(self, amounts: Sequence[int], sign: int) -> None:
        for layer, amount in zip(self._ruling.layers, amounts, strict=False):
            self._deal.accounts[str(layer.payer), "CLAIMS"] += sign * amount

    def _move_deposit(self, event: Event, sign: int) -> None:
        amount = sign * event["amount_minor"]
        self._deal.deposit += amount
        assert self._deal.deposit == event["deposit_minor"]
        deposit = self._deposits[event["deal_id"]]
        assert deposit is not None
        self._deal.accounts[str(deposit.by), "DEPOSIT_PLACED"] += amount
        self._deal.accounts[str(deposit.custodian), "DEPOSIT_HELD"] -= amount

    # ---- lending
    def _LoanBooked(self, event: Event) -> None:
        amounts = _amounts(event["parts"])
        self._add("LOANS", amounts)
        self._deal.outstanding += sum(amounts)
        self._deal.disbursed += sum(amounts)

    def _LoanFeeCharged(self, event: Event) -> None:
        self._charge(_amounts(event["parts"]), 1)

    def _charge(self, amounts: Sequence[int], sign: int) -> None:
        self._add("FEES", amounts, sign)
        self._deal.accounts[str(self._ruling.fee_to), "FEES"] -= sign * sum(amounts)

    def _LoanRepaid(self, event: Event) -> None:
        legs = _legs(event["legs"])
        self._deal.outstanding -= sum(leg[0] for leg in legs)
        for position, account in enumerate(_FIELDS):
            self._add(account, [leg[position] for leg in legs], -1)

    def _LoanWrittenOff(self, event: Event) -> None:
        self._lose(_amounts(event["parts"]), 1)

    def _lose(self, amounts: Sequence[int], sign: int) -> None:
        self._deal.outstanding -= sign * sum(amounts)
        self._add("LOANS", amounts, -sign)
        self._add("LOSSES", amounts, sign)

    def _EntryReversed(self, event: Event) -> None:
        legs = _legs(event["legs"])
        principal = [leg[0] for leg in legs]
        sums = tuple(sum(leg[position] for leg in legs) for position in range(4))
        if event["reversed_kind"] == Kind.BOOKING:
            assert sums[0] == event["amounts"]
            self._add("LOANS", principal, -1)
            self._deal.outstanding -= sum(principal)
            self._deal.disbursed -= sum(principal)
            if any(leg[3] for leg in legs):
                self._charge([leg[3] for leg in legs], -1)
        elif event["reversed_kind"] == Kind.REPAYMENT:
            assert sums == unpacked(event["amounts"])
            self._deal.outstanding += sum(principal)
            for position, account in enumerate(_FIELDS):
                self._add(account, [leg[position] for leg in legs])
        elif event["reversed_kind"] == Kind.WRITE_OFF:
            assert sums == unpacked(event["amounts"])
            self._lose(principal, -1)

    # ---- guarantees
    def _DepositPaid(self, event: Event) -> None:
        self._move_deposit(event, 1)

    def _DepositReleased(self, event: Event) -> None:
        self._move_deposit(event, -1)

    def _DepositReversed(self, event: Event) -> None:
        self._move_deposit(event, -1)

    def _TopUpCalled(self, event: Event) -> None:
        names = ("amount_minor", "deposit_minor", "outstanding_minor")
        amount, deposit, outstanding = (event[name] for name in names)
        self._deal.top_ups.append((amount, deposit, outstanding))

    def _LoanCompensated(self, event: Event) -> None:
        assert event["loan_id"] not in self._deal.compensated  # G3
        self._deal.compensated.add(event["loan_id"])
        outstanding = self._deal.outstanding
        self._compensate(event, 1)
        for k, pay in enumerate(_amounts(event["pays"])):
            if pay:
                self._check_cap(k, outstanding)

    def _check_cap(self, k: int, outstanding: int) -> None:
        """G2, G5: what a layer has used is within its cap whenever it pays."""
        layer = self._ruling.layers[k]
        bases = {Cap.AMOUNT: PPM, Cap.DISBURSED: self._deal.disbursed, Cap.OUTSTANDING: outstanding}
        if layer.cap_kind != Cap.NONE:
            cap = nearest(Fraction(layer.cap * bases[Cap(layer.cap_kind)], PPM))
            assert self._deal.used[k] <= cap
        assert self._deal.deposit >= 0

    def _CompensationReversed(self, event: Event) -> None:
        self._deal.compensated.remove(event["loan_id"])
        self._compensate(event, -1)

    def _compensate(self, event: Event, sign: int) -> None:
        pays = _amounts(event["pays"])
        principal, interest = _amounts(event["principal_parts"]), _amounts(event["interest_parts"])
        assert sum(pays) == sum(principal) + sum(interest)  # G1
        terms = self._ruling
        self._deal.outstanding -= sign * sum(principal)
        self._add("LOANS", principal, -sign)
        self._add("INTEREST", interest, -sign)
        self._to_layers(pays, sign)
        for k, pay in enumerate(pays):
            self._deal.used[k] += sign * pay
            self._deal.paid[event["loan_id"], k] += sign * pay
            if pay and terms.layers[k].from_deposit:
                assert terms.deposit is not None
                self._deal.deposit -= sign * pay
                self._deal.accounts[str(terms.deposit.by), "DEPOSIT_PLACED"] -= sign * pay
                self._deal.accounts[str(terms.deposit.custodian), "DEPOSIT_HELD"] += sign * pay

    def _LoanRecovered(self, event: Event) -> None:
        self._recover(event, 1)

    def _RecoveryReversed(self, event: Event) -> None:
        self._recover(event, -1)

    def _recover(self, event: Event, sign: int) -> None:
        to_layers = _amounts(event["to_layers"])
        residual, surplus = _amounts(event["residual_parts"]), _amounts(event["surplus_parts"])
        principal, interest, penalty, fee = unpacked(event["amounts"])
        recovery = event["kind"] == Kind.RECOVERY
        cash = principal - fee if recovery else principal + interest + penalty + fee
        assert cash == sum(to_layers) + sum(residual) + sum(surplus)  # G1
        if not event["written_off"]:
            self._deal.outstanding -= sign * sum(residual)
        self._add("RECOVERIES" if event["written_off"] else "LOANS", residual, -sign)
        self._add("PENALTY", surplus, -sign)
        self._to_layers(to_layers, -sign)
        for k, part in enumerate(to_layers):
            self._deal.given_back[event["loan_id"], k] += sign * part
            if part and self._ruling.layers[k].reinstates:
                self._deal.used[k] -= sign * part

    # ---- months
    def _PeriodClosed(self, event: Event) -> None:
        parts = _amounts(event["parts"])
        assert sum(parts) == event["platform_minor"] >= 0  # S5
        self._add("INTEREST", parts)
        self._deal.accounts[str(self._ruling.period.to), "INTEREST"] -= sum(parts)
        self._deal.statements.append(event)

    # ---- days
    def _DayDisputed(self, event: Event) -> None:
        found = event["day"], event["party"], event["against"], event["sections"]
        self._deal.disputes.append(found)

    # ---- settlements
    def _SettlementMade(self, event: Event) -> None:
        self._deal.settlements.append(event)
        assert event["number"] == len(self._deal.settlements)

    def _SettlementPaid(self, event: Event) -> None:
        assert event["number"] == len(self._deal.settlements)  # S7
        place = event["number"], event["payment"]
        self._deal.payments[event["entry_id"]] = place
        self._deal.settled[place] += event["amount_minor"]

    def _PaymentReversed(self, event: Event) -> None:
        place = self._deal.payments.pop(event["reversed_id"])
        self._deal.settled[place] -= event["amount_minor"]
