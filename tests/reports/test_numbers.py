"""What reports say is what the ledger says by other ways, and what can be added up by hand."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from ledger import deposits, lists, reading, settlements, statements
from ledger.auditing.manifest import Wanted
from ledger.auditing.pack import make
from ledger.bindings import decode_output, encode_call
from ledger.errors import Reverted, UsageInvalid
from ledger.events import Particulars
from ledger.ledger import Ledger
from ledger.money import PPM, apportion, date_of, day_number, half_up
from ledger.portfolio.outstanding import outstanding_on
from ledger.portfolio.standing import layers_of, standings
from ledger.reading import journal
from ledger.reporting.report import Report
from ledger.reports import balances, report
from ledger.reports.asking import Asked
from ledger.waterfall import Account
from tests.cli.office import LOAN_COLUMNS, Office
from tests.replay.covered import GUARANTOR, LEAD, PARTNER, SERVICER, SHIELD, SHORT, VOLUME
from tests.reports.asked import LAST, MADE_AT, ask, rows_of

DAYS = [date(2026, 1, 5), date(2026, 3, 1), date(2026, 6, 15), LAST]


def names_of(ledger: Ledger) -> dict[int, str]:
    return {one.number: one.member_id for one in reading.members(ledger.book())}


# ---- balances


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_balances_are_what_the_entries_of_each_day_moved(ledger: Ledger, day: date) -> None:
    names, moved = names_of(ledger), Counter[tuple[str, str, str]]()
    for deal in reading.deals(ledger.book()):
        for move in journal.moves(ledger.book(), deal.deal):
            if move.day <= day_number(day):
                place = deal.name, names[move.party], move.account.value
                moved[place] += move.amount_minor
    found = ask(ledger, "balances", day=day)
    said = {
        (row["deal"], row["party"], row["account"]): row["closing_minor"]
        for row in rows_of(found, "report_accounts")
    }
    assert {place: amount for place, amount in said.items() if amount} == {
        place: amount for place, amount in moved.items() if amount
    }
    assert found.document["in_balance"] is True
    assert all(table.totals["closing"] == 0 for table in found.tables if table.key == "report_accounts")


def test_balances_agree_with_the_trial_balance(covered_folder: Path, ledger: Ledger) -> None:
    office = Office(folder=covered_folder.parent)
    shown = office.run("balances", SHIELD, "--json", PLEDGER_HOME=str(covered_folder)).document
    last = date_of(max(move.day for move in journal.moves(ledger.book(), ledger.deal(SHIELD).deal)))
    rows = rows_of(ask(ledger, "balances", deal=SHIELD, day=last), "report_accounts")
    said = {(row["party"], row["account"]): row["closing_minor"] for row in rows}
    known = {
        (party, account): amount
        for party, own in shown["accounts"].items()
        for account, amount in own.items()
        if amount
    }
    assert {place: amount for place, amount in said.items() if amount} == known


def test_loans_by_bucket_are_the_loans_of_the_book(ledger: Ledger) -> None:
    names, book = names_of(ledger), ledger.book()
    parts, loans = Counter[tuple[str, str, str]](), Counter[tuple[str, str]]()
    for deal in reading.deals(book):
        versions = {one.version: one.terms for one in reading.versions(book, deal.deal)}
        for one in journal.booked_loans(book, deal.deal):
            loan = one.loan
            if not loan.outstanding_minor:
                continue
            late = day_number(LAST) - loan.since_date if loan.since_date else 0
            bucket = "normal" if not late else "overdue" if late <= 90 else "not-accruing"
            terms = versions[loan.version]
            loans[deal.name, bucket] += 1
            for party, part in zip(
                terms.parties, apportion(loan.outstanding_minor, terms.shares_ppm), strict=False
            ):
                parts[deal.name, names[party], bucket] += part
    rows = rows_of(ask(ledger, "balances", day=LAST), "report_buckets")
    assert {
        (row["deal"], row["party"], row["past_due_bucket"]): row["own_part_minor"]
        for row in rows
        if row["own_part_minor"]
    } == {place: part for place, part in parts.items() if part}
    assert {(row["deal"], row["past_due_bucket"], row["loans"]) for row in rows if row["loans"]} == {
        (*place, count) for place, count in loans.items()
    }


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_loans_of_an_earlier_day_are_those_that_their_entries_make(ledger: Ledger, day: date) -> None:
    book, at = ledger.book(), day_number(day)
    for deal in reading.deals(book):
        wanted = []
        for loan, entries in reading.histories(book, deal.deal):
            (stood,) = standings(entries, layers_of(book, entries), [at])
            if stood.outstanding_minor:
                wanted.append((loan.version, stood.outstanding_minor, stood.days_past_due))
        assert sorted(outstanding_on(book, deal.deal, at)) == sorted(wanted)


def test_a_member_sees_its_deals(ledger: Ledger) -> None:
    rows = rows_of(ask(ledger, "balances", member=PARTNER, day=LAST), "report_accounts")
    assert {row["deal"] for row in rows} == {SHIELD}
    with pytest.raises(UsageInvalid):
        ask(ledger, "balances", member="nobody")


# ---- clearing


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_settlement_brings_every_clearing_balance_to_zero(ledger: Ledger, day: date) -> None:
    found = ask(ledger, "settlement", day=day)
    due = {(row["deal"], row["party"]): row["net_minor"] for row in rows_of(found, "report_due")}
    for row in rows_of(found, "report_due"):
        assert row["to_receive_minor"] - row["to_pay_minor"] == row["net_minor"]
        assert 0 in (row["to_receive_minor"], row["to_pay_minor"])
    for row in rows_of(found, "report_payments"):
        due[row["deal"], row["payer"]] += row["amount_due_minor"]
        due[row["deal"], row["payee"]] -= row["amount_due_minor"]
    assert not any(due.values())


def test_settlement_is_what_settling_now_would_pay(ledger: Ledger) -> None:
    rows = rows_of(ask(ledger, "settlement", deal=VOLUME, day=LAST), "report_payments")
    dry = settlements.settle(ledger, VOLUME, on=LAST, by=LEAD, dry_run=True)
    assert [(row["payer"], row["payee"], row["amount_due_minor"]) for row in rows] == [
        (one.payer, one.payee, one.amount_minor) for one in dry.payments
    ]


def test_settlements_made_say_what_was_paid_of_them(ledger: Ledger) -> None:
    rows = rows_of(ask(ledger, "settlement", deal=SHIELD, day=LAST), "report_settlements")
    by_id = {row["settlement"]: row for row in rows}
    assert list(by_id) == ["shield/1/1", "shield/1/2", "shield/1/3", "shield/2/1", "shield/2/2", "shield/2/3"]  # fmt: skip
    assert [row["payment_state"] for row in rows] == ["replaced"] * 3 + ["paid"] * 3
    for row in rows:
        left = row["amount_due_minor"] - row["amount_paid_minor"]
        assert left == row["amount_left_minor"] == 0
    assert by_id["shield/2/1"]["references"] == "BANK-3"


# ---- deposit


def test_deposit_is_the_deposits_own_ledger(ledger: Ledger) -> None:
    own = deposits.deposit_ledger(ledger, SHIELD)
    found = ask(ledger, "deposit", day=LAST)
    said = found.document["facts"]
    assert said["deposit_minor"] == own.deposit_minor
    assert said["outstanding_minor"] == own.outstanding_minor
    assert said["cover"] == own.deposit_minor * PPM // own.outstanding_minor
    assert said["top_up_minor"] == own.top_up_minor == 0
    rows = rows_of(found, "report_deposit")
    assert sorted(row["amount_in_minor"] - row["amount_out_minor"] for row in rows) == sorted(
        line.amount_minor for line in own.lines
    )
    running = 0
    for row in rows:
        running += row["amount_in_minor"] - row["amount_out_minor"]
        assert row["deposit_minor"] == running
    assert [row["rate"] for row in rows_of(found, "report_cover")] == [70_000, 60_000, 40_000]


def test_deposit_of_an_earlier_day_knows_nothing_of_later_ones(ledger: Ledger) -> None:
    day = date(2026, 6, 15)
    found = ask(ledger, "deposit", day=day)
    closing = reading.closing(ledger.book(), ledger.deal(SHIELD).deal, day_number(day))
    said = found.document["facts"]
    assert said["deposit_minor"] == sum(
        amount for (_, account), amount in closing.items() if account is Account.DEPOSIT_PLACED
    )
    assert said["outstanding_minor"] == sum(
        amount for (_, account), amount in closing.items() if account is Account.LOANS
    )
    assert all(row["business_day"] <= day.isoformat() for row in rows_of(found, "report_deposit"))


def test_a_deal_without_a_deposit_has_no_report_of_one(ledger: Ledger) -> None:
    with pytest.raises(Reverted) as refused:
        ask(ledger, "deposit", deal=SHORT)
    assert refused.value.reason == "DEPOSIT_MISSING"


# ---- guarantees, concentration


def test_liability_is_what_the_layers_would_pay_of_all(ledger: Ledger) -> None:
    rows = [r for r in rows_of(ask(ledger, "guarantees"), "report_layers") if r["deal"] == SHIELD]
    first, second = rows
    outstanding, disbursed = reading.volume(ledger.book(), ledger.deal(SHIELD).deal)
    # The first is full: it paid more than 2 % of what was ever disbursed.
    assert first["used_minor"] > half_up(disbursed * 20_000, PPM) == first["cap_minor"]
    assert first["liability_minor"] == first["room_minor"] == 0
    reached = half_up(outstanding * 600_000, PPM)
    room = 36_000_00 - second["used_minor"]
    assert second["liability_minor"] == min(reached, room) == second["room_minor"]
    (deal,) = [r for r in rows_of(ask(ledger, "guarantees"), "report_guaranteed") if r["deal"] == SHIELD]  # fmt: skip
    assert deal["not_covered_minor"] == outstanding - second["liability_minor"]


def test_what_is_used_of_limits_is_the_contracts_count(ledger: Ledger) -> None:
    def count(getter: str, *place: int) -> int:
        target = ledger.settings.contracts["Exposures"]
        output = ledger.engine.call(to=target, data=encode_call("Exposures", getter, *place))
        return int(decode_output("Exposures", getter, output))

    number = {name: at for at, name in names_of(ledger).items()}
    currency = int.from_bytes(b"CNY", "big")
    limits = rows_of(ask(ledger, "guarantees"), "report_guarantee_limits")
    multiples = {r["payer"]: r["used_minor"] for r in limits if r["limit_name"] == "max_guarantee_multiple"}  # fmt: skip
    assert multiples == {
        payer: count("liability", number[payer], currency) for payer in (SERVICER, GUARANTOR)
    }
    rows = rows_of(ask(ledger, "concentration", day=LAST), "report_limits")
    shown = {(r["member"], r["partner"]): r["used_minor"] for r in rows if r["partner"]}
    assert shown and shown == {
        (member, partner): count("concentration", number[member], number[partner], currency)
        for member, partner in shown
    }
    for row in rows:
        if row["limit_amount_minor"] is not None:
            assert row["left_amount_minor"] == row["limit_amount_minor"] - row["used_minor"]


def test_concentration_adds_up_by_deal(ledger: Ledger) -> None:
    found = ask(ledger, "concentration", member=LEAD, day=LAST)
    own = ledger.member(LEAD).number
    out = {
        deal.name: reading.closing(ledger.book(), deal.deal, day_number(LAST)).get((own, Account.LOANS), 0)
        for deal in reading.deals(ledger.book())
    }
    funded = {row["deal"]: row["out_minor"] for row in rows_of(found, "report_funded")}
    assert funded == {SHIELD: out[SHIELD], VOLUME: out[VOLUME]}
    by_partner = {row["partner"]: row["out_minor"] for row in rows_of(found, "report_partners")}
    # The platform is in both deals, the other bank in one; the guarantor is of the platform's group.
    assert by_partner[SERVICER] == sum(funded.values())
    assert by_partner[PARTNER] == funded[SHIELD]
    assert all(row["part_of_all"] <= PPM for row in rows_of(found, "report_partners"))


def test_largest_borrowers_owe_what_their_loans_do(ledger: Ledger) -> None:
    owed: defaultdict[tuple[str, str], int] = defaultdict(int)
    for deal in reading.deals(ledger.book()):
        for one in journal.booked_loans(ledger.book(), deal.deal):
            if one.loan.outstanding_minor:
                ref = ledger.ref(one.loan.borrower_id)
                owed[deal.name, ref] += one.loan.outstanding_minor
    rows = rows_of(ask(ledger, "concentration", day=LAST), "report_borrowers")
    assert {(row["deal"], row["borrower_ref"]): row["outstanding_minor"] for row in rows} == owed


# ---- costs, vintages, lists


def test_costs_count_every_loan_once(ledger: Ledger) -> None:
    found = ask(ledger, "costs", day=LAST)
    standing = [
        one.loan
        for one in journal.booked_loans(ledger.book(), ledger.deal(SHIELD).deal)
        if not one.loan.reversed
    ]
    (bands,) = [table for table in found.tables if table.key == "report_costs"]
    assert bands.totals["loans"] == len(standing)
    assert bands.totals["principal"] == sum(loan.principal_minor for loan in standing)
    rows = rows_of(found, "report_costs")
    assert all(row["cost_up_to"] - row["cost_above"] == 10_000 for row in rows)
    lowest, *_, highest = rows_of(found, "report_percentiles")
    least = min(Particulars.unpack(loan.particulars).annual_rate_ppm for loan in standing)
    assert rows[0]["cost_above"] < lowest["by_loans"] <= rows[0]["cost_up_to"]
    assert rows[-1]["cost_above"] < highest["by_loans"] <= rows[-1]["cost_up_to"]
    assert lowest["by_loans"] >= least


def test_costs_of_some_days_count_loans_of_these(ledger: Ledger) -> None:
    found = ask(ledger, "costs", first=date(2026, 4, 1), day=date(2026, 4, 30))
    starts = [
        Particulars.unpack(one.loan.particulars).start_date
        for one in journal.booked_loans(ledger.book(), ledger.deal(SHIELD).deal)
        if not one.loan.reversed
    ]
    wanted = sum(day_number(date(2026, 4, 1)) <= day <= day_number(date(2026, 4, 30)) for day in starts)
    assert found.document["facts"]["loans_counted"] == wanted
    month = ask(ledger, "costs", month=2026 * 12 + 3)
    assert month.document["facts"]["loans_counted"] == wanted


def test_vintages_are_those_of_the_audit_pack(ledger: Ledger) -> None:
    first = reading.first_day(ledger.book(), ledger.deal(SHIELD).deal)
    assert first is not None
    wanted = Wanted(
        deal=SHIELD, first=first, last=day_number(LAST), seed=0, random=0, largest=0,
        language="en", proofs=False,
    )  # fmt: skip
    packed = json.loads(make(ledger, wanted).files["pack.json"])["tables"]
    found = ask(ledger, "vintages", day=LAST)
    for view in ("before", "after"):
        for table in ("vintages", "rolls", "roll_rates"):
            own = rows_of(found, f"audit_{table}_{view}")
            assert own and own == packed[f"{table}_{view}"]


def test_buckets_past_due_are_outstanding_in_both_views(ledger: Ledger) -> None:
    found = ask(ledger, "vintages", day=LAST)
    (table,) = [one for one in found.tables if one.key == "report_past_due"]
    outstanding, _ = reading.volume(ledger.book(), ledger.deal(SHIELD).deal)
    assert table.totals["balance_after"] == outstanding
    assert table.totals["balance_before"] >= outstanding


def test_lists_say_every_change_and_who_stands(ledger: Ledger) -> None:
    found = ask(ledger, "lists", day=LAST)
    changes = rows_of(found, "report_list_changes")
    history = lists.history(ledger, LEAD)
    assert [(row["party"], row["role"], row["block"]) for row in changes] == [
        (one.party, one.role.value, one.block) for one in history
    ]
    listed = rows_of(found, "report_listed")
    assert {(row["party"], row["role"]) for row in listed} == {
        (one.party, one.role.value) for one in lists.listed_on(history, LAST)
    }
    own = rows_of(ask(ledger, "lists", member=GUARANTOR, day=LAST), "report_list_changes")
    assert {row["party"] for row in own} <= {GUARANTOR}


# ---- reconciliation, breaks, statement, holders, audit


def test_a_day_brought_what_its_entries_say(ledger: Ledger) -> None:
    deal = ledger.deal(SHIELD)
    counted: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for posted in reading.entries_of_deal(ledger.book(), deal.deal):
        if posted.day == day_number(date(2026, 6, 15)):
            counted[posted.kind.value][0] += 1
            counted[posted.kind.value][1] += sum(posted.amounts)
    found = ask(ledger, "reconciliation", deal=SHIELD, day=date(2026, 6, 15))
    rows = rows_of(found, "report_totals")
    assert {row["kind"]: [row["entries"], row["amount_moved_minor"]] for row in rows} == counted


def test_a_sealed_day_has_its_signatures(ledger: Ledger) -> None:
    (seal,) = reading.seals(ledger.book(), ledger.deal(SHORT).deal)
    found = ask(ledger, "reconciliation", deal=SHORT, day=date_of(seal.day))
    (row,) = rows_of(found, "report_days")
    assert row["seal_status"] == "sealed"
    signatures = rows_of(found, "report_signatures")
    assert {one["digest"] for one in signatures} == {"0x" + seal.digest.hex()}
    assert {one["sealed"] for one in signatures} == {"yes"}
    assert ", ".join(one["member"] for one in signatures) == row["signed_by"]


def test_breaks_are_the_register_of_the_folder(hostile: Ledger) -> None:
    found = report(hostile, "breaks", day=date(2026, 2, 20), member="bank-a", made_at=MADE_AT)
    assert found.document["open"] == len(found.document["breaks"]) == 10
    nobody = report(hostile, "breaks", day=date(2026, 2, 20), member="platform-p", made_at=MADE_AT)
    assert nobody.document["open"] == 0
    before = report(hostile, "breaks", day=date(2026, 2, 9), made_at=MADE_AT)
    assert before.document["breaks"] == []
    daily = report(hostile, "reconciliation", day=date(2026, 2, 20), made_at=MADE_AT)
    (row,) = rows_of(daily, "report_days")
    assert row["open_breaks"] == len(rows_of(daily, "register")) == 10
    assert sum(one["count"] for one in rows_of(daily, "codes")) == 10


def test_a_report_makes_no_register_of_breaks(ledger: Ledger, covered_folder: Path) -> None:
    assert ask(ledger, "breaks").document["breaks"] == []
    assert not (covered_folder / "breaks.sqlite").exists()


def test_statement_is_the_period_recomputed(ledger: Ledger) -> None:
    month = 2026 * 12 + 5
    found = ask(ledger, "statement", month=month)
    own = statements.recompute(ledger, SHIELD, month)
    assert found.document["recomputed"] == own.document()
    assert found.document["platform_minor"] == own.period.statement.platform_minor
    # Without a month the newest closed one.
    newest = reading.statements(ledger.book(), ledger.deal(SHIELD).deal)[-1].month
    assert ask(ledger, "statement").document["month"] == f"{newest // 12}-{newest % 12 + 1:02}"


def test_holders_hold_what_the_journal_says(supplied_folder: Path) -> None:
    with Ledger.open(supplied_folder) as ledger:
        found = ask(ledger, "holders", deal="chain")
        deal = ledger.deal("chain").deal
        terms = reading.versions(ledger.book(), deal)[-1].terms
        held = {
            names_of(ledger)[party]: own[Account.VOUCHERS_HELD]
            for party, own in reading.balances(ledger.book(), deal, terms).items()
            if own[Account.VOUCHERS_HELD]
        }
    assert found.document["in_balance"] is True
    assert {row["holder"]: row["amount_minor"] for row in found.document["holders"]} == held


def test_audit_has_the_tables_of_the_pack(ledger: Ledger) -> None:
    found: Any = ask(ledger, "audit", day=LAST)
    assert found.document["format"] == "pledger-audit-data/1"
    assert {"terms", "exceptions", "sample", "entries", "acts"} <= set(found.document["tables"])
    again: Any = ask(ledger, "audit", day=LAST)
    assert again.document["content_sha256"] == found.document["content_sha256"]


# ---- of one block, and asked for rightly


def test_the_hash_is_of_the_content_not_of_the_moment(ledger: Ledger) -> None:
    one = ask(ledger, "balances", day=LAST)
    later = ask(ledger, "balances", day=LAST, made_at=MADE_AT + 3600)
    other = ask(ledger, "balances", day=LAST - timedelta(days=120))
    assert one.document["content_sha256"] == later.document["content_sha256"]
    assert one.document["content_sha256"] != other.document["content_sha256"]


def test_a_report_of_one_deal_asks_which_of_several(ledger: Ledger) -> None:
    with pytest.raises(UsageInvalid) as refused:
        report(ledger, "vintages", made_at=MADE_AT)
    assert SHIELD in refused.value.expected and VOLUME in refused.value.expected
    with pytest.raises(UsageInvalid):
        report(ledger, "profits", made_at=MADE_AT)
    with pytest.raises(UsageInvalid):
        ask(ledger, "costs", first=LAST, day=date(2026, 1, 1))


def test_a_report_is_of_one_block_whoever_posts_meanwhile(
    hostile_office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office, made = hostile_office.copy(tmp_path / "office"), balances.build
    blocks: list[int] = []

    def build(asked: Asked) -> Report:
        found = made(asked)
        blocks.append(asked.made.head_block)
        if len(blocks) == 1:
            # Another process books a loan while the first one reads.
            loan = "late,late,2026-01-10,2027-01-10,500.00,18,bullet,consumer"
            office.posted("loan", f"{LOAN_COLUMNS}\n{loan}\n")
        return found

    monkeypatch.setattr(balances, "build", build)
    with Ledger.open(office.home) as ledger:
        found = report(ledger, "balances", made_at=MADE_AT)
        assert blocks == [blocks[0], blocks[0] + 1]
        assert found.document["head_block"] == ledger.book().at[0] == blocks[1]
        (accounts, _) = found.tables
        assert accounts.totals["closing"] == 0
