"""`pledger simulate`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.cli.office import Office

SMALL = ("--loans", "60", "--months", "6", "--every", "31")


@pytest.fixture
def desk(tmp_path: Path) -> Office:
    """A folder without a ledger."""
    return Office(folder=tmp_path)


def test_files_and_a_report_of_what_the_terms_did(desk: Office) -> None:
    made = desk.run("simulate", desk.folder / "sim", *SMALL, "--stress", "defaults-x3", "--json")
    assert made.exit_code == 0
    found = made.document
    assert found["plan"]["stress"] == ["defaults-x3"]
    assert found["plan"]["stress_from"] == "2026-03-01"
    assert sum(one["booked"] for one in found["deals"]) == 60
    assert [one["deal"] for one in found["deals"]] == found["plan"]["profiles"]
    for one in found["parties"]:
        lost = one["written_off_minor"] + one["claims_minor"]
        due = one["not_received_minor"] - one["not_paid_minor"]
        assert one["result_minor"] == one["income_minor"] - lost - due
        assert "base_result_minor" in one
    assert found["posted"] is None
    assert (desk.folder / "sim" / "steps.csv").exists()


def test_posted_it_comes_to_the_same_balances(desk: Office) -> None:
    made = desk.run(
        "simulate", desk.folder / "sim", *SMALL, "--post", desk.home, "--stress", "validator-lost",
        "--json",
    )  # fmt: skip
    assert made.exit_code == 0
    posted = made.document["posted"]
    assert posted["ok"] and posted["differences"] == [] and posted["entries"] > 100
    assert "auditor-u" not in posted["validators"]
    shown = desk.run("balances", "qifu", "--json").document
    assert shown["in_balance"] and shown["as_of_block"] == posted["head_block"]
    found = {party: {k: v for k, v in own.items() if v} for party, own in shown["accounts"].items()}
    assert found == made.document["balances"]["qifu"]
    assert desk.run("check").exit_code == 0


def test_the_same_again_has_the_same_hash_and_the_same_files(desk: Office) -> None:
    def played(name: str, *options: str) -> tuple[str, str]:
        folder = desk.folder / name
        found = desk.run("simulate", folder, *SMALL, *options, "--json").document
        steps = hashlib.sha256((folder / "steps.csv").read_bytes()).hexdigest()
        return found["content_sha256"], steps

    assert played("one") == played("two")
    assert played("one-of-another-seed", "--seed", "other") != played("three")


def test_forms_and_languages(desk: Office) -> None:
    folder = desk.folder
    shown = desk.run("simulate", folder / "a", *SMALL, PLEDGER_LANG="zh")
    assert shown.exit_code == 0 and "各方结果（CNY）" in shown.stdout and "分润" in shown.stdout
    book = folder / "report.xlsx"
    assert desk.run("simulate", folder / "b", *SMALL, "-o", book).exit_code == 0
    assert load_workbook(book).sheetnames[1:3] == ["Parties", "Deals"]
    page = folder / "report.html"
    assert desk.run("simulate", folder / "c", *SMALL, "-o", page).exit_code == 0
    assert "<h1>Simulation" in page.read_text("utf-8")
    text = desk.run("simulate", folder / "d", *SMALL).stdout
    assert "60 loans booked" in text


def test_a_part_of_the_real_size(desk: Office) -> None:
    made = desk.run(
        "simulate", desk.folder / "sim", "--scale", "0.001%", "--months", "3", "--every", "31",
        "--profile", "qifu", "--json",
    )  # fmt: skip
    assert made.document["plan"]["loans"] == 105


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--loans", "5", "--scale", "1%"), "--loans and --scale"),
        (("--seed", "Nein!"), "1 to 16 lower case"),
        (("--profile", "qifu", "--platform", "lexin"), "the platform is not simulated"),
        (("--stress", "salary-day", "--stress-from", "2030-01-01"), "outside the calendar"),
        (("--from", "2026-13"), "2026-13"),
        (("--from", "1999-12"), "the months are out of reach"),
        (("--from", "2147-01"), "the months are out of reach"),
        (("--breaks", "200%"), "200%"),
        (("--scale", "many"), "many"),
    ],
    ids=lambda one: " ".join(one) if isinstance(one, tuple) else "",
)
def test_what_cannot_be_is_said_before_anything_is_written(
    desk: Office, options: tuple[str, ...], said: str
) -> None:
    refused = desk.run("simulate", desk.folder / "sim", "--months", "3", *options)
    assert refused.exit_code == 2 and said in refused.stderr
    assert not (desk.folder / "sim").exists()


def test_a_folder_with_anything_in_it_is_left_alone(desk: Office) -> None:
    taken = desk.folder / "taken"
    taken.mkdir()
    (taken / "mine").write_text("1", "utf-8")
    refused = desk.run("simulate", taken, *SMALL, "--json")
    assert refused.exit_code == 2 and [one.name for one in taken.iterdir()] == ["mine"]
    assert json.loads(refused.stdout)["error"]["where"] == str(taken)
    refused = desk.run("simulate", desk.folder / "new", *SMALL, "--post", taken)
    assert refused.exit_code == 2 and not (desk.folder / "new").exists()


def test_the_command_names_every_platform_and_stress() -> None:
    from ledger import messages
    from ledger.cli import simulate as module
    from ledger.simulation.plan import Stress
    from ledger.simulation.profiles import PROFILES, Way

    known = module if hasattr(module, "STRESSES") else __import__("sys").modules[module.__module__]
    assert list(known.PROFILES) == [one.id for one in PROFILES]
    assert list(known.STRESSES) == [one.value for one in Stress]
    words = [f"stress.{one.value}" for one in Stress] + [f"way.{one.value}" for one in Way]
    assert all(messages.has(f"simulate.{word}") for word in words)
