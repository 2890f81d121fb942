"""`pledger settle`: who pays whom, what was paid, and what is behind every number."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.office import DEAL, LEAD, SERVICER, TERMS, Office, Outcome

GUARANTOR = "guarantor-g"
DAY = ("--date", "2026-08-02")
DUE = {LEAD: 418_431, SERVICER: -418_681, GUARANTOR: 250}


def settle(office: Office, *options: str, deal: str = DEAL, by: str = LEAD) -> Outcome:
    return office.run("settle", deal, *DAY, "--as", by, "--json", *options)


def pay(office: Office, *options: str, by: str = SERVICER) -> Outcome:
    given = "--date", "2026-08-03", "--as", by, "--json"
    return office.run("settle", "paid", *options, *given)


def shown(office: Office, what: str) -> Any:
    outcome = office.run("settle", "show", what, "--json")
    assert outcome.exit_code == 0, outcome
    return outcome.document


def payments(*paid: int) -> list[dict[str, Any]]:
    return [
        {"id": f"{DEAL}/1/{at}", "payer": SERVICER, "payee": payee, "amount_minor": amount,
         "paid_minor": given}
        for at, (payee, amount, given) in enumerate(
            zip((LEAD, GUARANTOR), (418_431, 250), paid, strict=True), 1
        )
    ]  # fmt: skip


def test_a_deal_is_settled_with_the_fewest_payments(lent: Office) -> None:
    done = settle(lent)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.document == {
        "deal": DEAL,
        "date": "2026-08-02",
        "currency": "CNY",
        "settlement": 1,
        "posted": 1,
        "already_posted": 0,
        "payments": payments(0, 0),
        "due": DUE,
    }
    again = settle(lent, by=SERVICER)
    assert again.document == {**done.document, "posted": 0, "already_posted": 1}


def test_a_dry_run_says_the_same_and_changes_nothing(lent: Office) -> None:
    dry = settle(lent, "--dry-run")
    assert (dry.exit_code, dry.stderr) == (0, "dry run: nothing was changed\n")
    assert dry.document == settle(lent).document
    assert shown(lent, DEAL)["payments"] == payments(0, 0)


def test_nothing_due_is_no_failure(office: Office) -> None:
    done = settle(office)
    assert done.exit_code == 0
    assert (done.document["settlement"], done.document["payments"]) == (None, [])
    assert "nothing is due" in office.run("settle", DEAL, *DAY, "--as", LEAD).stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (*DAY, DEAL), (f"--date={DAY[1]}", "--lang", "en", DEAL), ("deal", DEAL, *DAY),
        ("deal", *DAY, DEAL), ("--lock-timeout", "3", DEAL, *DAY),
    ],
)  # fmt: skip
def test_options_stand_anywhere(lent: Office, arguments: tuple[str, ...]) -> None:
    done = lent.run("settle", "--as", LEAD, *arguments, "--json")
    assert done.exit_code == 0, done
    assert done.document["settlement"] == 1


def test_a_deal_named_like_a_verb_is_reachable(lent: Office) -> None:
    (lent.folder / "paid.toml").write_text(TERMS.replace(DEAL, "paid"), "utf-8")
    assert lent.run("deal", "propose", lent.folder / "paid.toml", "--as", SERVICER).exit_code == 0
    for party in (LEAD, SERVICER, GUARANTOR):
        assert lent.run("deal", "sign", "paid", "--as", party).exit_code == 0
    done = lent.run("settle", "deal", "paid", *DAY, "--as", LEAD, "--json")
    assert (done.exit_code, done.document["deal"]) == (0, "paid")
    # Without the verb it is the verb.
    assert lent.run("settle", "paid", *DAY, "--as", LEAD).exit_code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((DEAL, "--as", LEAD), 2, "--date"),
        ((DEAL, *DAY), 2, "--as"),
        ((DEAL, "--date", "2026-02-30", "--as", LEAD), 2, "2026-02-30"),
        (("no-such-deal", *DAY, "--as", LEAD), 2, "no-such-deal"),
        ((DEAL, *DAY, "--as", GUARANTOR), 3, "SENDER_NOT_SIGNING_PARTY"),
        ((DEAL, *DAY, "--as", "outsider-o"), 3, "SENDER_NOT_SIGNING_PARTY"),
        (("paid", f"{DEAL}/1", "--as", LEAD), 2, "--reference"),
        (("paid", f"{DEAL}/1", "--as", LEAD, "--reference", ""), 2, "1 to 64 UTF-8 bytes"),
        (("paid", f"{DEAL}/9", "--as", LEAD, "--reference", "R"), 2, f"{DEAL}/9"),
        (("paid", f"{DEAL}/1", "--as", SERVICER, "--reference", "R"), 2, f"{DEAL}/1/2"),
        (("paid", f"{DEAL}/1/2", "--as", LEAD, "--reference", "R"), 3, "SENDER_NOT_PARTY"),
        (("paid", f"{DEAL}/1/1", "--as", LEAD, "--reference", "R", "--amount", "1.234"), 2,
         "1.234"),
        (("paid", f"{DEAL}/1/1", "--as", LEAD, "--reference", "R", "--amount", "9999999.00"), 3,
         "PAYMENT_OVER_DUE"),
        (("show", f"{DEAL}/2"), 2, f"{DEAL}/2"),
        (("pair", LEAD, LEAD, *DAY), 2, LEAD),
        (("pair", LEAD, "nobody", *DAY), 2, "nobody"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(
    lent: Office, arguments: tuple[str, ...], code: int, said: str
) -> None:
    settle(lent)
    outcome = lent.run("settle", *arguments)
    assert outcome.exit_code == code, outcome
    assert said in outcome.stderr, outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_paid_with_a_reference_in_parts(lent: Office) -> None:
    settle(lent)
    own = f"{DEAL}/1/1"
    part = pay(lent, own, "--reference", "BK-1", "--amount", "1000.00")
    assert part.exit_code == 0, part
    assert part.document | {"gas_used": 0, "head_block": 0, "final_block": 0} == {
        "member": SERVICER,
        "reference": "BK-1",
        "date": "2026-08-03",
        "payments": [{**payments(100_000, 0)[0], "with_reference_minor": 100_000}],
        "posted": 1,
        "already_posted": 0,
        "transactions": 1,
        "gas_used": 0,
        "head_block": 0,
        "final_block": 0,
    }
    again = pay(lent, own, "--reference", "BK-1")
    assert (again.document["posted"], again.document["already_posted"]) == (0, 1)
    # Another day and no date given: the same payment still.
    later = lent.run("settle", "paid", own, "--reference", "BK-1", "--as", LEAD, "--json")
    assert later.document["already_posted"] == 1
    other = pay(lent, own, "--reference", "BK-1", "--amount", "1000.01")
    assert other.exit_code == 3 and "REF_REUSED" in other.stderr
    rest = pay(lent, f"{DEAL}/1", "--reference", "BK-2", by=LEAD)
    assert rest.document["payments"][0]["with_reference_minor"] == 318_431
    fee = pay(lent, f"{DEAL}/1", "--reference", "BK-3", by=GUARANTOR)
    assert fee.document["payments"][0]["id"] == f"{DEAL}/1/2"
    accounts = lent.balances()["accounts"]
    assert [accounts[party]["CLEARING"] for party in accounts] == [0, 0, 0]
    assert accounts[SERVICER]["CASH"] == -418_681


def test_a_payment_is_taken_back_by_its_reference(lent: Office) -> None:
    settle(lent)
    pay(lent, f"{DEAL}/1/1", "--reference", "BK-1")
    back = lent.run("entry", "reverse", "BK-1", "--as", LEAD, "--json")
    assert (back.exit_code, back.document["posted"]) == (0, 1)
    assert lent.balances()["accounts"][LEAD]["CLEARING"] == 418_431
    again = pay(lent, f"{DEAL}/1/1", "--reference", "BK-1")
    assert again.document["posted"] == 0 and f"{DEAL}/1/1" in again.stderr
    document = shown(lent, f"{DEAL}/1")
    assert document["payments"] == payments(0, 0)
    assert [(line["amount_minor"], line["reversed"]) for line in document["paid"]] == [
        (418_431, True), (-418_431, False),
    ]  # fmt: skip


def test_show_has_the_entries_behind_every_number(lent: Office) -> None:
    settle(lent)
    document = shown(lent, f"{DEAL}/1")
    assert document["due"] == DUE and document["replaced"] is False
    for party, own in document["parties"].items():
        total = sum(entry["amount_minor"] for entry in own["entries"])
        assert own["brought_forward_minor"] + total == own["due_minor"] == DUE[party]
    (fee,) = document["parties"][GUARANTOR]["entries"]
    assert fee == {
        "date": "2026-02-10", "kind": "repayment", "ref": "R-2", "loan_ref": "L-2",
        "reference": None, "amount_minor": 250,
    }  # fmt: skip
    one = shown(lent, f"{DEAL}/1/2")
    assert set(one["parties"]) == set(one["due"]) == {SERVICER, GUARANTOR}
    assert one["payments"] == payments(0, 0)[1:]
    now = shown(lent, DEAL)
    assert now["settlement"] is None and now["due"] == DUE
    assert not any(own["entries"] for own in now["parties"].values())


def test_show_is_read_by_people(lent: Office) -> None:
    settle(lent)
    pay(lent, f"{DEAL}/1/2", "--reference", "BK-9")
    sums = lent.run("settle", "show", f"{DEAL}/1").stdout
    assert "2026-01-10  booking              2  4,680.00" in sums
    assert "BK-9" in sums
    entries = lent.run("settle", "show", f"{DEAL}/1", "--entries").stdout
    assert "R-2  L-2" in entries and "brought forward" in entries
    settle(lent)
    lent.run("settle", DEAL, "--date", "2026-08-09", "--as", LEAD)
    assert "newer settlement" in lent.run("settle", "show", f"{DEAL}/1").stdout
    since = lent.run("settle", "show", DEAL).stdout
    assert "since its newest settlement" in since
    paid = lent.run("settle", "show", f"{DEAL}/2", "--entries").stdout
    assert "settlement paid" in paid and "BK-9" in paid


def test_a_pair_is_one_number(lent: Office) -> None:
    before = lent.run("settle", "pair", LEAD, SERVICER, *DAY, "--json")
    assert before.exit_code == 0, before
    net = [{"currency": "CNY", "payer": SERVICER, "payee": LEAD, "amount_minor": 418_431}]
    assert before.document["net"] == net
    assert before.document["payments"][0]["id"] == ""
    assert "--as" in lent.run("settle", "pair", LEAD, SERVICER, *DAY).stdout
    dry = lent.run("settle", "pair", LEAD, SERVICER, *DAY, "--as", LEAD, "--dry-run", "--json")
    done = lent.run("settle", "pair", SERVICER, LEAD, *DAY, "--as", LEAD, "--json")
    assert dry.document["payments"] == done.document["payments"]
    assert done.document == {
        "members": [SERVICER, LEAD],
        "date": "2026-08-02",
        "net": net,
        "payments": [{"currency": "CNY", **payments(0, 0)[0], "rest_minor": 418_431}],
        "settlements": [{"deal": DEAL, "settlement": 1, "posted": 1}],
    }
    people = lent.run("settle", "pair", LEAD, SERVICER, *DAY).stdout
    assert f"{SERVICER} pays {LEAD} 4,184.31 CNY" in people
    pay(lent, f"{DEAL}/1/1", "--reference", "NET-1")
    people = lent.run("settle", "pair", LEAD, SERVICER, *DAY).stdout
    assert "owe each other nothing" in people


def test_it_speaks_chinese(lent: Office, chinese: None) -> None:
    assert "第 1 次清算" in lent.run("settle", DEAL, *DAY, "--as", LEAD).stdout
    assert "清算" in lent.run("settle", "show", f"{DEAL}/1").stdout


def test_replay_and_check_find_nothing_wrong(lent: Office) -> None:
    settle(lent)
    pay(lent, f"{DEAL}/1/1", "--reference", "BK-1")
    lent.run("entry", "reverse", "BK-1", "--as", SERVICER)
    settle(lent, "--date", "2026-08-05")
    for command in ("check", "replay"):
        outcome = lent.run(command, "--json")
        assert outcome.exit_code == 0, outcome.document["failures"]
        made = outcome.document["checks"]
        assert min(made[name] for name in ("S6", "S7", "S8", "settlements")) > 0
