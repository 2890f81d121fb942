"""Settlements from Python: who pays whom, what was paid, and the entries behind every number."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ledger import dues, reading, settlements, transfers
from ledger.bindings import label
from ledger.dues import Dues
from ledger.entries import entry_id
from ledger.errors import EntryRejected, Reverted, UsageInvalid, ValueInvalid
from ledger.ledger import Ledger
from ledger.money import day_number
from ledger.reconcile.held import cash_lines
from ledger.reconcile.refs import Refs
from ledger.settlements import Settled
from ledger.waterfall import Account
from tests.sdk.sdk_office import (
    COVERED,
    DEAL,
    GUARANTOR,
    LEAD,
    SERVICER,
    agree,
    booking,
    overdue,
    repayment,
    uncovered,
)

DAY, NEXT = date(2026, 3, 1), date(2026, 3, 2)


def lend(ledger: Ledger, deal: str = DEAL) -> None:
    """A loan and an instalment: the platform owes the bank its part, less of what came back."""
    ledger.submit([booking()], deal=deal, by=SERVICER)
    ledger.submit([repayment()], deal=deal, by=SERVICER)


def clearing(ledger: Ledger, deal: str = DEAL) -> dict[str, int]:
    names = settlements.names_of(ledger)
    found = reading.clearing_minor(ledger.book(), ledger.deal(deal).deal)
    return {names[party]: amount for party, amount in found.items()}


def settle(ledger: Ledger, deal: str = DEAL, on: date = DAY, by: str = LEAD) -> Settled:
    return ledger.settle(deal, on=on, by=by)


def pay(ledger: Ledger, *ids: str, reference: str = "BK-1", **changes: Any) -> Any:
    given: dict[str, Any] = {"reference": reference, "by": SERVICER, "on": NEXT}
    return ledger.settle_paid(ids, **given | changes)


def adds_up(found: Dues) -> bool:
    return all(
        one.due_minor == one.brought_forward_minor + sum(e.amount_minor for e in one.entries)
        for one in found.parties
    )


# ---- who pays whom


def test_what_is_due_is_what_clearing_says(ledger: Ledger) -> None:
    lend(ledger)
    done = settle(ledger)
    assert done.made and done.number == 1
    assert {party: due for party, due in done.due_minor.items() if due} == clearing(ledger)
    (payment,) = done.payments
    assert (payment.id, payment.payer, payment.payee) == (f"{DEAL}/1/1", SERVICER, LEAD)
    # 30 % of 7 800.00, less the platform's legs of the instalment of the worked example.
    assert payment.amount_minor == 234_000 - 17_943 - 5_148


def test_the_same_settlement_is_not_made_twice(ledger: Ledger) -> None:
    lend(ledger)
    first, head = settle(ledger), ledger.engine.head()
    again = settle(ledger, by=SERVICER)
    assert (again.made, again.number, again.payments) == (False, 1, first.payments)
    assert ledger.engine.head() == head
    pay(ledger, f"{DEAL}/1/1", amount_minor=1_000)
    assert settle(ledger).payments[0].paid_minor == 1_000
    pay(ledger, f"{DEAL}/1/1", reference="BK-2")
    paid = settle(ledger)
    assert (paid.made, paid.number, set(paid.due_minor.values())) == (False, 1, {0})


def test_a_new_entry_or_a_later_day_makes_a_new_settlement(ledger: Ledger) -> None:
    lend(ledger)
    settle(ledger)
    assert settle(ledger, on=NEXT).number == 2
    ledger.submit([booking("L-2")], deal=DEAL, by=SERVICER)
    third = settle(ledger, on=NEXT)
    assert (third.number, third.made) == (3, True)
    with pytest.raises(EntryRejected) as refused:
        pay(ledger, f"{DEAL}/2/1")
    assert refused.value.reason == "SETTLEMENT_REPLACED"
    assert refused.value.rows[0].ref == f"{DEAL}/2/1"


def test_with_nothing_due_nothing_is_made(ledger: Ledger) -> None:
    head = ledger.engine.head()
    done = settle(ledger)
    assert (done.number, done.made, done.payments) == (None, False, ())
    assert ledger.engine.head() == head


@pytest.mark.parametrize("by", [GUARANTOR, "outsider-o"])
def test_who_may_not_settle_is_refused_whatever_is_due(ledger: Ledger, by: str) -> None:
    for _ in range(2):
        with pytest.raises(Reverted) as refused:
            settle(ledger, by=by)
        assert refused.value.reason == "SENDER_NOT_SIGNING_PARTY"
        lend(ledger)
    settle(ledger)
    with pytest.raises(Reverted):
        settle(ledger, by=by)
    with pytest.raises(UsageInvalid):
        settle(ledger, by="nobody")


def test_a_dry_run_says_what_would_be_made_and_makes_nothing(ledger: Ledger) -> None:
    lend(ledger)
    head = ledger.engine.head()
    dry = ledger.settle(DEAL, on=DAY, by=LEAD, dry_run=True)
    assert ledger.engine.head() == head
    assert dry == settle(ledger)
    dry_paid = pay(ledger, f"{DEAL}/1/1", dry_run=True)
    assert dry_paid.payments == pay(ledger, f"{DEAL}/1/1").payments


@pytest.mark.parametrize(
    ("by", "on", "reason"),
    [
        (GUARANTOR, DAY, "SENDER_NOT_SIGNING_PARTY"),
        (LEAD, date(2150, 1, 1), "ENTRY_DATE_INVALID"),
    ],
)
def test_what_the_contract_refuses_is_said(
    ledger: Ledger, by: str, on: date, reason: str
) -> None:
    lend(ledger)
    with pytest.raises(Reverted) as refused:
        ledger.settle(DEAL, on=on, by=by)
    assert refused.value.reason == reason


def seal(ledger: Ledger, on: date, deal: str = DEAL) -> None:
    for party in (LEAD, SERVICER):
        ledger.seal(deal, date=on, by=party)


def test_the_sealed_day_settles_its_closing_balances(ledger: Ledger) -> None:
    lend(ledger)
    at_close = clearing(ledger)
    seal(ledger, DAY)
    ledger.submit([booking("L-2", start_date=NEXT)], deal=DEAL, by=SERVICER)
    done = settle(ledger)
    assert {party: due for party, due in done.due_minor.items() if due} == at_close
    pay(ledger, f"{DEAL}/1/1", amount_minor=10_000)
    # What was paid since is not due again.
    rest = settle(ledger)
    assert not rest.made and rest.due_minor[LEAD] == at_close[LEAD] - 10_000
    later = settle(ledger, on=NEXT)
    assert later.due_minor[LEAD] == clearing(ledger)[LEAD]
    with pytest.raises(Reverted, match="later day is sealed"):
        settle(ledger, on=date(2026, 2, 28))
    back = settle(ledger)
    assert back.number == 3 and back.due_minor[LEAD] == at_close[LEAD] - 10_000
    contract = [ledger_dues(ledger, day) for day in (DAY, NEXT)]
    assert contract == [list(back.due_minor.values()), list(later.due_minor.values())]


def ledger_dues(ledger: Ledger, day: date) -> list[int]:
    """What the contract itself says is due."""
    from ledger.bindings import decode_output, encode_call
    from ledger.money import day_number

    data = encode_call("Settlements", "dues", label(DEAL), day_number(day))
    output = ledger.engine.call(to=ledger.settings.contracts["Settlements"], data=data)
    return list(decode_output("Settlements", "dues", output))[:3]


def test_late_entries_are_due_with_the_day_to_which_they_count(ledger: Ledger) -> None:
    lend(ledger)
    seal(ledger, DAY)
    ledger.submit([booking("L-2")], deal=DEAL, by=SERVICER, late=True)
    before = settle(ledger).due_minor
    after = settle(ledger, on=NEXT).due_minor
    assert after[LEAD] - before[LEAD] == 234_000
    found = dues.dues(ledger, DEAL, 2)
    assert adds_up(found)
    (party,) = [one for one in found.parties if one.party == LEAD]
    (entry,) = party.entries
    assert (entry.ref, entry.date, entry.amount_minor) == ("L-2", date(2026, 1, 10), 234_000)


# ---- what was paid


def test_a_payment_brings_clearing_to_zero_and_moves_cash(ledger: Ledger) -> None:
    lend(ledger)
    due = settle(ledger).payments[0].amount_minor
    done = pay(ledger, f"{DEAL}/1", by=LEAD)
    assert (done.posted, done.already_posted, done.amounts_minor) == (1, 0, (due,))
    assert clearing(ledger) == {}
    found = ledger.deal(DEAL)
    terms = reading.versions(ledger.book(), found.deal)[0].terms
    held = reading.balances(ledger.book(), found.deal, terms)
    assert held[ledger.member(SERVICER).number][Account.CASH] == -due


def test_the_same_reference_again_is_counted_and_other_content_is_refused(ledger: Ledger) -> None:
    lend(ledger)
    settle(ledger)
    own = f"{DEAL}/1/1"
    pay(ledger, own, amount_minor=5_000)
    assert pay(ledger, own).already_posted == 1
    assert pay(ledger, own, amount_minor=5_000).already_posted == 1
    assert pay(ledger, own, on=date(2026, 3, 9), dated=False, by=LEAD).already_posted == 1
    for change in ({"amount_minor": 5_001}, {"on": date(2026, 3, 9)}):
        with pytest.raises(EntryRejected) as refused:
            pay(ledger, own, **change)
        assert refused.value.reason == "REF_REUSED"
    assert pay(ledger, own, reference="BK-2").posted == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"amount_minor": 1 << 50}, "PAYMENT_OVER_DUE"),
        ({"amount_minor": 0}, "PAYMENT_OVER_DUE"),
        ({"amount_minor": 1 << 99}, "PAYMENT_OVER_DUE"),
        ({"by": GUARANTOR}, "SENDER_NOT_PARTY"),
        ({"on": date(2150, 1, 1)}, "ENTRY_DATE_INVALID"),
    ],
)
def test_a_payment_that_is_refused_is_named(
    ledger: Ledger, change: dict[str, Any], reason: str
) -> None:
    lend(ledger)
    settle(ledger)
    with pytest.raises((EntryRejected, Reverted)) as refused:
        pay(ledger, f"{DEAL}/1/1", **change)
    assert refused.value.reason == reason


def test_nothing_is_left_of_a_payment_made_in_full(ledger: Ledger) -> None:
    lend(ledger)
    settle(ledger)
    pay(ledger, f"{DEAL}/1/1")
    with pytest.raises(EntryRejected) as refused:
        pay(ledger, f"{DEAL}/1/1", reference="BK-2")
    assert refused.value.reason == "PAYMENT_OVER_DUE"


@pytest.mark.parametrize(
    "given",
    ["", "unknown/1/1", DEAL, f"{DEAL}/", f"{DEAL}/2", f"{DEAL}/1/2", f"{DEAL}/1/0",
     f"{DEAL}/1/1/1", f"{DEAL}/-1", f"{DEAL}/one", f"{DEAL}/{10**30}", f"{DEAL}/1/{10**30}",
     f"{DEAL}/٣"],
)  # fmt: skip
def test_an_id_of_no_payment_is_named(ledger: Ledger, given: str) -> None:
    lend(ledger)
    settle(ledger)
    with pytest.raises(UsageInvalid):
        pay(ledger, given)


@pytest.mark.parametrize("reference", ["", "x" * 65, "a\nb"])
def test_a_reference_is_a_ref(ledger: Ledger, reference: str) -> None:
    lend(ledger)
    settle(ledger)
    with pytest.raises(ValueInvalid):
        pay(ledger, f"{DEAL}/1/1", reference=reference)


def test_only_the_hash_of_a_reference_goes_on_the_chain(ledger: Ledger) -> None:
    lend(ledger)
    settle(ledger)
    pay(ledger, f"{DEAL}/1/1", reference="2026030112345678")
    (line,) = reading.settlement_lines(ledger.book(), ledger.deal(DEAL).deal)
    assert line.reference_id == entry_id(ledger.salt(DEAL), "2026030112345678")
    assert ledger.ref(line.reference_id) == "2026030112345678"
    assert ledger.ref(line.entry_id) == "settlement/1/1/2026030112345678"


# ---- taken back


def test_a_payment_is_reversed_by_its_bank_reference(ledger: Ledger) -> None:
    lend(ledger)
    due = settle(ledger).due_minor
    pay(ledger, f"{DEAL}/1/1")
    done = ledger.reverse(["BK-1"], deal=DEAL, by=LEAD)
    assert (done.posted, done.already_posted) == (1, 0)
    assert settle(ledger).due_minor == due
    assert ledger.reverse(["BK-1"], deal=DEAL, by=LEAD).already_posted == 1
    again = pay(ledger, f"{DEAL}/1/1")
    assert (again.posted, again.reversed_ids) == (0, (f"{DEAL}/1/1",))
    assert pay(ledger, f"{DEAL}/1/1", reference="BK-2").posted == 1
    assert clearing(ledger) == {}


def test_a_reference_of_several_payments_is_reversed_one_by_one(ledger: Ledger) -> None:
    lend(ledger)
    settle(ledger)
    pay(ledger, f"{DEAL}/1/1", amount_minor=1_000)
    settle(ledger, on=NEXT)
    pay(ledger, f"{DEAL}/2/1", amount_minor=2_000)
    with pytest.raises(UsageInvalid, match="more than one"):
        ledger.reverse(["BK-1"], deal=DEAL, by=SERVICER)
    assert ledger.reverse(["settlement/2/1/BK-1"], deal=DEAL, by=SERVICER).posted == 1
    assert ledger.reverse(["BK-1"], deal=DEAL, by=SERVICER).posted == 1
    assert [line.amount_minor for line in dues.dues(ledger, DEAL, 2).lines] == [2_000, -2_000]


def test_a_reference_that_is_an_entrys_ref_as_well_is_told_apart(ledger: Ledger) -> None:
    lend(ledger)
    settle(ledger)
    pay(ledger, f"{DEAL}/1/1", reference="R-1")
    with pytest.raises(UsageInvalid, match="more than one"):
        ledger.reverse(["R-1"], deal=DEAL, by=SERVICER)
    assert ledger.reverse(["settlement/1/1/R-1"], deal=DEAL, by=SERVICER).posted == 1


def test_a_reversal_by_another_than_payer_or_payee_is_refused(ledger: Ledger) -> None:
    lend(ledger)
    settle(ledger)
    pay(ledger, f"{DEAL}/1/1")
    with pytest.raises(EntryRejected) as refused:
        ledger.reverse(["BK-1"], deal=DEAL, by=GUARANTOR)
    assert refused.value.reason == "SENDER_NOT_PARTY"


# ---- the entries behind every number


def test_every_due_is_the_sum_of_its_entries(insured: Ledger) -> None:
    """Deposit, compensation, recovery and reversals, over three settlements."""
    lend(insured, COVERED)
    insured.submit([booking("L-2")], deal=COVERED, by=SERVICER)
    settle(insured, COVERED)
    insured.submit([overdue("L-2")], deal=COVERED, by=SERVICER)
    insured.claim_run(COVERED, date=date(2026, 7, 1), by=SERVICER)
    second = settle(insured, COVERED, date(2026, 7, 1))
    pay(insured, second.payments[0].id, by=second.payments[0].payee, on=date(2026, 7, 2))
    late = repayment("R-2", "L-2", date=date(2026, 7, 3))
    insured.submit([late], deal=COVERED, by=SERVICER)
    insured.reverse(["R-2"], deal=COVERED, by=SERVICER)
    insured.reverse(["R-1"], deal=COVERED, by=SERVICER)
    third = settle(insured, COVERED, date(2026, 7, 3))
    for number, settled in ((2, second), (3, third)):
        found = dues.dues(insured, COVERED, number)
        assert adds_up(found)
        assert {one.party: one.due_minor for one in found.parties} == settled.due_minor
    kinds = {e.kind.word for one in dues.dues(insured, COVERED, 2).parties for e in one.entries}
    assert kinds == {"compensation"}
    now = dues.dues(insured, COVERED)
    assert now.number is None and adds_up(now)
    assert {one.party: one.due_minor for one in now.parties} == third.due_minor
    assert all(not one.entries for one in now.parties)


def test_a_settlement_of_a_day_sealed_since_leaves_out_what_the_one_before_counted(
    ledger: Ledger,
) -> None:
    lend(ledger)
    ledger.submit([booking("L-2", start_date=NEXT)], deal=DEAL, by=SERVICER)
    settle(ledger)
    seal(ledger, DAY)
    second = settle(ledger)
    found = dues.dues(ledger, DEAL, 2)
    assert found.of_sealed_day and adds_up(found)
    assert {one.party: one.due_minor for one in found.parties} == second.due_minor
    (party,) = [one for one in found.parties if one.party == LEAD]
    assert [(e.ref, e.amount_minor) for e in party.entries] == [("L-2", -234_000)]


# ---- between two members


def test_a_pair_owes_one_number_over_all_deals_and_pays_it_with_one_reference(
    ledger: Ledger,
) -> None:
    other = agree(ledger, uncovered(id="joint-2026-02", collected_by=SERVICER))
    lend(ledger)
    ledger.submit([booking()], deal=other, by=SERVICER)
    whole = repayment(principal_minor=780_000, interest_minor=0)
    ledger.submit([whole], deal=other, by=SERVICER)
    ledger.submit([repayment("R-2", interest_minor=900_000)], deal=DEAL, by=SERVICER)
    head = ledger.engine.head()
    shown = settlements.pair(ledger, LEAD, SERVICER, on=DAY)
    assert ledger.engine.head() == head
    assert [payment.id for _, payment in shown.payments] == ["", ""]
    done = settlements.pair(ledger, LEAD, SERVICER, on=DAY, by=LEAD)
    assert done.net_minor == shown.net_minor
    by_deal = [clearing(ledger, deal).get(LEAD, 0) for deal in (DEAL, other)]
    assert by_deal[0] < 0 < by_deal[1], "each pays the other in one deal"
    assert done.net_minor == {"CNY": sum(by_deal)}
    mirrored = settlements.pair(ledger, SERVICER, LEAD, on=DAY)
    assert mirrored.net_minor == {"CNY": -sum(by_deal)}
    assert settlements.pair(ledger, LEAD, SERVICER, on=DAY, by=SERVICER).payments == done.payments

    ids = [payment.id for _, payment in done.payments]
    paid = pay(ledger, *ids, reference="NET-1")
    assert (paid.posted, paid.transactions) == (2, 2)
    assert clearing(ledger) == clearing(ledger, other) == {}
    assert settlements.pair(ledger, LEAD, SERVICER, on=DAY).payments == ()
    (transfer,) = transfers.transfers(ledger, LEAD)
    assert (transfer.reference, transfer.value_date) == ("NET-1", NEXT)
    assert transfer.amount_minor == sum(by_deal) and transfer.counterparty == SERVICER
    assert set(transfer.payments) == set(ids)
    (mirror,) = transfers.transfers(ledger, SERVICER)
    assert mirror.amount_minor == -transfer.amount_minor
    assert transfers.transfers(ledger, GUARANTOR) == []
    # Either deal's cash expects the bank's one line, whatever part of it is its own.
    numbers = [ledger.member(one).number for one in (LEAD, SERVICER)]
    for deal in (DEAL, other):
        found = cash_lines(
            ledger.book(), ledger.deal(deal), Refs(ledger, deal), numbers[0], 20_000, 30_000
        )
        (line,) = [one for one in found if one.text == "settlement"]
        assert line[1:5] == ("NET-1", day_number(NEXT), sum(by_deal), SERVICER)


def test_of_several_payments_all_or_none_are_posted(ledger: Ledger) -> None:
    other = agree(ledger, uncovered(id="joint-2026-02"))
    lend(ledger)
    lend(ledger, other)
    settlements.pair(ledger, LEAD, SERVICER, on=DAY, by=LEAD)
    pay(ledger, f"{other}/1/1", reference="BK-0")
    head = ledger.engine.head()
    with pytest.raises(EntryRejected) as refused:
        pay(ledger, f"{DEAL}/1/1", f"{other}/1/1")
    assert refused.value.rows[0].ref == f"{other}/1/1"
    assert ledger.engine.head() == head
    with pytest.raises(UsageInvalid, match="amount"):
        pay(ledger, f"{DEAL}/1/1", f"{other}/1/1", amount_minor=5)
    assert pay(ledger, f"{DEAL}/1/1", f"{DEAL}/1").posted == 1, "the same one named twice"


def test_transfers_are_known_by_the_banks_file_where_the_folder_is_not_told(
    ledger: Ledger,
) -> None:
    lend(ledger)
    settle(ledger)
    pay(ledger, f"{DEAL}/1/1", reference="BK-77")
    ledger._refs.execute("DELETE FROM recent_refs")
    (unknown,) = transfers.transfers(ledger, LEAD)
    assert unknown.reference.startswith("0x")
    (known,) = transfers.transfers(ledger, LEAD, known=["other", "BK-77"])
    assert known.reference == "BK-77"
    ledger.reverse(["BK-77"], deal=DEAL, by=LEAD)
    assert transfers.transfers(ledger, LEAD) == []


def test_a_member_owes_itself_nothing(ledger: Ledger) -> None:
    with pytest.raises(UsageInvalid):
        settlements.pair(ledger, LEAD, LEAD, on=DAY)


def test_a_deal_that_cannot_be_settled_as_of_the_day_is_named(ledger: Ledger) -> None:
    lend(ledger)
    seal(ledger, DAY)
    with pytest.raises(EntryRejected) as refused:
        settlements.pair(ledger, LEAD, SERVICER, on=date(2026, 2, 1))
    assert refused.value.rows[0].ref == DEAL
    assert refused.value.reason == "SETTLEMENT_DAY_PASSED"


def test_without_a_checker_a_guarded_ledger_settles_as_well(guarded: Ledger) -> None:
    """A settlement posts nothing, and payer or payee only says what its bank did."""
    lend(guarded)
    assert settle(guarded).made
    assert pay(guarded, f"{DEAL}/1/1").posted == 1


def test_a_reversal_is_dated_on_an_open_day(ledger: Ledger) -> None:
    lend(ledger)
    settle(ledger)
    pay(ledger, f"{DEAL}/1/1")
    seal(ledger, NEXT)
    with pytest.raises(EntryRejected) as refused:
        ledger.reverse(["BK-1"], deal=DEAL, by=LEAD)
    assert refused.value.reason == "DAY_SEALED"
    assert ledger.reverse(["BK-1"], deal=DEAL, by=LEAD, on=date(2026, 3, 3)).posted == 1
    assert settle(ledger, on=NEXT).due_minor[LEAD] > 0
