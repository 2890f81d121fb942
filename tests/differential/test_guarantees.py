"""Compensation (M6) and recovery (M7) through the contract, against the vectors and the SDK's twin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.losses import compensation, recovery
from ledger.money import apportion, half_up
from ledger.tables import Cap as SdkCap
from ledger.tables import LossLayer, RecoveryOrder, Source
from tests.contracts.guarantees.desk import (
    Claim,
    Desk,
    Posted,
    Recovery,
    Reversal,
    book_compensation,
    book_deposit,
    book_recovery,
    fields,
)
from tests.contracts.sandbox.chain import Refused
from tests.contracts.sandbox.contract import Event
from tests.contracts.sandbox.entries import (
    START,
    Booking,
    Kind,
    OverdueMark,
    Repayment,
    WriteOff,
    reversal_of,
)
from tests.contracts.sandbox.model import Book
from tests.contracts.sandbox.partnership import DEAL, Partnership, refused
from tests.contracts.sandbox.terms import PPM, Cap, Deposit, Layer, Terms
from tests.contracts.sandbox.terms import Claim as ClaimTerms
from tests.differential.deals import NAMES
from tests.differential.test_vectors import vectors

pytestmark = pytest.mark.slow

FUNDING = (("bank", 600_000), ("platform", 400_000))
PAYERS = NAMES[2:]
CLAIM = Claim(entry="claim", loan="loan")
LOW_LINES = partial(Deposit, target=1, warn=1, stop=1)
"""Lines that stop nothing."""
CAPS = {"amount": Cap.AMOUNT, "disbursed": Cap.DISBURSED, "outstanding": Cap.OUTSTANDING}
DUE = 90

Case = dict[str, Any]


def layers_of(event: Event, name: str, count: int) -> list[int]:
    """By layers; there is nothing behind the last one."""
    found = fields(event[name])
    assert not any(found[count:])
    return found[:count]


def due(desk: Desk, *loans: Booking, deal: str = DEAL) -> None:
    """Loans booked and past due."""
    desk.partnership.book(*loans, deal=deal)
    desk.mark(*(one.loan for one in loans), since=START, deal=deal)


# ---- the vectors
def terms_of(case: Case, depositor: str | None) -> tuple[Terms, list[int]]:
    """A deal with the layers of a case, and what they used.

    A case may name several depositors, a deal has one. A layer of another one pays as if its cap ended
    where that deposit does.
    """
    payer_of = dict(zip((layer["payer"] for layer in case["layers"]), PAYERS, strict=False))
    layers, used = [], []
    for layer in case["layers"]:
        kind, cap = layer["cap"] or ("", 0)
        before = layer["used"]
        made = Layer(
            payer=payer_of[layer["payer"]],
            from_deposit=layer["source"] == "deposit",
            share=layer["share"],
            cap_kind=CAPS.get(kind, Cap.NONE),
            cap=cap,
        )
        if made.from_deposit and layer["payer"] != depositor:
            room = max(0, cap_now(case, layer) - before)
            before = max(1, before)
            ends = before + min(room, case["deposits"][layer["payer"]])
            made = replace(made, from_deposit=False, cap_kind=Cap.AMOUNT, cap=ends)
        layers.append(made)
        used.append(before)
    terms = Terms(
        funding=FUNDING,
        others=tuple(payer_of.values()),
        deposit=LOW_LINES(by=payer_of[depositor]) if depositor else None,
        layers=tuple(layers),
        claim=ClaimTerms(days_past_due=DUE),
    )
    return terms, used


def cap_now(case: Case, layer: Case) -> int:
    """What a layer may ever have used."""
    if layer["cap"] is None:
        return 2**63
    kind, cap = layer["cap"]
    return int(cap) if kind == "amount" else half_up(cap * case[kind], PPM)


def depositor_of(case: Case, number: int) -> str | None:
    """Of several, now this one, now that one."""
    found = [layer["payer"] for layer in case["layers"] if layer["source"] == "deposit"]
    return found[number % len(found)] if found else None


def by_shares(amount: int, left: int = 0) -> list[int]:
    """What each funder's part falls by."""
    before, after = (apportion(one, [share for _, share in FUNDING]) for one in (amount, left))
    return [a - b for a, b in zip(before, after, strict=True)]


def check_compensation(desk: Desk, case: Case, depositor: str | None, deal: str) -> None:
    """The claim of a case is paid as the vector says."""
    terms, used = terms_of(case, depositor)
    desk.partnership.agree(terms, deal=deal)
    deposit = case["deposits"].get(depositor, 0)
    if deposit:
        assert terms.deposit is not None
        by = desk.partnership.by_name[str(terms.deposit.by)].maker
        desk.pay("deposit", deposit, by=by, deal=deal)
    due(desk, Booking(loan="loan", principal=case["claim"]), deal=deal)
    desk.arrange(used=used, volume=(case["outstanding"], case["disbursed"]), deal=deal)
    event = desk.compensate(CLAIM, deal=deal).events[1]
    count = len(used)
    assert layers_of(event, "pays", count) == case["pays"]
    assert layers_of(event, "principal_parts", 2) == by_shares(case["claim"], case["residual"])
    assert desk.partnership.loan("loan", deal=deal).outstanding == case["residual"]
    assert desk.claims("loan", count=count, deal=deal) == case["pays"]
    after = [before + pay for before, pay in zip(used, case["pays"], strict=True)]
    assert desk.used(count=count, deal=deal) == after
    drawn = sum(
        pay for layer, pay in zip(terms.layers, case["pays"], strict=True) if layer.from_deposit
    )
    assert desk.deposit(deal=deal) == deposit - drawn


def check_recoveries(
    desk: Desk, cases: dict[str, Case], *, written_off: bool = False, deal: str = DEAL
) -> None:
    """The cash of each case goes where the vector says; by loan."""
    rows = [
        Recovery(entry=f"recovery of {loan}", loan=loan, principal=case["cash"])
        for loan, case in cases.items()
    ]
    events = desk.recover(*rows, deal=deal).events[1:]
    for event, (loan, case) in zip(events, cases.items(), strict=True):
        count = len(case["claims"])
        left = case["residual"] - case["to_residual"]
        assert event["written_off"] == written_off
        assert layers_of(event, "to_layers", count) == case["to_layers"]
        assert layers_of(event, "residual_parts", 2) == by_shares(case["residual"], left)
        assert layers_of(event, "surplus_parts", 2) == by_shares(case["surplus"])
        open_claims = [a - b for a, b in zip(case["claims"], case["to_layers"], strict=True)]
        assert desk.claims(loan, count=count, deal=deal) == open_claims
        if not written_off:
            assert desk.partnership.loan(loan, deal=deal).outstanding == left


def test_compensation_and_recovery_in_reverse_order(consortium: Partnership) -> None:
    """Each case in a deal of its own; the recoveries are those of the claims, two for each."""
    desk = Desk(consortium)
    recoveries = vectors("recovery")
    for number, case in enumerate(vectors("compensation")):
        reverse = recoveries[2 * number]
        assert (reverse["order"], reverse["claims"]) == ("reverse", case["pays"])
        if case["layers"]:
            deal = f"deal-{number}"
            check_compensation(desk, case, depositor_of(case, number), deal)
            check_recoveries(desk, {"loan": reverse}, deal=deal)


def test_recovery_pro_rata(consortium: Partnership) -> None:
    """Shares play no part in it: the cases with as many layers share a deal, whose caps let each layer
    pay just its claim."""
    desk = Desk(consortium)
    cap = 10**12
    cases = [case for case in vectors("recovery") if case["order"] == "pro_rata"]
    for count in sorted({len(case["claims"]) for case in cases} - {0}):
        deal = f"deal-{count}"
        terms = Terms(
            funding=FUNDING,
            others=PAYERS[:count],
            layers=tuple(
                Layer(payer=payer, cap_kind=Cap.AMOUNT, cap=cap) for payer in PAYERS[:count]
            ),
            claim=ClaimTerms(days_past_due=DUE, pro_rata=True),
        )
        consortium.agree(terms, deal=deal)
        named = {
            f"loan-{number}": case
            for number, case in enumerate(case for case in cases if len(case["claims"]) == count)
        }
        sizes = {loan: sum(case["claims"]) + case["residual"] for loan, case in named.items()}
        due(desk, *(Booking(loan=loan, principal=one) for loan, one in sizes.items()), deal=deal)
        for loan, case in named.items():
            desk.arrange(used=[cap - claim for claim in case["claims"]], deal=deal)
            event = desk.compensate(Claim(entry=loan, loan=loan), deal=deal).events[1]
            assert layers_of(event, "pays", count) == case["claims"]
        check_recoveries(desk, named, deal=deal)


def test_recovery_without_layers(consortium: Partnership) -> None:
    """All of it is the funders', in either order: written off, for nobody compensates such a loan."""
    desk = Desk(consortium)
    consortium.agree(Terms(funding=FUNDING))
    cases = [case for case in vectors("recovery") if not case["claims"]]
    named = {f"loan-{number}": case for number, case in enumerate(cases)}
    due(desk, *(Booking(loan=loan, principal=case["residual"]) for loan, case in named.items()))
    consortium.write_off(*(WriteOff(entry=loan, loan=loan) for loan in named))
    check_recoveries(desk, named, written_off=True)


def test_first_loss_then_60_40(consortium: Partnership) -> None:
    case = vectors("worked")["first_loss_then_60_40"]
    desk = Desk(consortium)
    (_, first), (_, second) = ((layer["payer"], layer["share"]) for layer in case["layers"])
    (_, cap) = case["layers"][0]["cap"]
    terms = Terms(
        funding=(("bank", PPM),),
        others=("platform",),
        layers=(
            Layer(payer="platform", share=first, cap_kind=Cap.DISBURSED, cap=cap),
            Layer(payer="platform", share=second),
        ),
        claim=ClaimTerms(days_past_due=DUE),
    )
    consortium.agree(terms)
    due(desk, Booking(loan="loan", principal=case["claim"]))
    consortium.book(Booking(loan="others", principal=case["disbursed"] - case["claim"]))
    event = desk.compensate(CLAIM).events[1]
    assert layers_of(event, "pays", 2) == case["pays"]
    assert consortium.loan("loan").outstanding == case["residual"]
    recovered = case["recovery"]
    row = Recovery(entry="recovery", loan="loan", principal=recovered["cash"])
    event = desk.recover(row).events[1]
    assert layers_of(event, "to_layers", 2) == recovered["to_layers"]
    assert layers_of(event, "residual_parts", 1) == [recovered["to_residual"]]


def test_deposit(consortium: Partnership) -> None:
    case = vectors("worked")["deposit"]
    desk = Desk(consortium)
    target = case["target_ppm"]
    terms = Terms(
        funding=(("bank", PPM),),
        others=("platform",),
        deposit=Deposit(by="platform", target=target, warn=47_000, stop=45_000),
        layers=(Layer(payer="platform", from_deposit=True),),
        claim=ClaimTerms(days_past_due=DUE),
    )
    consortium.agree(terms)
    desk.pay("deposit", case["deposit"])
    consortium.book(Booking(loan="others", principal=case["outstanding"]))
    due(desk, Booking(loan="loan", principal=case["draw"]))
    events = desk.compensate(CLAIM).events
    assert layers_of(events[1], "pays", 1) == [case["draw"]]
    assert events[2].name == "TopUpCalled"
    assert events[2]["amount_minor"] == case["top_up_call"]
    assert events[2]["deposit_minor"] == desk.deposit() == case["deposit_after"]
    assert consortium.volume()[0] == case["outstanding"]
    # What the rest of the deposit carries at target, and not a fen more.
    strict = replace(terms, deposit=Deposit(by="platform", target=target, warn=target, stop=target))
    consortium.agree(strict, deal="strict")
    desk.pay("deposit", case["deposit_after"], deal="strict")
    full = Booking(loan="loan", principal=case["capacity_at_target"])
    assert len(consortium.book(full, deal="strict").events) == 2
    with refused("DEPOSIT_UNDER_STOP"):
        consortium.book(Booking(loan="one more", principal=1), deal="strict")


def test_rbi_guarantee(consortium: Partnership) -> None:
    """What is recovered does not make room under the cap again."""
    case = vectors("worked")["rbi_guarantee"]
    desk = Desk(consortium)
    terms = Terms(
        funding=(("bank", PPM),),
        others=("platform",),
        layers=(Layer(payer="platform", cap_kind=Cap.DISBURSED, cap=case["cap_ppm_of_disbursed"]),),
        claim=ClaimTerms(days_past_due=DUE),
    )
    consortium.agree(terms)
    claim = Claim(entry="claim", loan="loan-2")
    # 200 of the second thousand default later.
    sizes = iter(({"loan-0": 1_000}, {"loan-1": 800, "loan-2": 200}))
    for step, amount, expected in case["steps"]:
        if step == "disburse":
            booked = next(sizes)
            assert sum(booked.values()) == amount
            consortium.book(*(Booking(loan=one, principal=size) for one, size in booked.items()))
        elif step == "repay_clean":
            consortium.repay(Repayment(entry="clean", loan="loan-0", principal=amount))
        elif step == "claim":
            desk.mark(claim.loan, since=START)
            assert consortium.loan(claim.loan).outstanding == amount
            paid = sum(fields(desk.compensate(claim).events[1]["pays"]))
            assert expected == f"pays {paid}, cap left {cap_left(desk)}"
            continue
        else:
            assert step == "recover"
            desk.recover(Recovery(entry="recovery", loan=claim.loan, principal=amount))
            assert expected == f"cap left {cap_left(desk)}"
            continue
        assert cap_left(desk) == expected


def cap_left(desk: Desk) -> int:
    """What the layer would pay on a claim of everything."""
    with desk.partnership.unchanged():
        desk.mark("loan-0", since=START)
        try:
            event = desk.compensate(Claim(entry="all", loan="loan-0")).events[1]
        except Refused as error:
            assert error.reason == "CLAIM_UNCOVERED"
            return 0
        return sum(fields(event["pays"]))


# ---- generated deals
MANY = st.one_of(st.integers(1, 40), st.integers(1, 10**9), st.sampled_from([PPM, 2**55]))
ACTS = st.sampled_from(["claim", "claim", "recover", "late", "write-off"])


@st.composite
def guaranteed(draw: st.DrawFn) -> Terms:
    """One to three funders, one to eight layers of anybody's, perhaps a deposit."""
    cuts = sorted(draw(st.sets(st.one_of(st.integers(1, PPM - 1), st.just(1)), max_size=2)))
    cut = [b - a for a, b in pairwise([0, *cuts, PPM])]
    funding = tuple(zip(NAMES, draw(st.permutations(cut)), strict=False))
    others = tuple(name for name in ("platform", "partner-5") if name not in dict(funding))
    parties = [name for name, _ in funding] + list(others)
    payer = st.sampled_from(parties)
    depositor = draw(st.one_of(st.none(), st.just("partner-5")))
    share = st.one_of(st.just(PPM), st.integers(1, PPM), st.sampled_from([1, PPM // 2, PPM - 1]))
    cap = st.one_of(
        st.just((Cap.NONE, 0)),
        st.tuples(st.just(Cap.AMOUNT), MANY),
        st.tuples(st.sampled_from([Cap.DISBURSED, Cap.OUTSTANDING]), st.integers(1, PPM)),
    )
    layers = []
    for _ in range(draw(st.integers(1, 8))):
        kind, limit = draw(cap)
        draws = depositor is not None and draw(st.booleans())
        layers.append(
            Layer(
                payer=depositor if draws and depositor else draw(payer),
                from_deposit=draws,
                share=draw(share),
                cap_kind=kind,
                cap=limit,
                reinstates=draw(st.booleans()),
            )
        )
    return Terms(
        funding=funding,
        others=others,
        servicer="bank",
        collected_by=draw(payer),
        disbursed_by=draw(payer),
        deposit=LOW_LINES(by=depositor, custodian="bank") if depositor else None,
        layers=tuple(layers),
        claim=ClaimTerms(
            days_past_due=DUE, with_interest=draw(st.booleans()), pro_rata=draw(st.booleans())
        ),
    )


@dataclass(slots=True)
class Owed:
    """A loan as the twin keeps it."""

    loan: str
    standing: list[Any]
    outstanding: int
    claims: list[int]
    paid: list[int]
    lost: int = 0
    compensated: bool = False
    written_off: bool = False


class Twin:
    """What the SDK's arithmetic makes of the same acts, and the checks that both agree."""

    def __init__(self, desk: Desk, terms: Terms, principals: Sequence[int], deposit: int) -> None:
        self.desk, self.terms, self.book = desk, terms, Book()
        self.by = desk.partnership.by_name["bank"].maker
        self.layers = [as_sdk(layer) for layer in terms.layers]
        self.deposit = 0
        self.used = [0] * len(terms.layers)
        self.disbursed = sum(principals)
        rows = [Booking(loan=f"loan-{i}", principal=one) for i, one in enumerate(principals)]
        desk.partnership.agree(terms)
        if terms.deposit:
            self.deposit = deposit + self.disbursed // PPM + 1
            depositor = desk.partnership.by_name[str(terms.deposit.by)]
            desk.pay("deposit", self.deposit, by=depositor.maker)
            book_deposit(self.book, terms, self.deposit)
        desk.partnership.book(*rows, by=self.by)
        marks = [OverdueMark(entry=row.loan, loan=row.loan, since=START) for row in rows]
        desk.partnership.mark_overdue(*marks, by=self.by)
        for row in rows:
            self.book.booking(terms, row.principal)
        none = [0] * len(terms.layers)
        self.loans = [Owed(row.loan, [row], row.principal, [*none], [*none]) for row in rows]
        self.compare()

    @property
    def outstanding(self) -> int:
        """Of the deal."""
        return sum(one.outstanding for one in self.loans)

    def compare(self) -> None:
        """Every balance and every figure is the twin's."""
        desk, count = self.desk, len(self.layers)
        assert desk.partnership.balances() == self.book.balances()
        assert desk.partnership.volume() == (self.outstanding, self.disbursed)
        assert desk.used(count=count) == self.used
        assert desk.deposit() == self.deposit
        for one in self.loans:
            assert desk.claims(one.loan, count=count) == one.claims

    def claim(self, one: Owed, entry: str) -> None:
        """代偿."""
        if one.compensated or one.written_off:
            return
        interest = half_up(one.outstanding * 200 * 180_000, 360 * PPM)
        owed = one.outstanding + interest * self.terms.claim.with_interest
        expected = compensation(
            owed,
            self.layers,
            used_minor=self.used,
            deposits_minor={layer.payer: self.deposit for layer in self.layers},
            disbursed_minor=self.disbursed,
            outstanding_minor=self.outstanding,
        )
        pays, row = list(expected.pays_minor), Claim(entry=entry, loan=one.loan)
        if not any(pays):
            with refused("CLAIM_UNCOVERED"):
                self.desk.compensate(row, by=self.by)
            return
        case = {"disbursed": self.disbursed, "outstanding": self.outstanding}
        event = self.desk.compensate(row, by=self.by).events[1]
        paid = sum(pays)
        before, one.outstanding = one.outstanding, max(0, one.outstanding - paid)
        principal = self._parts(before, one.outstanding)
        interest_parts = self._parts(paid - (before - one.outstanding))
        assert layers_of(event, "pays", len(pays)) == pays
        assert layers_of(event, "principal_parts", len(principal)) == principal
        assert layers_of(event, "interest_parts", len(principal)) == interest_parts
        assert sum(principal) + sum(interest_parts) == paid <= owed  # G1 G6
        for k, (layer, pay) in enumerate(zip(self.layers, pays, strict=True)):
            self.used[k] += pay
            cap = layer.cap and layer.cap.model_dump(exclude_none=True)
            ends = cap_now(case, {"cap": cap and _as_case(cap)})
            assert pay == 0 or self.used[k] <= ends  # G2
            self.deposit -= pay if layer.source is Source.DEPOSIT else 0
        assert self.deposit >= 0  # G5
        one.claims, one.paid, one.compensated = [*pays], pays, True
        one.standing.append(Posted.of(event))
        book_compensation(self.book, self.terms, pays, principal, interest_parts)

    def recover(self, one: Owed, row: Recovery, cash: int) -> None:
        """追偿, or a late 还款."""
        if not one.compensated and not one.written_off:
            with refused("LOAN_NOT_COMPENSATED"):
                self.desk.recover(row, by=self.by)
            return
        residual = one.lost if one.written_off else one.outstanding
        pro_rata = self.terms.claim.pro_rata
        expected = recovery(
            cash,
            residual_minor=residual,
            claims_minor=one.claims,
            shares_ppm=[layer.share_ppm for layer in self.layers],
            order=RecoveryOrder.PRO_RATA if pro_rata else RecoveryOrder.REVERSE,
        )
        event = self.desk.recover(row, by=self.by).events[1]
        to_layers = list(expected.to_layers_minor)
        left = residual - expected.to_residual_minor
        restored = self._parts(residual, left)
        surplus = self._parts(expected.surplus_minor)
        assert event["written_off"] == one.written_off
        assert layers_of(event, "to_layers", len(to_layers)) == to_layers
        assert layers_of(event, "residual_parts", len(restored)) == restored
        assert layers_of(event, "surplus_parts", len(restored)) == surplus
        assert sum(to_layers) + sum(restored) + sum(surplus) == cash  # G1
        if one.written_off:
            one.lost = left
        else:
            one.outstanding = left
        for k, part in enumerate(to_layers):
            one.claims[k] -= part
            assert 0 <= one.claims[k] <= one.paid[k]  # G4
            self.used[k] -= part if self.layers[k].reinstates else 0
        one.standing.append(Posted.of(event))
        book_recovery(
            self.book, self.terms, to_layers, restored, surplus, written_off=one.written_off
        )

    def write_off(self, one: Owed, entry: str) -> None:
        """核销."""
        if one.written_off or not one.outstanding:
            return
        row = WriteOff(entry=entry, loan=one.loan, outstanding=one.outstanding, date=START + 250)
        self.desk.partnership.write_off(row)
        self.book.write_off(self.terms, one.outstanding)
        one.lost, one.outstanding, one.written_off = one.outstanding, 0, True
        one.standing.append(row)

    def take_back(self, one: Owed) -> None:
        """冲正 of everything but the booking, the latest first."""
        while len(one.standing) > 1:
            entry = f"reversal-{len(one.standing)} of {one.loan}"
            if isinstance(one.standing[-1], WriteOff):
                self.desk.partnership.reverse(reversal_of(*one.standing, entry=entry))
            else:
                row = Reversal.of(one.loan, *one.standing, entry=entry)
                self.desk.reverse(row, by=self.by)
            one.standing.pop()

    def _parts(self, before: int, after: int = 0) -> list[int]:
        parts = (apportion(amount, self.terms.shares) for amount in (before, after))
        return [a - b for a, b in zip(*parts, strict=True)]


def _as_case(cap: dict[str, int]) -> list[Any]:
    ((name, amount),) = cap.items()
    return [name.removesuffix("_minor").removesuffix("_ppm"), amount]


def as_sdk(layer: Layer) -> LossLayer:
    """The same layer as the SDK knows it."""
    kinds = {
        Cap.AMOUNT: "amount_minor",
        Cap.DISBURSED: "disbursed_ppm",
        Cap.OUTSTANDING: "outstanding_ppm",
    }
    return LossLayer(
        payer=str(layer.payer),
        source=Source.DEPOSIT if layer.from_deposit else Source.DIRECT,
        share_ppm=layer.share,
        cap=SdkCap(**{kinds[Cap(layer.cap_kind)]: layer.cap}) if layer.cap_kind else None,
        reinstates=layer.reinstates,
    )


@given(
    terms=guaranteed(),
    principals=st.lists(MANY, min_size=1, max_size=3),
    deposit=MANY,
    acts=st.lists(st.tuples(ACTS, st.integers(0, 2), MANY), min_size=1, max_size=8),
)
def test_layers_pay_and_are_restored_as_the_twin_says_and_the_mirror_undoes_it(
    consortium: Partnership,
    terms: Terms,
    principals: list[int],
    deposit: int,
    acts: list[tuple[str, int, int]],
) -> None:
    with consortium.unchanged():
        twin = Twin(Desk(consortium), terms, principals, deposit)
        before = consortium.balances()
        for number, (act, which, amount) in enumerate(acts):
            one = twin.loans[which % len(principals)]
            entry = f"entry-{number}"
            row = Recovery(entry=entry, loan=one.loan, principal=amount, fee=amount // 3)
            if act == "claim":
                twin.claim(one, entry)
            elif act == "recover":
                twin.recover(one, row, amount - amount // 3)
            elif act == "late":
                late = replace(row, kind=Kind.CLAIM_REPAYMENT, interest=amount // 2, penalty=1)
                twin.recover(one, late, amount + amount // 2 + 1 + amount // 3)
            else:
                twin.write_off(one, entry)
            twin.compare()
        for one in twin.loans:
            twin.take_back(one)
        assert consortium.balances() == before
        desk = twin.desk
        assert desk.partnership.volume() == (sum(principals), sum(principals))
        assert desk.used(count=8) == [0] * 8
        assert not any(amount for one in twin.loans for amount in desk.claims(one.loan, count=8))
