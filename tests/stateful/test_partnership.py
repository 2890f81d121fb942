"""A partnership in any order of acts, right and wrong: the contracts do what the model says.

Every step predicts its outcome, accepted or refused for one reason, before it is taken. After
every step the lettered invariants of the contracts hold.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from eth_hash.auto import keccak
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Receipt
from tests.contracts.sandbox.entries import (
    MAX_AMOUNT,
    START,
    Booking,
    Kind,
    Loan,
    Method,
    OverdueMark,
    Purpose,
    Repayment,
    Reversal,
    Waiver,
    WriteOff,
    id_of,
    in_sequence,
    on,
    reversal_of,
    tip_of,
    unpacked,
)
from tests.contracts.sandbox.model import divided
from tests.contracts.sandbox.partnership import DEAL, MEMBERS, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Limits, Terms, Tier
from tests.stateful.model import Model, Refusal

ID = deal_id(DEAL)
FIRST = Terms(
    funding=(("bank", 550_000), ("platform", 350_000), ("guarantor", 100_000)),
    collected_by="platform",
    fee_to="guarantor",
    interest=(Tier(to="platform", share=100_000), Tier(to="guarantor", rate=20_000)),
    penalty=(Tier(to="platform", share=100_000),),
    limits=Limits(
        max_annual_rate=240_000,
        max_per_borrower=1_000_000,
        max_per_consumer=200_000,
        max_bullet_days=365,
        max_outstanding=2_500_000,
    ),
)
SECOND = replace(
    FIRST,
    funding=(("bank", 333_333), ("platform", 333_334), ("guarantor", 333_333)),
    servicer="guarantor",
    disbursed_by="guarantor",
    fee_to=255,
    interest=(Tier(to="funders", rate=70_000), Tier(to="platform", share=600_000)),
    penalty=(),
    limits=Limits(),
    effective_date=on("2026-03-01"),
)
THIRD = replace(
    FIRST, limits=Limits(max_per_consumer=500_000), effective_date=on("2026-05-01"), interest=()
)
EARLY = replace(FIRST, document_digest=b"\x02" * 32)
STRANGE = Terms(
    funding=(("bank", 500_000), ("auditor", 500_000)),
    servicer="bank",
    effective_date=on("2026-06-01"),
)

DAYS = st.sampled_from(
    [on("2025-12-31"), on("2026-01-01"), START, START + 1, on("2026-02-28"), on("2026-03-01"),
     on("2026-04-30"), on("2026-05-01"), on("2026-09-30")]
)  # fmt: skip
ENTRY_DAYS = st.one_of(DAYS, st.integers(START, START + 400))
LOANS = [f"loan-{i}" for i in range(7)]
NEW = st.runner().flatmap(
    lambda machine: st.sampled_from(sorted(set(LOANS) - machine.model.loans.keys()) * 3 + LOANS[:2])
)
"""A loan to book, mostly one that is not there."""
KNOWN = st.runner().flatmap(
    lambda machine: st.sampled_from(sorted(machine.model.loans) * 4 + LOANS[-1:])
)
"""A loan to post an entry on, mostly one that is there."""
OPEN = st.runner().flatmap(lambda machine: st.sampled_from(machine.open_loans() or LOANS[:1]))
"""A loan that is neither reversed nor written off, if there is one."""
BORROWERS = st.sampled_from(["borrower-1", "borrower-2"])
PRINCIPALS = st.one_of(
    st.integers(1, 400_000), st.sampled_from([0, 1, 200_000, 200_001, 1_000_000, MAX_AMOUNT + 1])
)
AMOUNTS = st.one_of(
    st.just(0), st.integers(1, 40_000), st.sampled_from([1, MAX_AMOUNT, MAX_AMOUNT + 1])
)
VERSIONS = st.runner().flatmap(
    lambda machine: st.sampled_from([*machine.model.in_force * 4, len(machine.model.proposals) + 1])
)
"""Mostly a version in force."""
SENDERS = st.sampled_from([None] * 25 + ["bank", "platform", "guarantor", "auditor", "outsider"])
"""None: the member that may."""
SKIPS = st.sampled_from([0] * 25 + [-1, 1])
"""How far the sequence is from the loan's own."""


class PartnershipMachine(RuleBasedStateMachine):
    """The contracts on one side, the model on the other."""

    @initialize()
    def found(self) -> None:
        partnership, snapshot = _founded()
        partnership.chain.revert(snapshot)
        self.partnership = partnership
        self.model = Model(MEMBERS)
        self.folded: Counter[tuple[str, str]] = Counter()
        self.entries = 0
        self.keys: set[str] = {
            f"{name} {role}" for name in MEMBERS for role in ("maker", "checker")
        }
        self._both(
            lambda model: model.propose("bank maker", FIRST),
            lambda: partnership.propose(FIRST, by=Key("bank maker")),
        )
        for party in FIRST.parties:
            self._sign(party, 1, FIRST)
        for number, loan in enumerate(LOANS[:2]):
            row = Booking(loan=loan, borrower=f"borrower-{number + 1}", principal=300_000)
            self._submit("book", 1, None, [row])

    def open_loans(self) -> list[str]:
        """Loans that still take entries."""
        loans = self.model.loans.items()
        return [ref for ref, loan in loans if not (loan.reversed or loan.written_off)]

    # ---- rules: terms, keys, days
    @rule(terms=st.sampled_from([SECOND, SECOND, THIRD, EARLY, STRANGE]), sender=SENDERS)
    def propose(self, terms: Terms, sender: str | None) -> None:
        key = self._key(sender, "bank")
        self._both(
            lambda model: model.propose(key, terms),
            lambda: self.partnership.propose(terms, by=Key(key)),
        )

    @precondition(lambda self: len(self.model.proposals) not in self.model.in_force)
    @rule(party=st.sampled_from(MEMBERS), back=st.sampled_from([0, 0, 0, 1, -1]), own=st.booleans())
    def sign(self, party: str, back: int, own: bool) -> None:
        version = len(self.model.proposals) - back
        terms = self.model.proposals[min(version, len(self.model.proposals)) - 1]
        shown = terms if own or back else replace(terms, document_digest=b"\x09" * 32)
        self._sign(party, version, shown)

    @precondition(lambda self: len(self.model.proposals) not in self.model.in_force)
    @rule()
    def sign_by_all(self) -> None:
        version = len(self.model.proposals)
        for party in sorted(set(FIRST.parties) - self.model.signatures[-1]):
            self._sign(party, version, self.model.terms(version))

    def _sign(self, party: str, version: int, terms: Terms) -> None:
        digest = self._hash(terms)
        self._under_four_eyes(
            lambda model: model.sign(party, version, terms), party, "deals", "sign", version, digest
        )

    @rule(
        party=st.sampled_from(MEMBERS),
        day=DAYS,
        digest=st.sampled_from([b"\x07" * 32] * 4 + [b"\x08" * 32]),
    )
    def seal(self, party: str, day: int, digest: bytes) -> None:
        self._seal(party, day, digest)

    @rule(day=st.sampled_from([on("2025-12-31"), on("2026-01-01"), START]))
    def seal_by_all(self, day: int) -> None:
        for party in FIRST.parties:
            if self.model.sealed_through < day:
                if self.model.digests.get((day, party)) != b"\x07" * 32:
                    self._seal(party, day, b"\x07" * 32)

    def _seal(self, party: str, day: int, digest: bytes) -> None:
        self._under_four_eyes(
            lambda model: model.seal(party, day, digest), party, "journal", "seal_day", day, digest
        )

    @precondition(lambda self: len(self.model.retired) < 3)
    @rule(member=st.sampled_from(["bank", "platform"]), new=st.integers(1, 3))
    def replace_maker(self, member: str, new: int) -> None:
        key = Key(f"new maker {new}")
        self.keys.add(key.name)
        checker = self.partnership.by_name[member].checker
        self._both(
            lambda model: model.replace_maker(member, key.name),
            lambda: self.partnership.members.send(checker, "replace_maker", key.address),
        )

    # ---- rules: entries
    @rule(
        rows=st.lists(
            st.builds(
                Booking,
                loan=NEW,
                borrower=BORROWERS,
                principal=PRINCIPALS,
                start=DAYS,
                maturity=st.sampled_from([on("2026-12-31")] * 6 + [on("2027-12-31"), START]),
                rate=st.sampled_from([0, 180_000, 180_000, 240_000, 240_001]),
                method=st.sampled_from([*Method, *Method, 4]),
                purpose=st.sampled_from([*Purpose, *Purpose, *Purpose, 2]),
            ),
            min_size=1,
            max_size=2,
        ),
        version=VERSIONS,
        sender=SENDERS,
    )
    def book(self, rows: list[Booking], version: int, sender: str | None) -> None:
        self._submit("book", version, sender, rows)

    @rule(loan=NEW, principal=st.integers(1, 400_000), borrower=BORROWERS, late=st.integers(0, 27))
    def book_soundly(self, loan: str, principal: int, borrower: str, late: int) -> None:
        version = self.model.in_force[-1]
        start = self.model.terms(version).effective_date + late
        row = Booking(
            loan=loan, borrower=borrower, principal=principal, start=start, maturity=start + 365
        )
        self._submit("book", version, None, [row])

    @rule(
        rows=st.lists(
            st.tuples(KNOWN, ENTRY_DAYS, AMOUNTS, AMOUNTS, AMOUNTS, AMOUNTS, SKIPS),
            min_size=1,
            max_size=3,
        ),
        sender=SENDERS,
    )
    def repay(
        self, rows: list[tuple[str, int, int, int, int, int, int]], sender: str | None
    ) -> None:
        repayments = [
            Repayment(entry=self._entry(), loan=loan, date=day, principal=p, interest=i,
                      penalty=n, fee=f, sequence=skip)
            for loan, day, p, i, n, f, skip in rows
        ]  # fmt: skip
        self._submit("repay", self._version_of(rows[0][0]), sender, self._numbered(repayments))

    @rule(
        loan=OPEN, parts=st.integers(1, 4), interest=st.integers(0, 9_000), day=st.integers(5, 300)
    )
    def repay_soundly(self, loan: str, parts: int, interest: int, day: int) -> None:
        state = self.model.loans.get(loan)
        principal = state.outstanding // parts if state else 1
        date = (state.start if state else START) + day
        row = Repayment(
            entry=self._entry(), loan=loan, date=date, principal=principal, interest=interest
        )
        self._submit("repay", self._version_of(loan), None, self._numbered([row]))

    @rule(
        loan=KNOWN,
        since=st.one_of(st.just(0), ENTRY_DAYS, st.just(2**16)),
        sender=SENDERS,
        skip=SKIPS,
    )
    def mark_overdue(self, loan: str, since: int, sender: str | None, skip: int) -> None:
        mark = OverdueMark(entry=self._entry(), loan=loan, since=since, sequence=skip)
        self._submit("mark_overdue", self._version_of(loan), sender, self._numbered([mark]))

    @rule(
        loan=KNOWN,
        date=st.one_of(ENTRY_DAYS, st.just(2**16)),
        interest=AMOUNTS,
        penalty=AMOUNTS,
        sender=SENDERS,
        skip=SKIPS,
    )
    def waive(
        self, loan: str, date: int, interest: int, penalty: int, sender: str | None, skip: int
    ) -> None:
        row = Waiver(
            entry=self._entry(), loan=loan, date=date, interest=interest, penalty=penalty,
            sequence=skip,
        )  # fmt: skip
        self._submit("waive", self._version_of(loan), sender, self._numbered([row]), lead=True)

    @rule(loan=OPEN, interest=st.integers(1, 9_000), day=st.integers(5, 300))
    def waive_soundly(self, loan: str, interest: int, day: int) -> None:
        state = self.model.loans.get(loan)
        date = (state.start if state else START) + day
        row = Waiver(entry=self._entry(), loan=loan, date=date, interest=interest)
        self._submit("waive", self._version_of(loan), None, self._numbered([row]), lead=True)

    @rule(loan=KNOWN, date=ENTRY_DAYS, sender=SENDERS, skip=SKIPS)
    def write_off(self, loan: str, date: int, sender: str | None, skip: int) -> None:
        state = self.model.loans.get(loan)
        row = WriteOff(
            entry=self._entry(), loan=loan, date=date, sequence=skip,
            outstanding=state.outstanding if state else 0,
        )  # fmt: skip
        self._submit("write_off", self._version_of(loan), sender, self._numbered([row]), lead=True)

    @rule(
        loan=KNOWN,
        depth=st.sampled_from([0, 0, 0, 0, 1]),
        date=ENTRY_DAYS,
        sender=SENDERS,
        skip=SKIPS,
        forged=st.sampled_from(
            [{}] * 8
            + [
                {"reversed_amounts": 1},
                {"reversed_id": bytes(32)},
                {"reversed_kind": Kind.REPAYMENT},
                {"reversed_kind": 0},
                {"previous_tip": 1},
            ]
        ),
    )
    def reverse(
        self,
        loan: str,
        depth: int,
        date: int,
        sender: str | None,
        skip: int,
        forged: dict[str, Any],
    ) -> None:
        state = self.model.loans.get(loan)
        standing = list(state.standing) if state else []
        named = standing[: len(standing) - depth] or [Booking(loan=loan, principal=1)]
        row = replace(reversal_of(*named, entry=self._entry(), date=date), **forged)
        (numbered,) = self._numbered([replace(row, sequence=skip)])
        self._reverse(self._version_of(loan), sender, numbered)

    @precondition(lambda self: any(loan.standing for loan in self.model.loans.values()))
    @rule(which=st.integers(0, 6), late=st.integers(0, 100))
    def reverse_latest(self, which: int, late: int) -> None:
        open_loans = [ref for ref, loan in self.model.loans.items() if loan.standing]
        ref = open_loans[which % len(open_loans)]
        loan = self.model.loans[ref]
        date = max(loan.start, self.model.sealed_through + 1) + late
        row = reversal_of(*loan.standing, entry=self._entry(), date=date)
        self._reverse(loan.version, None, in_sequence(row, loan.sequence))

    @staticmethod
    @cache
    def _hash(terms: Terms) -> bytes:
        return terms.hash(_founded()[0].numbers)

    # ---- how a step is taken
    def _both(self, predict: Callable[[Model], None], act: Callable[[], Receipt]) -> None:
        trial = deepcopy(self.model)
        try:
            predict(trial)
        except Refusal as refusal:
            note(f"refused: {refusal.reason}")
            with refused(refusal.reason):
                act()
        else:
            note("accepted")
            self._fold(act())
            self.model = trial
        self.balances = self.partnership.balances()

    def _under_four_eyes(
        self, predict: Callable[[Model], None], party: str, contract: str, act: str, *arguments: Any
    ) -> None:
        """The maker's request stands or falls with the checker's confirmation."""
        maker = Key(self.model.maker_of(party))
        target = getattr(self.partnership, contract)
        checker = self.partnership.by_name[party].checker
        payload = target.data(act, ID, *arguments)
        action_id = keccak(target.address + payload)
        number = self.partnership.numbers[party]
        if not self.partnership.members.read("requested", number, action_id):
            self.partnership.request(maker, target, act, ID, *arguments)
        self._both(predict, lambda: target.send(checker, act, ID, *arguments))

    def _submit(
        self, act: str, version: int, sender: str | None, rows: list[Any], *, lead: bool = False
    ) -> None:
        key = self._key(sender, self._poster(version, lead=lead))
        send = getattr(self.partnership, act)
        self._both(
            lambda model: getattr(model, act)(key, version, rows),
            lambda: send(*rows, version=version, by=Key(key)),
        )

    def _reverse(self, version: int, sender: str | None, row: Reversal) -> None:
        key = self._key(sender, self._poster(version, lead=row.reversed_kind > Kind.REPAYMENT))
        self._both(
            lambda model: model.reverse(key, version, row),
            lambda: self.partnership.reverse(row, version=version, by=Key(key)),
        )

    def _poster(self, version: int, *, lead: bool) -> str:
        known = version if version in self.model.in_force else 1
        terms = self.model.terms(known)
        return "bank" if lead else str(terms.servicer)

    def _key(self, sender: str | None, member: str) -> str:
        """The first maker key of a sender, replaced or not; the present one of `member` for None."""
        return f"{sender} maker" if sender else self.model.maker_of(member)

    def _version_of(self, loan: str) -> int:
        state = self.model.loans.get(loan)
        return state.version if state else 1

    def _entry(self) -> str:
        self.entries += 1
        return f"entry-{self.entries}"

    def _numbered(self, rows: list[Any]) -> list[Any]:
        """Rows with the sequence of their loan, off by what they hold."""
        earlier: Counter[str] = Counter()
        found = []
        for row in rows:
            state = self.model.loans.get(row.loan)
            own = (state.sequence if state else 0) + earlier[row.loan]
            earlier[row.loan] += 1
            found.append(replace(row, sequence=max(0, own + (row.sequence or 0))))
        return found

    def _fold(self, receipt: Receipt) -> None:
        """What a reader of the events alone knows: every leg, with no rule of division."""
        for event in receipt.events:
            if event.name == "LoanBooked":
                self._add("LOANS", _parts(event["parts"]))
            elif event.name == "LoanRepaid":
                for field, account in enumerate(("LOANS", "INTEREST", "PENALTY", "FEES")):
                    self._add(account, [-unpacked(leg)[field] for leg in event["legs"]])
            elif event.name == "LoanWrittenOff":
                self._add("LOANS", [-part for part in _parts(event["parts"])])
                self._add("LOSSES", _parts(event["parts"]))
            elif event.name == "EntryReversed":
                self._fold_reversal(event["reversed_kind"], event["legs"])

    def _fold_reversal(self, kind: int, legs: list[int]) -> None:
        principal = [unpacked(leg)[0] for leg in legs]
        if kind == Kind.BOOKING:
            self._add("LOANS", [-part for part in principal])
        elif kind == Kind.REPAYMENT:
            for field, account in enumerate(("LOANS", "INTEREST", "PENALTY", "FEES")):
                self._add(account, [unpacked(leg)[field] for leg in legs])
        elif kind == Kind.WRITE_OFF:
            self._add("LOANS", principal)
            self._add("LOSSES", [-part for part in principal])

    def _add(self, account: str, changes: list[int]) -> None:
        for party, change in zip(FIRST.parties, changes, strict=False):
            self.folded[party, account] += change

    # ---- invariants
    @invariant()
    def j1_balances_add_up_to_zero_and_are_the_models(self) -> None:
        balances = self.balances
        assert sum(amount for own in balances.values() for amount in own.values()) == 0
        assert balances == self.model.book_of_deal.balances()

    @invariant()
    def j2_a_day_is_sealed_by_equal_digests_of_all(self) -> None:
        assert self.partnership.journal.stored("sealed_through", ID) == self.model.sealed_through

    @invariant()
    def l1_events_alone_rebuild_every_balance(self) -> None:
        balances = self.balances
        for party in FIRST.parties:
            for account in ("LOANS", "INTEREST", "PENALTY", "FEES", "LOSSES"):
                assert balances.get(party, {}).get(account, 0) == self.folded[party, account]

    @invariant()
    def l2_each_funder_holds_its_share_of_every_loan(self) -> None:
        held = [0, 0, 0]
        for loan in self.model.loans.values():
            shares = self.model.terms(loan.version).shares
            held = [a + b for a, b in zip(held, divided(loan.outstanding, shares), strict=True)]
        balances = self.balances
        assert [balances.get(party, {}).get("LOANS", 0) for party in FIRST.parties] == held

    @invariant()
    def l3_l4_l5_each_loan_is_what_its_entries_made_it(self) -> None:
        for ref in LOANS:
            stored = Loan.of(self.partnership.loans.stored("loan", ID, id_of(ref)))
            expected = self.model.loans.get(ref)
            if expected is None:
                assert stored.sequence == stored.tip == 0
                continue
            assert stored.sequence == expected.sequence  # L3
            assert stored.tip == tip_of(*expected.standing)  # L4
            assert stored.version != 0 and stored.reversed == expected.reversed  # L5
            assert (stored.outstanding, stored.overdue_since, stored.written_off) == (
                expected.outstanding,
                expected.overdue_since,
                expected.written_off,
            )
            waived = unpacked(self.partnership.loans.stored("waived", ID, id_of(ref)))
            assert waived == (0, expected.interest_waived, expected.penalty_waived, 0)

    @invariant()
    def volume_and_borrowers_are_the_models(self) -> None:
        assert self.partnership.volume() == (self.model.outstanding, self.model.disbursed)
        for borrower in ("borrower-1", "borrower-2"):
            assert self.partnership.borrower_outstanding(borrower) == self.model.owed[borrower]

    @invariant()
    def d1_d2_d3_versions_are_what_the_parties_signed(self) -> None:
        deals = self.partnership.deals
        assert deals.stored("version_proposed", ID) == len(self.model.proposals)
        assert deals.stored("version_in_force", ID) == self.model.in_force[-1]  # D1
        for version, terms in enumerate(self.model.proposals, start=1):
            digest = deals.stored("terms_hash", ID, version).to_bytes(32, "big")
            assert digest == self._hash(terms)  # D2
        for version in self.model.in_force:
            until = deals.read("effective_until", ID, version)
            assert until == self.model.ruled_until(version)
        dates = [self.model.terms(version).effective_date for version in self.model.in_force]
        assert dates == sorted(set(dates))  # D3

    @invariant()
    def k1_each_key_is_one_members_or_nobodys(self) -> None:
        for name in self.keys:
            owner = self.model.makers.get(name)
            checker = name.removesuffix(" checker")
            number = self.partnership.numbers.get(owner or checker, 0)
            role = 2 * number + (0 if owner else 1) if owner or checker != name else 0
            assert self.partnership.members.stored("key_role", _address(name)) == role


@cache
def _founded() -> tuple[Partnership, bytes]:
    partnership = Partnership()
    return partnership, partnership.chain.snapshot()


@cache
def _address(key: str) -> bytes:
    return bytes(12) + Key(key).address


def _parts(words: tuple[int, int]) -> list[int]:
    return [*unpacked(words[0])]


def test_partnership_in_any_order() -> None:
    bounded = settings(max_examples=30, stateful_step_count=40)
    run_state_machine_as_test(PartnershipMachine, settings=bounded)


@pytest.mark.slow
def test_partnership_in_any_order_deeply() -> None:
    deep = settings(max_examples=80, stateful_step_count=100)
    run_state_machine_as_test(PartnershipMachine, settings=deep)
