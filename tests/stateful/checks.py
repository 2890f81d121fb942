"""Checks: what holds after every step, by the letters of the contracts' invariants."""

from __future__ import annotations

from hypothesis.stateful import invariant

from tests.contracts.guarantees.desk import fields
from tests.contracts.sandbox.entries import Loan as StoredLoan
from tests.contracts.sandbox.entries import id_of, tip_of, unpacked
from tests.contracts.sandbox.model import divided
from tests.contracts.sandbox.partnership import deal_id
from tests.contracts.sandbox.terms import Rule
from tests.contracts.settlements.periods import first_day, month_of
from tests.stateful.clearing import OnSettlement
from tests.stateful.days import OWN
from tests.stateful.guarantees import OnDeposit
from tests.stateful.lending import accrues
from tests.stateful.model import Deal
from tests.stateful.months import Figures, Statement
from tests.stateful.office import Office, terms_hash
from tests.stateful.sight import DealSight, halves, signed

_FOLDED = (
    "LOANS", "INTEREST", "PENALTY", "FEES", "LOSSES", "RECOVERIES", "CLAIMS", "DEPOSIT_PLACED",
    "DEPOSIT_HELD",
)  # fmt: skip
_KINDS = {
    OnDeposit.PAYMENT: 1,
    OnDeposit.RELEASE: 2,
    OnDeposit.REVERSAL: 3,
    OnDeposit.REVERSED_PAYMENT: 4,
}
_TRANSFERS = {OnSettlement.PAID: 1, OnSettlement.REVERSAL: 2, OnSettlement.REVERSED: 3}
CLOSED = 2**255


class Checks(Office):
    """Named checks of the ledger against the model, and against what its events say."""

    def _pairs(self) -> list[tuple[Deal, DealSight]]:
        return [(deal, self.seen.deals[name]) for name, deal in self.model.deals.items()]

    # ---- journal
    @invariant()
    def j1_balances_add_up_to_zero_and_are_the_models(self) -> None:
        for deal, seen in self._pairs():
            amounts = [amount for own in seen.balances.values() for amount in own.values()]
            assert sum(amounts) == 0
            assert seen.balances == deal.book_of_deal.balances()

    @invariant()
    def j2_a_day_is_sealed_by_equal_digests_of_all(self) -> None:
        for deal, seen in self._pairs():
            assert seen.sealed_through == deal.sealed_through
            assert tuple(map(signed, seen.sealed_clearing)) == deal.sealed_clearing
            numbers = {OWN: 0, **self.partnership.numbers}
            assert sorted(self.folded.deals[deal.name].disputes) == sorted(
                (one.day, numbers[one.party], numbers[one.against], one.sections)
                for one in deal.disputes
            )

    @invariant()
    def j3_j4_every_entry_counts_to_one_open_day(self) -> None:
        """The model refuses what is of a sealed day; so no total of one ever changes."""
        for deal, seen in self._pairs():
            assert seen.first_day == min(seen.day_totals, default=0)
            for day, words in seen.day_totals.items():
                assert words == tuple(deal.day_totals[day, kind] for kind in range(len(words)))

    # ---- loans
    @invariant()
    def l1_g1_s5_events_alone_rebuild_every_balance_and_no_leg_is_negative(self) -> None:
        """No leg: see `folding`, which asserts it of each event, as it does that legs add up."""
        for deal, seen in self._pairs():
            folded = self.folded.deals[deal.name]
            for party in deal.newest.parties:
                own = seen.balances.get(party, {})
                for account in _FOLDED:
                    assert own.get(account, 0) == folded.accounts[party, account]
            assert (folded.outstanding, folded.disbursed) == seen.volume

    @invariant()
    def l2_each_funder_holds_its_share_of_every_loan(self) -> None:
        for deal, seen in self._pairs():
            held = dict.fromkeys(deal.newest.parties, 0)
            for loan in deal.loans.values():
                terms = deal.terms(loan.version)
                parts = divided(loan.outstanding, terms.shares)
                for (party, _), part in zip(terms.funding, parts, strict=True):
                    held[party] += part
            for party, amount in held.items():
                assert seen.balances.get(party, {}).get("LOANS", 0) == amount

    @invariant()
    def l3_l4_l5_l6_each_loan_is_what_its_entries_made_it(self) -> None:
        for deal, seen in self._pairs():
            for ref, words in seen.loans.items():
                stored, expected = StoredLoan.of(words.word), deal.loans.get(ref)
                if expected is None:
                    assert (words.word, words.lost, words.waived, words.claims) == (0, 0, 0, (0, 0))
                    continue
                assert stored == StoredLoan(
                    outstanding=expected.outstanding,
                    start=expected.start,
                    rate=expected.rate,
                    version=expected.version,
                    sequence=expected.sequence,  # L3
                    overdue_since=expected.overdue_since,
                    written_off=expected.written_off,
                    compensated=expected.compensated,  # L6
                    reversed=expected.reversed,  # L5
                    tip=tip_of(*expected.standing),  # L4
                )
                assert words.lost == expected.lost

    @invariant()
    def v1_v2_nothing_but_interest_and_penalty_is_waived(self) -> None:
        for deal, seen in self._pairs():
            for ref, loan in deal.loans.items():
                waived = unpacked(seen.loans[ref].waived)
                assert waived == (0, loan.interest_waived, loan.penalty_waived, 0)

    @invariant()
    def volume_and_borrowers_are_the_models(self) -> None:
        for deal, seen in self._pairs():
            assert seen.volume == (deal.outstanding, deal.disbursed)
            assert deal.outstanding == sum(loan.outstanding for loan in deal.loans.values())
        for (lead, borrower), owed in self.seen.owed.items():
            assert owed == self.model.owed[lead, borrower]

    @invariant()
    def a1_unpaid_interest_is_counted_by_days(self) -> None:
        for deal, _ in self._pairs():
            for ref, loan in deal.loans.items():
                terms = deal.terms(loan.version)
                if accrues(terms):
                    day = max([loan.start, *(day for day, _ in loan.paid)]) + 17
                    found = self.partnership.accruals.read(
                        "unpaid_interest", deal_id(deal.name), id_of(ref), day
                    )
                    if not loan.reversed:
                        assert found == loan.unpaid_interest(day, terms.day_count)

    # ---- guarantees
    @invariant()
    def g2_g3_used_is_what_layers_paid_and_within_the_cap_when_paid(self) -> None:
        """Within the cap when paid, and each loan at most once: asserted of each event."""
        for deal, seen in self._pairs():
            folded = self.folded.deals[deal.name]
            assert list(seen.used) == deal.used == [folded.used[k] for k in range(8)]
            stands = {id_of(ref) for ref, loan in deal.loans.items() if loan.compensated}
            assert folded.compensated == stands

    @invariant()
    def g4_claims_are_what_was_paid_less_given_back(self) -> None:
        for deal, seen in self._pairs():
            folded = self.folded.deals[deal.name]
            for ref, loan in deal.loans.items():
                claims = fields(seen.loans[ref].claims)
                assert claims == loan.claims
                for k, claim in enumerate(claims):
                    paid = folded.paid[id_of(ref), k]
                    assert claim == paid - folded.given_back[id_of(ref), k]
                    assert 0 <= claim <= paid

    @invariant()
    def g5_the_deposit_is_what_its_entries_made_it_and_never_negative(self) -> None:
        for deal, seen in self._pairs():
            assert 0 <= seen.deposit < 2**64
            assert seen.deposit == deal.deposit == self.folded.deals[deal.name].deposit
            assert self.folded.deals[deal.name].top_ups == deal.top_ups
            for entry, word in seen.on_deposit.items():
                kind, amount = deal.on_deposit[entry]
                assert (word >> 72, word % 2**56) == (_KINDS[kind], amount)

    @invariant()
    def g6_nothing_is_paid_above_what_is_owed(self) -> None:
        """Claims and residual of a loan never come to more than its principal and interest."""
        for deal, seen in self._pairs():
            for ref, loan in deal.loans.items():
                if loan.compensated:
                    owed = loan.principal + loan.interest_received
                    claims = sum(fields(seen.loans[ref].claims))
                    assert claims + loan.outstanding + loan.lost <= owed

    # ---- months
    @invariant()
    def s1_s2_a_closed_month_never_changes(self) -> None:
        for deal, seen in self._pairs():
            statements = self.folded.deals[deal.name].statements
            months = [event["month"] for event in statements]
            assert months == list(range(months[0], seen.open_month)) if months else True
            for month in months:
                words = seen.months[month]
                assert self.closed_words.setdefault((deal.name, month), words) == words

    @invariant()
    def s3_opening_and_open_months_add_up_to_the_outstanding(self) -> None:
        for deal, seen in self._pairs():
            if deal.newest.period.rule != Rule.NONE:
                opened = [m for m in seen.months if m >= seen.open_month]
                moved = sum(halves(seen.months[month][0])[0] for month in opened)
                assert signed(seen.standing[0]) + moved == deal.outstanding

    @invariant()
    def s4_figures_of_every_month_are_the_models(self) -> None:
        for deal, seen in self._pairs():
            assert seen.open_month == deal.months.open_month
            for month, words in seen.months.items():
                expected = deal.months.figures(month)
                assert _sums(words[:3], month) == expected
                late = [m for m in deal.months.moves if m.landed == month > month_of(m.change.date)]
                assert halves(words[3])[0] == sum(move.change.principal for move in late)
                assert halves(words[4]) == (
                    sum(move.change.interest for move in late),
                    sum(move.change.loss for move in late),
                )
                assert halves(words[5])[0] == sum(move.change.disbursed for move in late)

    @invariant()
    def statements_are_counted_by_days(self) -> None:
        for deal, seen in self._pairs():
            told = self.folded.deals[deal.name].statements
            expected = deal.months.closed
            assert len(told) == len(expected)
            for event, statement in zip(told, expected, strict=True):
                for name in Statement.__slots__:
                    if name not in ("month", "rule"):
                        assert event[f"{name}_minor"] == getattr(statement, name), name
                assert event["month"] == statement.month
            if expected:
                assert signed(seen.standing[0]) == expected[-1].outstanding
                assert signed(seen.standing[2]) == expected[-1].carry

    # ---- settlements
    @invariant()
    def s6_what_is_due_between_the_parties_adds_up_to_nothing(self) -> None:
        """Clearing is conserved: what one is to receive, others are to pay, on every day."""
        for deal, seen in self._pairs():
            balances = [own.get("CLEARING", 0) for own in seen.balances.values()]
            assert sum(balances) == 0
            for day in {deal.sealed_through, deal.sealed_through + 1} - {0}:
                words = self.partnership.settlements.read("dues", deal_id(deal.name), day)
                due = tuple(deal.due(day).values())
                assert words == due + (0,) * (12 - len(due))
                assert sum(words) == 0

    @invariant()
    def s7_s8_what_is_left_of_each_payment_follows_from_the_events(self) -> None:
        numbers = self.partnership.numbers
        for deal, seen in self._pairs():
            folded = self.folded.deals[deal.name]
            assert seen.settlement_number == len(deal.settlements) == len(folded.settlements)
            *made, (none, missing) = seen.settlements
            assert none == missing == 0
            for number, (word, *payments, beyond) in enumerate(made, start=1):
                rows = deal.settlements[number - 1]
                assert word >> 32 == len(rows) and beyond == 0
                for place, (payment, row) in enumerate(zip(payments, rows, strict=True)):
                    rest = payment >> 96 & 2**96 - 1
                    assert rest == row.rest == row.amount - folded.settled[number, place]  # S7
                    assert 0 <= rest <= row.amount == payment & 2**96 - 1
                    assert payment >> 192 & 2**16 - 1 == numbers[row.payer]
                    assert payment >> 208 == numbers[row.payee]
            for entry, word in seen.transfers.items():
                transfer = deal.transfers[entry]
                assert word >> 128 == transfer.number and word >> 120 & 255 == transfer.place
                assert word >> 112 & 255 == _TRANSFERS[transfer.kind]  # S8
                assert word >> 96 & 2**16 - 1 == transfer.date
                assert word & 2**96 - 1 == abs(transfer.amount)

    # ---- deals
    @invariant()
    def d1_d2_d3_versions_are_what_the_parties_signed(self) -> None:
        for deal, seen in self._pairs():
            assert seen.version_proposed == len(deal.proposals)
            assert seen.version_in_force == deal.in_force[-1]  # D1
            deals = self.partnership.deals
            for version, terms in enumerate(deal.proposals, start=1):
                digest = deals.stored("terms_hash", deal_id(deal.name), version)
                assert digest.to_bytes(32, "big") == terms_hash(terms)  # D2
            dates = [deal.terms(version).effective_date for version in deal.in_force]
            assert dates == sorted(set(dates))  # D3

    @invariant()
    def d4_d5_a_deal_is_stopped_by_one_party_or_closed_by_all(self) -> None:
        numbers = self.partnership.numbers
        for deal, seen in self._pairs():
            by = numbers[deal.suspended_by] if deal.suspended_by else 0
            assert seen.stopped_by == (CLOSED if deal.closed else by)

    # ---- members
    @invariant()
    def k1_k3_each_key_is_one_members_or_nobodys(self) -> None:
        members, numbers = self.model.members, self.partnership.numbers
        for key, role in self.seen.key_roles.items():
            if key in members.makers:
                assert role == 2 * numbers[members.makers[key]]
            elif key in members.checkers:
                assert role == 2 * numbers[members.checkers[key]] + 1
            else:
                assert role == 0

    @invariant()
    def n1_a_bank_keeps_a_list_from_its_first_change_on(self) -> None:
        for name, keeps in self.seen.keeps_list.items():
            assert bool(keeps) == self.model.lists.keeps(name)

    @invariant()
    def x1_x2_totals_across_deals_are_sums_over_deals(self) -> None:
        exposures = self.model.exposures
        for (funder, group), amount in self.seen.concentration.items():
            assert amount == exposures.concentration(funder, group)
        for funder, amount in self.seen.joint.items():
            assert amount == exposures.joint(funder)
        for payer, amount in self.seen.liability.items():
            assert amount == exposures.liability(payer)


def _sums(words: tuple[int, ...], month: int) -> Figures:
    """The figures of a month's words: principal; result; volume, two to a word."""
    principal, dated = halves(words[0])
    interest, loss = halves(words[1])
    disbursed, overdue = halves(words[2])
    return Figures(
        principal=principal,
        balance_days=principal * first_day(month + 1) - dated,
        interest=interest,
        loss=loss,
        disbursed=disbursed,
        overdue=overdue,
    )
