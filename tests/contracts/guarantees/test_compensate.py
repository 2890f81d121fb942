"""`compensate`: 代偿, what the loss layers pay on loans past due."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.contracts.guarantees.conftest import DUE, SEALED
from tests.contracts.guarantees.desk import (
    Claim,
    Desk,
    Posted,
    Recovery,
    Reversal,
    book_compensation,
    book_deposit,
    compensated_event,
    fields,
    submitted,
    top_up_event,
)
from tests.contracts.sandbox.chain import Key
from tests.contracts.sandbox.contract import Receipt
from tests.contracts.sandbox.entries import (
    LAST_DAY,
    LAST_SEQUENCE,
    MAX_AMOUNT,
    START,
    Booking,
    OverdueMark,
    Repayment,
    Waiver,
    on,
    tip_of,
)
from tests.contracts.sandbox.faults import Fault, alone, with_all_later
from tests.contracts.sandbox.model import Book, divided, principal_parts
from tests.contracts.sandbox.partnership import DEAL, Partnership, deal_id, refused
from tests.contracts.sandbox.terms import Cap, Deposit, Layer, Limits, Terms
from tests.contracts.sandbox.terms import Claim as ClaimTerms

ID = deal_id(DEAL)
CLAIM = Claim(entry="claim-1", loan="loan-1")


def pays(receipt: Receipt) -> list[list[int]]:
    """What the layers pay on each loan, without the layers that there are not."""
    found = [fields(event["pays"]) for event in receipt.events if event.name == "LoanCompensated"]
    return [[pay for k, pay in enumerate(words) if any(words[k:])] for words in found]


def agree(desk: Desk, terms: Terms, *principals: int, deposit: int = 0) -> list[str]:
    """Terms of another deal with loans that are due; their names."""
    desk.partnership.agree(terms, deal="other")
    if deposit:
        desk.pay("deposit-1", deposit, deal="other")
    loans = [Booking(loan=f"due-{i}", principal=one) for i, one in enumerate(principals)]
    desk.partnership.book(*loans, deal="other")
    desk.mark(*(one.loan for one in loans), since=DUE, deal="other")
    return [one.loan for one in loans]


def compensate(desk: Desk, *loans: str, **options: Any) -> Receipt:
    rows = [Claim(entry=f"claim of {loan}", loan=loan) for loan in loans]
    return desk.compensate(*rows, deal="other", **options)


def layered(*layers: Layer, **claim: bool) -> Terms:
    """Funded 60/40 by the bank and the fund; the guarantor and the platform pay."""
    return Terms(
        funding=(("bank", 600_000), ("fund", 400_000)),
        others=("platform", "guarantor"),
        layers=layers,
        claim=ClaimTerms(days_past_due=90, **claim),
    )


def test_layers_pay_in_order_and_the_rest_stays_with_the_funders(
    covered: Desk, terms: Terms, loan: Booking
) -> None:
    receipt = covered.compensate(CLAIM)
    # The cap of the first layer, 5 % of 1 200 001, is below the deposit; 60 % of the other 720 000.
    paid, principal = (60_000, 432_000), (295_200, 196_800)
    left = 1_200_001 - 492_000
    assert receipt.returned is None
    assert receipt.events == [
        submitted(2),
        compensated_event(CLAIM, paid, principal),
        top_up_event(35_400 - 10_000, 10_000, left),
    ]
    stored = covered.partnership.loan("loan-1")
    assert (stored.outstanding, stored.compensated, stored.sequence) == (288_000, True, 3)
    assert stored.tip == tip_of(loan, Posted.of(receipt.events[1]))
    assert covered.partnership.volume() == (left, 1_200_001)
    assert covered.claims("loan-1", count=3) == [*paid, 0]
    assert covered.used(count=3) == [*paid, 0]
    assert covered.deposit() == 10_000
    book = Book()
    for booked in (780_000, 420_001):
        book.booking(terms, booked)
    book_deposit(book, terms, 70_000)
    book_compensation(book, terms, paid, principal)
    assert covered.partnership.balances() == book.balances()


def test_custodian_that_funds_owes_itself_nothing(covered: Desk) -> None:
    before = covered.partnership.balances()["bank"]["CLEARING"]
    covered.compensate(CLAIM)
    after = covered.partnership.balances()["bank"]["CLEARING"]
    assert after - before == 295_200 - 60_000


def test_batch_uses_up_cap_and_deposit_in_its_order(guaranteed: Desk) -> None:
    capped = layered(Layer(payer="guarantor", cap_kind=Cap.AMOUNT, cap=250))
    first, second, third = agree(guaranteed, capped, 100, 200, 300)
    with refused("CLAIM_UNCOVERED"):
        compensate(guaranteed, first, second, third)
    assert pays(compensate(guaranteed, second, first)) == [[200], [50]]
    assert guaranteed.used(count=1, deal="other") == [250]
    assert guaranteed.partnership.loan(first, deal="other").outstanding == 50


def test_deposit_is_drawn_to_the_last_fen_and_shared_by_its_layers(guaranteed: Desk) -> None:
    terms = replace(
        layered(
            Layer(payer="platform", from_deposit=True, share=500_000),
            Layer(payer="guarantor", share=500_000),
            Layer(payer="platform", from_deposit=True),
        ),
        deposit=Deposit(by="platform", custodian="fund"),
    )
    (loan,) = agree(guaranteed, terms, 100_000, deposit=60_000)
    receipt = compensate(guaranteed, loan)
    assert pays(receipt) == [[50_000, 25_000, 10_000]]
    assert guaranteed.deposit(deal="other") == 0
    assert receipt.events[2] == top_up_event(750, 0, 15_000, deal="other")
    book = Book()
    book.booking(terms, 100_000)
    book_deposit(book, terms, 60_000)
    book_compensation(
        book, terms, (50_000, 25_000, 10_000), principal_parts(terms, 100_000, 85_000)
    )
    assert guaranteed.partnership.balances(deal="other") == book.balances()


@pytest.mark.parametrize(
    ("layer", "paid"),
    [
        (Layer(payer="guarantor", cap_kind=Cap.AMOUNT, cap=7), 7),
        # Of 100 010 ever disbursed, 5.5 ppm of which is 0.55.
        (Layer(payer="guarantor", cap_kind=Cap.DISBURSED, cap=55_000), 5_501),
        # Of 100 005 outstanding before the claim; a half rounds up: 5 500.275.
        (Layer(payer="guarantor", cap_kind=Cap.OUTSTANDING, cap=55_000), 5_500),
        (Layer(payer="guarantor", cap_kind=Cap.OUTSTANDING, cap=500_000), 50_003),
        (Layer(payer="guarantor", share=1), 0),
        (Layer(payer="guarantor", share=5), 1),
    ],
)
def test_each_kind_of_cap_and_the_rounding_of_a_share(
    guaranteed: Desk, layer: Layer, paid: int
) -> None:
    loan, _ = agree(guaranteed, layered(layer), 100_000, 10)
    guaranteed.partnership.repay(Repayment(entry="r", loan="due-1", principal=5), deal="other")
    if not paid:
        with refused("CLAIM_UNCOVERED"):
            compensate(guaranteed, loan)
        return
    assert pays(compensate(guaranteed, loan)) == [[paid]]


def test_cap_of_what_is_outstanding_falls_from_claim_to_claim(guaranteed: Desk) -> None:
    half = layered(Layer(payer="guarantor", cap_kind=Cap.OUTSTANDING, cap=500_000))
    first, second, third = agree(guaranteed, half, 300, 500, 200)
    # 50 % of 1 000, of which nothing is used; then 50 % of 700, of which 300 are used.
    assert pays(compensate(guaranteed, first, second)) == [[300], [50]]
    # Used is above the cap by now: nothing is paid, nothing goes below 0.
    with refused("CLAIM_UNCOVERED"):
        compensate(guaranteed, third)


def test_used_counts_across_versions_of_the_terms(guaranteed: Desk) -> None:
    capped = layered(Layer(payer="guarantor", cap_kind=Cap.AMOUNT, cap=250))
    (loan,) = agree(guaranteed, capped, 200)
    compensate(guaranteed, loan)
    date = on("2026-07-01")
    guaranteed.partnership.agree(replace(capped, effective_date=date), deal="other")
    later = Booking(loan="later", principal=200, start=date, maturity=30_000)
    guaranteed.partnership.book(later, version=2, deal="other")
    guaranteed.mark("later", since=date, version=2, deal="other")
    claim = Claim(entry="c", loan="later", date=date + 90)
    assert pays(guaranteed.compensate(claim, version=2, deal="other")) == [[50]]


def test_claim_from_the_trigger_day_on(covered: Desk) -> None:
    with refused("CLAIM_BEFORE_TRIGGER"):
        covered.compensate(replace(CLAIM, date=DUE + 89))
    covered.compensate(replace(CLAIM, date=DUE + 90))


def test_loan_that_was_cured_is_not_due(covered: Desk) -> None:
    covered.partnership.mark_overdue(OverdueMark(entry="cured", loan="loan-1", since=0))
    with refused("CLAIM_BEFORE_TRIGGER"):
        covered.compensate(CLAIM)


def test_last_day_there_is(covered: Desk) -> None:
    covered.compensate(replace(CLAIM, date=LAST_DAY))
    assert covered.partnership.loan("loan-1").compensated


def test_cover_of_interest_is_paid_after_the_principal(guaranteed: Desk) -> None:
    terms = layered(Layer(payer="guarantor"), with_interest=True)
    (loan,) = agree(guaranteed, terms, 720_000)
    # 18 % of 720 000 for 200 days of 360, less what was received and waived.
    guaranteed.partnership.repay(
        Repayment(entry="r", loan=loan, interest=1_000, date=START + 200), deal="other"
    )
    guaranteed.partnership.waive(Waiver(entry="v", loan=loan, interest=77), deal="other")
    receipt = compensate(guaranteed, loan)
    interest = 72_000 - 1_077
    assert pays(receipt) == [[720_000 + interest]]
    assert fields(receipt.events[1]["principal_parts"])[:2] == [432_000, 288_000]
    assert fields(receipt.events[1]["interest_parts"])[:2] == divided(interest, terms.shares)
    book = Book()
    book.booking(terms, 720_000)
    book.repayment(terms, [(0, 600, 0, 0), (0, 400, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0)])
    book_compensation(
        book, terms, [720_000 + interest], [432_000, 288_000], divided(interest, terms.shares)
    )
    assert guaranteed.partnership.balances(deal="other") == book.balances()


@pytest.mark.parametrize(
    ("cap", "principal", "interest"),
    [(1, 1, 0), (1_000, 1_000, 0), (1_001, 1_000, 1), (9_999, 1_000, 100)],
)
def test_what_a_layer_pays_is_principal_first(
    guaranteed: Desk, cap: int, principal: int, interest: int
) -> None:
    """`G6` nothing above what is owed."""
    capped = Layer(payer="guarantor", cap_kind=Cap.AMOUNT, cap=cap)
    (loan,) = agree(guaranteed, layered(capped, with_interest=True), 1_000)
    receipt = compensate(guaranteed, loan)
    assert sum(fields(receipt.events[1]["principal_parts"])) == principal
    assert sum(fields(receipt.events[1]["interest_parts"])) == interest
    assert guaranteed.partnership.loan(loan, deal="other").outstanding == 1_000 - principal


def test_loan_that_owes_interest_only(guaranteed: Desk) -> None:
    (loan,) = agree(guaranteed, layered(Layer(payer="guarantor"), with_interest=True), 1_000)
    repaid = Repayment(entry="r", loan=loan, principal=1_000, date=START + 200)
    guaranteed.partnership.repay(repaid, deal="other")
    receipt = compensate(guaranteed, loan)
    assert pays(receipt) == [[100]]
    assert receipt.events[1]["principal_parts"] == (0, 0)
    assert guaranteed.claims(loan, count=1, deal="other") == [100]


def test_claim_of_principal_leaves_interest_out(covered: Desk) -> None:
    covered.partnership.repay(Repayment(entry="r", loan="loan-1", principal=780_000))
    with refused("LOAN_SETTLED"):
        covered.compensate(CLAIM)


def test_payer_that_funds_pays_itself_too(guaranteed: Desk) -> None:
    terms = Terms(
        funding=(("bank", 700_000), ("platform", 300_000)),
        layers=(Layer(payer="platform", share=400_000),),
        claim=ClaimTerms(days_past_due=1),
    )
    (loan,) = agree(guaranteed, terms, 1_000)
    compensate(guaranteed, loan)
    book = Book()
    book.booking(terms, 1_000)
    book_compensation(book, terms, [400], [280, 120])
    assert guaranteed.partnership.balances(deal="other") == book.balances()


def test_loan_is_compensated_once_while_it_stands(covered: Desk, loan: Booking) -> None:
    """`G3` and again after the reversal."""
    covered.pay("payment-2", 1_000_000)
    receipt = covered.compensate(CLAIM)
    with refused("LOAN_COMPENSATED"):
        covered.compensate(CLAIM)
    covered.reverse(Reversal.of("loan-1", loan, Posted.of(receipt.events[1])))
    again = covered.compensate(replace(CLAIM, entry="claim-2"))
    assert pays(again) == pays(receipt)
    assert covered.used() == [60_000, 432_000]


def test_loan_twice_in_a_batch_is_refused(covered: Desk) -> None:
    with refused("LOAN_COMPENSATED"):
        covered.compensate(CLAIM, replace(CLAIM, entry="claim-2"))


def test_entries_that_borrowers_make_are_refused_after_compensation(covered: Desk) -> None:
    covered.compensate(CLAIM)
    with refused("LOAN_COMPENSATED"):
        covered.partnership.repay(Repayment(entry="r", loan="loan-1", principal=1))
    with refused("LOAN_COMPENSATED"):
        covered.partnership.waive(Waiver(entry="v", loan="loan-1", interest=1))
    with refused("LOAN_COMPENSATED"):
        covered.mark("loan-1", since=DUE + 1)


def test_servicing_goes_on_in_a_suspended_deal(covered: Desk) -> None:
    partnership = covered.partnership
    partnership.confirmed(partnership.by_name["bank"], partnership.deals, "suspend", ID)
    receipt = covered.compensate(CLAIM)
    covered.recover(Recovery(entry="r", loan="loan-1", principal=1))
    assert pays(receipt) == [[60_000, 432_000]]


def test_top_up_is_called_for_once_for_the_whole_batch(guaranteed: Desk) -> None:
    terms = replace(
        layered(Layer(payer="platform", from_deposit=True)),
        deposit=Deposit(by="platform"),
    )
    first, second, _ = agree(guaranteed, terms, 1_000, 1_000, 98_000, deposit=5_500)
    receipt = compensate(guaranteed, first, second)
    assert [event.name for event in receipt.events[1:]] == ["LoanCompensated"] * 2 + ["TopUpCalled"]
    # 5 % of 98 000.
    assert receipt.events[3] == top_up_event(1_400, 3_500, 98_000, deal="other")


def test_claim_that_draws_nothing_calls_for_nothing(guaranteed: Desk) -> None:
    terms = replace(layered(Layer(payer="guarantor")), deposit=Deposit(by="platform"))
    first, _ = agree(guaranteed, terms, 1_000, 98_000, deposit=4_700)
    receipt = compensate(guaranteed, first)
    assert [event.name for event in receipt.events] == ["EntriesSubmitted", "LoanCompensated"]


def test_lines_of_a_deposit_are_those_of_the_newest_terms(covered: Desk, amended: Terms) -> None:
    covered.partnership.agree(amended)
    covered.arrange(deposit=150_000)
    receipt = covered.compensate(CLAIM)
    # 7 % of 708 001 is 49 560.07; 90 000 are left.
    assert receipt.events[-1].name == "LoanCompensated"
    covered.mark("loan-2", since=DUE)
    covered.arrange(deposit=90_000, used=[0, 0])
    receipt = covered.compensate(Claim(entry="c", loan="loan-2"))
    # Of 420 001 the deposit pays 60 000 and the guarantor 216 001: 432 000 are left.
    assert pays(receipt) == [[60_000, 216_001]]
    assert receipt.events[-1] == top_up_event(34_560 - 30_000, 30_000, 432_000)


def test_widest_deal(wide: Partnership) -> None:
    """Eight funders, eight layers of four payers, a deposit: every account of a batch at once."""
    desk = Desk(wide)
    names = list(wide.by_name)
    payers = names[8:12]
    terms = Terms(
        funding=tuple(zip(names, (125_003, 124_997, *(125_000,) * 6), strict=False)),
        others=tuple(payers),
        collected_by=payers[0],
        deposit=Deposit(by=payers[0], custodian=payers[1]),
        layers=tuple(
            Layer(payer=payers[k % 4], from_deposit=k % 4 == 0, share=100_000 * (k + 1))
            for k in range(8)
        ),
        claim=ClaimTerms(days_past_due=1, with_interest=True),
    )
    wide.agree(terms)
    desk.pay("deposit-1", 10**9, by=wide.by_name[payers[0]].maker)
    principals = (987_654_321, 77, 1_000_003)
    wide.book(*(Booking(loan=f"loan-{p}", principal=p) for p in principals))
    desk.mark(*(f"loan-{p}" for p in principals), since=DUE)
    book = Book()
    book_deposit(book, terms, 10**9)
    receipt = desk.compensate(*(Claim(entry=f"c-{p}", loan=f"loan-{p}") for p in principals))
    for event, principal in zip(receipt.events[1:], principals, strict=True):
        words = [fields(event[name]) for name in ("pays", "principal_parts", "interest_parts")]
        assert sum(words[0]) == sum(words[1]) + sum(words[2])
        assert words[1] == principal_parts(terms, principal, sum(words[1]))
        assert words[2] == divided(sum(words[2]), terms.shares)
        book.booking(terms, principal)
        book_compensation(book, terms, *words)
    assert wide.balances() == book.balances()


def test_hundred_claims_fit_and_no_more(guaranteed: Desk) -> None:
    loans = agree(guaranteed, layered(Layer(payer="guarantor")), *range(1, 102))
    with refused("0x"):
        compensate(guaranteed, *loans)
    receipt = compensate(guaranteed, *loans[:100])
    assert guaranteed.used(count=1, deal="other") == [5_050]
    assert len(receipt.events) == 101


def test_no_claim_at_all_posts_nothing(covered: Desk) -> None:
    before = covered.partnership.balances()
    receipt = covered.compensate()
    assert receipt.events == [submitted(2)]
    assert covered.partnership.balances() == before


def test_borrower_owes_less_in_deals_that_limit_it(guaranteed: Desk) -> None:
    terms = replace(
        layered(Layer(payer="guarantor", share=250_000)), limits=Limits(max_per_borrower=1_000)
    )
    (loan,) = agree(guaranteed, terms, 1_000)
    compensate(guaranteed, loan)
    assert guaranteed.partnership.borrower_outstanding("borrower-1") == 750


# What is wrong with a claim, in the order of the checks.
FAULTS: list[Fault] = [
    ("SENDER_NOT_MAKER", {"by": Key("platform checker")}),
    ("DEAL_UNKNOWN", {"deal": "other"}),
    ("DEAL_NOT_ACTIVE", {"version": 3}),
    ("SENDER_NOT_SERVICER", {"by": Key("bank maker")}),
    ("CLAIM_MISSING", {"deal": "plain"}),
    ("LOAN_UNKNOWN", {"loan": "unknown"}),
    ("LOAN_REVERSED", {"loan": "reversed"}),
    ("LOAN_WRITTEN_OFF", {"loan": "written off"}),
    ("LOAN_COMPENSATED", {"loan": "compensated"}),
    ("LOAN_OTHER_VERSION", {"loan": "amended"}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": 1}),
    ("ENTRY_OUT_OF_SEQUENCE", {"sequence": LAST_SEQUENCE + 3}),
    ("ENTRY_SEQUENCE_FULL", {"loan": "full"}),
    ("ENTRY_DATE_INVALID", {"date": LAST_DAY + 1}),
    ("ENTRY_BEFORE_START", {"date": START - 1}),
    ("CLAIM_BEFORE_TRIGGER", {"date": DUE + 89}),
    ("CLAIM_BEFORE_TRIGGER", {"loan": "open"}),
    ("LOAN_SETTLED", {"loan": "settled"}),
    ("CLAIM_UNCOVERED", {"deal": "spent", "loan": "due"}),
    ("DAY_SEALED", {"loan": "early", "date": SEALED}),
]


def _compensate(desk: Desk, arguments: dict[str, Any]) -> None:
    row = dict(arguments)
    call = {name: row.pop(name) for name in ("by", "deal", "version") if name in row}
    desk.compensate(replace(Claim(entry="c-2", loan="due"), **row), **call)


@pytest.mark.parametrize(("reason", "arguments"), alone(FAULTS))
def test_claim_with_a_fault_is_refused(
    portfolio: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    before = portfolio.partnership.balances(), portfolio.used(), portfolio.deposit()
    with refused(reason):
        _compensate(portfolio, arguments)
    assert (portfolio.partnership.balances(), portfolio.used(), portfolio.deposit()) == before


@pytest.mark.parametrize(("reason", "arguments"), with_all_later(FAULTS))
def test_of_many_faults_the_first_is_named(
    portfolio: Desk, reason: str, arguments: dict[str, Any]
) -> None:
    with refused(reason):
        _compensate(portfolio, arguments)


@pytest.mark.parametrize("order", [1, -1])
def test_earliest_date_of_a_batch_counts(portfolio: Desk, order: int) -> None:
    rows = [Claim(entry="a", loan="early", date=SEALED), Claim(entry="b", loan="due")]
    with refused("DAY_SEALED"):
        portfolio.compensate(*rows[::order])


@pytest.mark.parametrize("reason", ["LOAN_REVERSED", "CLAIM_BEFORE_TRIGGER", "LOAN_SETTLED"])
def test_bad_claim_is_refused_with_its_batch(portfolio: Desk, reason: str) -> None:
    loan = {arguments.get("loan"): name for name, arguments in FAULTS}
    bad = next(one for one, name in loan.items() if name == reason and one)
    with refused(reason):
        portfolio.compensate(Claim(entry="good", loan="due"), Claim(entry="bad", loan=bad))
    assert not portfolio.partnership.loan("due").compensated


def test_what_is_wrong_is_named_where_interest_is_claimed_too(guaranteed: Desk) -> None:
    agree(guaranteed, layered(Layer(payer="guarantor"), with_interest=True), 5)
    rows = [Claim(entry="c", loan="unknown"), Claim(entry="c", loan="due-0", date=2**200)]
    for row, reason in zip(rows, ("LOAN_UNKNOWN", "ENTRY_DATE_INVALID"), strict=True):
        with refused(reason):
            guaranteed.compensate(row, deal="other")


def test_interest_that_no_event_has_room_for_is_refused(guaranteed: Desk) -> None:
    terms = layered(Layer(payer="guarantor"), with_interest=True)
    guaranteed.partnership.agree(terms, deal="other")
    guaranteed.partnership.book(
        Booking(loan="dear", principal=MAX_AMOUNT, rate=2**24 - 1), deal="other"
    )
    guaranteed.mark("dear", since=DUE, deal="other")
    # 2**56 - 1 doubles in 21 days at 1 677.7215 % a year.
    for date in (START + 200, LAST_DAY):
        with refused("AMOUNT_TOO_LARGE"):
            guaranteed.compensate(Claim(entry="c", loan="dear", date=date), deal="other")


def test_largest_loan_is_compensated(guaranteed: Desk) -> None:
    (loan,) = agree(guaranteed, layered(Layer(payer="guarantor")), MAX_AMOUNT)
    assert pays(compensate(guaranteed, loan)) == [[MAX_AMOUNT]]


def test_cap_is_of_everything_the_deal_ever_disbursed(guaranteed: Desk) -> None:
    capped = layered(Layer(payer="guarantor", cap_kind=Cap.DISBURSED, cap=50_000))
    loan, other = agree(guaranteed, capped, 100, 900)
    guaranteed.partnership.repay(Repayment(entry="r", loan=other, principal=900), deal="other")
    assert pays(compensate(guaranteed, loan)) == [[50]]
