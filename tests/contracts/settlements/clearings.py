"""Clearings: Settlements with a key that posts whatever is due, and what was paid of it.

So a test has any party owe any other; deals, four eyes, business days and the journal are the real
ones. Payments are written `("platform", "bank", 500)`: who pays whom how much.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tests.contracts.sandbox.chain import Chain, Key, created_by
from tests.contracts.sandbox.contract import Event, Receipt
from tests.contracts.sandbox.entries import id_of, on
from tests.contracts.sandbox.partnership import DEAL, MEMBERS, Member, Partnership, deal_id

Payment = tuple[str, str, int]
Dues = Mapping[str, int]
"""Member to CLEARING: positive for who is to receive."""

ID = deal_id(DEAL)
DAY = on("2026-02-02")
CLEARING = 1
BOOKING, SETTLEMENT_PAYMENT, REVERSAL = 1, 11, 12
"""Kinds of entry in the totals of a day."""


class Clearings(Partnership):
    """Members, Deals, Journal and Settlements; `poster` posts what is due."""

    def __init__(self, names: Sequence[str] = MEMBERS) -> None:
        self.chain = Chain()
        self.operator = Key("operator")
        self.poster = Key("poster")
        self.by_name = {name: Member.named(name, i + 1) for i, name in enumerate(names)}
        addresses = [created_by(self.operator.address, nonce) for nonce in range(4)]
        members, deals, journal, settlements = addresses
        admissions = [member.admission for member in self.by_name.values()]
        self.members = self._deploy("Members", admissions, [deals, journal, settlements])
        self.deals = self._deploy("Deals", members)
        self.journal = self._deploy("Journal", members, deals, [settlements, self.poster.address])
        self.settlements = self._deploy("Settlements", members, deals, journal, self.poster.address)
        contracts = (self.members, self.deals, self.journal, self.settlements)
        assert [contract.address for contract in contracts] == addresses

    # ---- what is due
    def owe(self, dues: Dues, *, date: int = DAY, deal: str = DEAL) -> None:
        """Something happens on a day by which the parties come to owe one another this."""
        postings = [(self.numbers[party], CLEARING, amount) for party, amount in dues.items()]
        self.journal.send(self.poster, "post", deal_id(deal), postings)
        self.journal.send(self.poster, "count", deal_id(deal), date, BOOKING, 1, 0, False)

    def close_day(self, day: int, dues: Dues, signers: Iterable[str]) -> None:
        """All who sign days sign one, at whose end this is due."""
        clearing = [dues.get(party, 0) for party in self.by_name] + [0] * 12
        totals = self.journal.read("open_totals", ID, day)
        statement = (totals, clearing[:12], bytes(32), bytes(32), [])
        for name in signers:
            member = self.by_name[name]
            self.confirmed(member, self.journal, "seal_day", ID, day, statement)
        assert self.journal.read("sealed_through", ID) == day

    # ---- settlements
    def settle(
        self,
        *payments: Payment,
        day: int = DAY,
        by: str = "bank",
        deal: str = DEAL,
    ) -> Receipt:
        """清算, by the maker of a party."""
        rows = [(self.numbers[payer], self.numbers[payee], n) for payer, payee, n in payments]
        maker = self.by_name[by].maker
        return self.settlements.send(maker, "settle", deal_id(deal), day, rows)

    def pay(
        self,
        entry: str,
        amount: int,
        *,
        date: int = DAY + 1,
        number: int = 1,
        payment: int = 0,
        by: str = "platform",
        reference: str = "bank's own",
        deal: str = DEAL,
    ) -> Receipt:
        """A payment of a settlement, or a part of it, as its payer or payee says."""
        maker = self.by_name[by].maker
        arguments = (id_of(entry), amount, date, id_of(reference))
        return self.settlements.send(maker, "paid", deal_id(deal), number, payment, *arguments)

    def take_back(
        self,
        entry: str,
        reversed_entry: str,
        *,
        date: int = DAY + 1,
        by: str = "platform",
        deal: str = DEAL,
    ) -> Receipt:
        """冲正 of a payment, as its payer or payee says."""
        maker = self.by_name[by].maker
        ids = id_of(entry), id_of(reversed_entry)
        return self.settlements.send(maker, "reverse_paid", deal_id(deal), *ids, date)

    # ---- views
    def dues(self, day: int = DAY, *, deal: str = DEAL) -> dict[str, int]:
        """What a settlement of the day has to bring to zero; zeros left out."""
        words = self.settlements.read("dues", deal_id(deal), day)
        assert not any(words[len(self.by_name) :])
        return {name: word for name, word in zip(self.by_name, words, strict=False) if word}

    def clearing(self, *, deal: str = DEAL) -> dict[str, int]:
        """CLEARING of each member as it stands; zeros left out."""
        found = {name: one.get("CLEARING", 0) for name, one in self.balances(deal=deal).items()}
        return {name: amount for name, amount in found.items() if amount}

    def rests(self, number: int = 1, *, payments: int = 1, deal: str = DEAL) -> list[int]:
        """What is left to pay of each payment of a settlement."""
        own = deal_id(deal)
        return [
            self.settlements.read("rest_minor", own, number, place) for place in range(payments)
        ]

    def counted(self, kind: int, date: int) -> tuple[int, int]:
        """How many entries of a kind count to a day, and what they come to."""
        word: int = self.journal.read("day_total", ID, date, kind)
        return word >> 128, word % 2**128

    def made(self, number: int, *payments: Payment, day: int = DAY, by: str = "bank") -> Event:
        """The event of a settlement."""
        return Event(
            "SettlementMade",
            deal_id=ID,
            number=number,
            day=day,
            party=self.numbers[by],
            payments=tuple((self.numbers[a], self.numbers[b], n) for a, b, n in payments),
        )


def payments_of(dues: Dues) -> list[Payment]:
    """Payments that settle, in the order of the parties: each pays until it owes no more."""
    owed = {party: amount for party, amount in dues.items() if amount > 0}
    found: list[Payment] = []
    for payer, amount in dues.items():
        left = -amount
        while left > 0:
            payee = next(iter(owed))
            part = min(left, owed[payee])
            found.append((payer, payee, part))
            left -= part
            owed[payee] -= part
            if not owed[payee]:
                del owed[payee]
    return found
