"""`pledger proof`, `pledger proof verify` and `pledger member keys`."""

from __future__ import annotations

import json

import pytest

from tests.cli.office import DEAL, LEAD, SERVICER, Office

DAY = "2026-02-10"


@pytest.fixture
def sealed(lent: Office) -> Office:
    """With a sealed day, and the members' keys in keys.json."""
    for by in (LEAD, SERVICER):
        assert lent.run("seal", DEAL, "--date", DAY, "--as", by).exit_code == 0
    assert lent.run("member", "keys", "-o", str(lent.folder / "keys.json")).exit_code == 0
    return lent


def test_a_proof_is_made_and_verified_without_the_ledger(sealed: Office) -> None:
    proof, keys = str(sealed.folder / "proof.json"), str(sealed.folder / "keys.json")
    made = sealed.run("proof", "R-1", "--deal", DEAL, "-o", proof, "--json")
    assert (made.exit_code, made.stderr) == (0, "")
    assert made.document["valid"] and made.document["file"] == proof
    sealed.home.rename(sealed.folder / "elsewhere")
    done = sealed.run("proof", "verify", proof, "--members", keys, "--json")
    assert done.exit_code == 0
    document = done.document
    assert document["valid"] and document["deal"] == DEAL
    assert document["entry"]["kind"] == "repayment"
    assert document["entry"]["principal_minor"] == 59_810
    assert document["entry"]["interest_minor"] == 11_700
    assert document["posting"]["member"] == SERVICER
    assert [one["member"] for one in document["day"]["signed_by"]] == [LEAD, SERVICER]
    assert document["day"]["entries"] == 5 and document["day"]["date"] == DAY
    assert document["day"]["sealed"]["of"] == 2
    text = sealed.run("proof", "verify", proof, "--members", keys).stdout
    assert text.startswith("VALID: repayment 0x") and "one of 5 entries" in text


def test_the_only_deal_need_not_be_named_nor_the_members(sealed: Office) -> None:
    proof = str(sealed.folder / "proof.json")
    assert sealed.run("proof", "-o", proof, "booking/L-1").exit_code == 0
    assert sealed.run("proof", "verify", proof).exit_code == 0


def test_a_forged_proof_is_refused_with_its_reason(sealed: Office) -> None:
    proof = sealed.folder / "proof.json"
    assert sealed.run("proof", "R-2", "-o", str(proof)).exit_code == 0
    document = json.loads(proof.read_text())
    document["day"]["index"] = 0 if document["day"]["index"] else 1
    proof.write_text(json.dumps(document))
    done = sealed.run("proof", "verify", str(proof), "--json")
    assert done.exit_code == 1
    assert done.document["valid"] is False
    assert (done.document["reason"], done.document["where"]) == ("path", "day.path")
    shown = sealed.run("proof", "verify", str(proof))
    assert shown.exit_code == 1
    assert shown.stdout.startswith("REFUSED: the entry is not in the signed day at that place")
    chinese = sealed.run("proof", "verify", str(proof), "--lang", "zh")
    assert chinese.exit_code == 1 and "day.path" in chinese.stdout


def test_what_is_no_proof_is_refused(sealed: Office) -> None:
    path = sealed.file("noise.json", '{"proof": 1.5}')
    done = sealed.run("proof", "verify", str(path), "--json")
    assert (done.exit_code, done.document["reason"]) == (1, "form")


def test_an_entry_of_an_open_day_says_so(sealed: Office) -> None:
    columns = "entry_ref,loan_ref,date,principal,interest,penalty,fee"
    path = sealed.file("more.csv", f"{columns}\nR-8,L-1,2026-03-10,10.00,1.00,0.00,0.00\n")
    sealed.run("repayment", "submit", str(path), "--deal", DEAL, "--as", SERVICER)
    proof = str(sealed.folder / "proof.json")
    made = sealed.run("proof", "R-8", "-o", proof)
    assert made.exit_code == 0 and "not sealed yet" in made.stdout
    done = sealed.run("proof", "verify", proof)
    assert done.exit_code == 0 and "NOT sealed" in done.stdout
    alone = sealed.run("proof", "R-8", "-o", proof, "--day-only")
    assert alone.exit_code == 2 and "not sealed" in alone.stderr


def test_a_dry_run_writes_nothing(sealed: Office) -> None:
    proof = sealed.folder / "proof.json"
    assert sealed.run("proof", "R-1", "-o", str(proof), "--dry-run").exit_code == 0
    assert not proof.exists()
    again = sealed.folder / "again.json"
    assert sealed.run("member", "keys", "-o", str(again), "--dry-run").exit_code == 0
    assert not again.exists()


def test_who_proves_a_reversed_entry_is_told(sealed: Office) -> None:
    columns = "entry_ref,loan_ref,date,principal,interest,penalty,fee"
    path = sealed.file("more.csv", f"{columns}\nR-8,L-1,2026-03-10,10.00,1.00,0.00,0.00\n")
    sealed.run("repayment", "submit", str(path), "--deal", DEAL, "--as", SERVICER)
    assert sealed.run("entry", "reverse", "R-8", "--deal", DEAL, "--as", SERVICER).exit_code == 0
    proof = str(sealed.folder / "proof.json")
    made = sealed.run("proof", "R-8", "-o", proof, "--json")
    assert made.exit_code == 0 and made.document["reversed"] is True
    assert "was reversed since" in made.stderr
    back = sealed.run("proof", "reversal/R-8", "-o", proof, "--json")
    assert back.document["entry"]["reversed_id"] == made.document["entry"]["id"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("proof", "NOBODY", "-o", "p.json"), "no entry of this ref"),
        (("proof", "verify", "missing.json"), "cannot be read"),
        (("proof", "-o", "p.json", "verify"), "no entry of this ref"),
        (("proof", "R-1"), "--output"),
    ],
)
def test_what_cannot_be_used_is_named(
    arguments: tuple[str, ...], said: str, sealed: Office
) -> None:
    done = sealed.run(*arguments)
    assert done.exit_code == 2 and said in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "cannot be read"),
        ("[", "JSON"),
        ('{"format": "pledger-members/2"}', "pledger-members/1"),
    ],
)
def test_a_members_file_that_is_none_is_named(text: str, said: str, sealed: Office) -> None:
    proof = str(sealed.folder / "proof.json")
    assert sealed.run("proof", "R-1", "-o", proof).exit_code == 0
    keys = sealed.file("wrong.json", text)
    done = sealed.run("proof", "verify", proof, "--members", str(keys))
    assert done.exit_code == 2 and said in done.stderr


def test_help_names_both_ways(sealed: Office) -> None:
    shown = sealed.run("proof", "--help").stdout
    assert "ENTRY_REF" in shown and "verify" in shown and "--day-only" in shown
