"""Agreeing: rules for terms, stops, days, keys, lists, figures and the ends of months."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.contracts.sandbox.banks import LAST_DAY, Figure, Role
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.days import KINDS, Statement
from tests.contracts.sandbox.entries import START, id_of, on
from tests.contracts.sandbox.partnership import deal_id
from tests.contracts.settlements.periods import first_day
from tests.stateful.deals import MEMBERS, Plan
from tests.stateful.draws import (
    ASKED,
    DAYS,
    DEALS,
    PARTIES,
    SENDERS,
    WITH_PERIOD,
    any_plan,
)
from tests.stateful.exposures import Declaration
from tests.stateful.lists import Change, roles_of
from tests.stateful.office import GROUPS, NEW_KEYS, Office
from tests.stateful.refusal import Refusal

BANKS = st.sampled_from(["bank", "bank", "platform"])
SPOILT = st.sampled_from(
    [""] * 9 + ["totals", "clearing", "entries", "one break", "one break", "two breaks"]
)
"""What of a statement is not as the books say."""


class Agreeing(Office):
    """What parties agree on, and what members say about themselves and others."""

    @rule(name=DEALS)
    def views_say_what_is_agreed(self, name: str) -> None:
        """The simplest step: nothing happens."""
        deal, numbers = self.deal(name), self.partnership.numbers
        ledger, own = self.partnership, deal_id(name)
        signing = ledger.deals.read("signing_parties", own)
        assert set(signing) == {numbers[party] for party in deal.signing_parties}
        version = deal.in_force[-1]
        assert ledger.deals.read("effective_until", own, version) == deal.ruled_until(version)
        assert ledger.settlements.read("first_month", own) == (
            deal.months.closed[0].month if deal.months.closed else deal.months.open_month
        )
        for ref, loan in deal.loans.items():
            if loan.compensated:
                claims = [ledger.guarantees.read("claims", own, id_of(ref), k) for k in range(8)]
                assert claims == loan.claims

    # ---- terms
    @rule(name=DEALS, which=st.integers(0, 60), sender=SENDERS)
    def propose(self, name: str, which: int, sender: str | None) -> None:
        later = self.plans[name].later
        self.propose_terms(name, self.key(sender, "bank"), later[which % len(later)])

    @precondition(
        lambda self: any(
            len(deal.proposals) not in deal.in_force for deal in self.model.deals.values()
        )
    )
    @rule(name=DEALS, party=PARTIES, back=st.sampled_from([0, 0, 0, 1, -1]), own=st.booleans())
    def sign(self, name: str, party: str, back: int, own: bool) -> None:
        proposals = self.deal(name).proposals
        version = len(proposals) - back
        terms = proposals[min(version, len(proposals)) - 1]
        shown = terms if own or back else replace(terms, document_digest=b"\x09" * 32)
        self.sign_terms(name, party, version, shown)

    @rule(name=DEALS, which=st.integers(0, 60))
    def amend(self, name: str, which: int) -> None:
        """Sound terms, unless others are proposed already, signed by all."""
        if len(self.deal(name).proposals) in self.deal(name).in_force:
            day = self.deal(name).newest.effective_date
            plan = self.plans[name]
            later = [one for one in plan.later[: plan.sound] if one.effective_date > day]
            if later:
                self.propose_terms(name, self.key(None, "bank"), later[which % len(later)])
        deal = self.deal(name)
        version = len(deal.proposals)
        if version not in deal.in_force:
            terms = deal.terms(version)
            for party in sorted(set(terms.parties) - deal.signatures[-1]):
                self.sign_terms(name, party, version, terms)

    # ---- suspension and closing
    @rule(
        name=DEALS,
        act=st.sampled_from(["suspend", "resume", "resume", "close"]),
        party=PARTIES,
        by_all=st.integers(0, 5),
        ask=ASKED,
    )
    def stop(self, name: str, act: str, party: str, by_all: int, ask: bool) -> None:
        deal = self.deal(name)
        parties = [party]
        if act == "resume" and not deal.suspended_by and by_all:
            act = "suspend"
        if act == "resume" and deal.suspended_by and by_all:
            parties = [deal.suspended_by]
        elif act == "close" and by_all == 0 and len(deal.loans) > 5:
            # Seldom: nothing can be booked from then on.
            parties = sorted(deal.signing_parties)
        for one in parties:
            self.four_eyes(
                one,
                "deals",
                act,
                (deal_id(name),),
                lambda model, four: getattr(model.deals[name], act)(four),
                ask=ask,
            )

    # ---- business days
    @rule(
        name=DEALS,
        party=st.one_of(st.none(), PARTIES),
        day=st.one_of(DAYS, st.sampled_from([on("2026-01-01"), START, LAST_DAY + 1])),
        spoilt=SPOILT,
        ask=ASKED,
    )
    def seal(self, name: str, party: str | None, day: int, spoilt: str, ask: bool) -> None:
        """A party, or all of them with the days on which little happens."""
        parties = [party] if party else sorted(self.deal(name).signing_parties)
        signed = day if party else min(day, START + 2)
        statement = self._statement(name, signed, spoilt)
        for one in parties:
            self.four_eyes(
                one,
                "journal",
                "seal_day",
                (deal_id(name), signed, statement.row),
                lambda model, act: model.deals[name].seal(act, signed, statement),
                ask=ask,
            )

    @rule(late=st.booleans())
    def hand_in(self, late: bool) -> None:
        """Rows are late from now on, or in time."""
        self.late = late

    def _statement(self, name: str, day: int, spoilt: str) -> Statement:
        """What the books say, with what is due now, but for what is spoilt."""
        deal = self.deal(name)
        try:
            totals = deal.open_totals(day)
        except Refusal:
            totals = (0,) * KINDS
        statement = Statement(totals=totals, clearing=deal.clearing_words())
        if spoilt == "totals":
            return replace(statement, totals=(*totals[:-1], totals[-1] + 1))
        if spoilt == "clearing":
            first, *others = statement.clearing
            return replace(statement, clearing=(first + 1, *others))
        if spoilt in ("one break", "two breaks"):
            breaks = (b"\x02" * 32, b"\x01" * 32)
            return replace(statement, breaks=breaks[: 1 + (spoilt == "two breaks")])
        return replace(statement, entries=b"\x09" * 32) if spoilt else statement

    # ---- keys
    @rule(
        member=st.sampled_from(["bank", "platform", "guarantor"]),
        act=st.sampled_from(["replace_maker", "add_maker", "revoke_maker"]),
        key=st.sampled_from(NEW_KEYS),
        own=st.booleans(),
        by=st.sampled_from(["checker"] * 9 + ["maker"]),
    )
    def change_keys(self, member: str, act: str, key: str, own: bool, by: str) -> None:
        makers = self.model.members.makers_of(member)
        if act == "revoke_maker" and own and len(makers) > 1:
            key = makers[0]
        sender = Key(f"{member} {by}")
        self.both(
            lambda model: getattr(model.members, act)(sender.name, key),
            lambda: self.partnership.members.send(sender, act, Key(key).address),
        )

    # ---- lists
    @rule(
        bank=BANKS,
        party=st.sampled_from([*MEMBERS, "stranger"]),
        role=st.sampled_from([*Role, *Role, 3]),
        listed=st.booleans(),
        dates=st.tuples(DAYS, st.one_of(DAYS, st.just(LAST_DAY), st.just(LAST_DAY + 1))),
        by=st.sampled_from([None] * 9 + ["auditor"]),
        ask=ASKED,
    )
    def change_list(
        self,
        bank: str,
        party: str,
        role: int,
        listed: bool,
        dates: tuple[int, int],
        by: str | None,
        ask: bool,
    ) -> None:
        change = Change(
            bank=bank, party=party, role=role, listed=listed, from_date=dates[0], to_date=dates[1]
        )
        self._change_list(by or bank, change, ask)

    @rule(bank=BANKS, name=DEALS, day=st.one_of(st.just(0), DAYS))
    def list_everyone(self, bank: str, name: str, day: int) -> None:
        """What a deal needs of a bank's list."""
        for terms in {self.deal(name).newest, self.deal(name).terms(1)}:
            for party in terms.parties:
                for role in sorted(roles_of(terms, party)) if party != bank else ():
                    if not self.model.lists.is_listed(bank, party, role, START):
                        change = Change(bank=bank, party=party, role=role, from_date=day)
                        self._change_list(bank, change)

    def _change_list(self, by: str, change: Change, ask: bool = True) -> None:
        numbers = self.partnership.numbers
        bank, party = numbers[change.bank], numbers.get(change.party, 99)
        days = (change.from_date, change.to_date)
        accepted = self.four_eyes(
            by,
            "lists",
            "change",
            (bank, party, change.role, change.listed, *days),
            lambda model, act: model.lists.change(act, change),
            ask=ask,
        )
        if accepted:
            for day in {max(0, days[0] - 1), *days, min(LAST_DAY, days[1] + 1)}:
                found = self.partnership.lists.read("is_listed", bank, party, change.role, day)
                lists = self.model.lists
                assert found == lists.is_listed(change.bank, change.party, change.role, day)

    # ---- figures and groups
    @precondition(any_plan(lambda plan: plan.is_wide))
    @rule(
        member=PARTIES,
        figure=st.sampled_from([*Figure, *Figure, 4]),
        amount=st.sampled_from([0, 1_000_000, 4_000_000, 4_000_000, 10_000_000, 2**80]),
        from_date=st.sampled_from([0, 0, on("2026-01-20"), 2**16]),
        by=st.sampled_from([None] * 9 + ["auditor"]),
    )
    def declare(
        self, member: str, figure: int, amount: int, from_date: int, by: str | None
    ) -> None:
        declaration = Declaration(member=member, figure=figure, amount=amount, from_date=from_date)
        self.declare_figure(by or member, declaration)

    @precondition(any_plan(lambda plan: plan.is_wide))
    @rule(
        bank=BANKS,
        party=st.sampled_from([*MEMBERS, "stranger"]),
        group=st.sampled_from([*GROUPS, 0]),
        by=st.sampled_from([None] * 9 + ["auditor"]),
    )
    def declare_group(self, bank: str, party: str, group: int, by: str | None) -> None:
        numbers = self.partnership.numbers
        self.four_eyes(
            by or bank,
            "exposures",
            "declare_group",
            (numbers[bank], numbers.get(party, 99), group),
            lambda model, act: model.exposures.declare_group(act, bank, party, group),
        )

    # ---- months
    @precondition(any_plan(Plan.has_period.fget))
    @rule(
        name=WITH_PERIOD,
        party=st.sampled_from(["bank"] * 5 + ["platform", "auditor"]),
        off=st.sampled_from([0] * 6 + [-1, 1]),
        version=st.sampled_from([None] * 5 + [1, 2]),
        late=st.sampled_from([0] * 6 + [-1, 12, 2**16]),
        ask=ASKED,
    )
    def close_month(
        self, name: str, party: str, off: int, version: int | None, late: int, ask: bool
    ) -> None:
        self._close_month(name, party, self.deal(name).months.open_month + off, version, late, ask)

    @precondition(any_plan(Plan.has_period.fget))
    @rule(name=WITH_PERIOD, count=st.integers(1, 3), late=st.integers(0, 20))
    def close_months(self, name: str, count: int, late: int) -> None:
        """The next ones."""
        for _ in range(count):
            self._close_month(name, "bank", self.deal(name).months.open_month, None, late, True)

    def _close_month(
        self, name: str, party: str, month: int, version: int | None, late: int, ask: bool
    ) -> None:
        deal = self.deal(name)
        end = first_day(month + 1)
        ruling = [one for one in deal.in_force if deal.terms(one).effective_date < end] or [1]
        under, date = version or ruling[-1], end - 1 + late
        self.four_eyes(
            party,
            "settlements",
            "close",
            (deal_id(name), under, month, date),
            lambda model, act: model.deals[name].close_month(act, under, month, date),
            ask=ask,
        )
