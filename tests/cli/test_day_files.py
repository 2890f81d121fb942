"""`pledger day files`: the partner's daily set, and the same set reconciled with the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.office import DEAL, LEAD, Office

DAY = "2026-02-10"


def written(office: Office, layout: str) -> Path:
    folder = office.folder / layout
    outcome = office.run(
        "day", "files", DEAL, "--date", DAY, "--layout", layout, "-o", str(folder), "--json"
    )
    assert outcome.exit_code == 0, outcome.stderr
    assert outcome.document["files"] == [path.name for path in map(Path, outcome.document["files"])]
    assert {path.name for path in folder.iterdir()} == set(outcome.document["files"])
    return folder


@pytest.mark.parametrize(
    ("layout", "files", "kinds"),
    # 借呗 has no borrower's fee of ours in its repayments.
    [("jiebei", 13, ("loans", "balances")), ("assisted", 10, ("loans", "repayments", "balances"))],
)
def test_a_written_set_reconciles_without_a_break(
    lent: Office, layout: str, files: int, kinds: tuple[str, ...]
) -> None:
    folder = written(lent, layout)
    assert len(list(folder.iterdir())) == files
    for kind in kinds:
        outcome = lent.run(
            "reconcile", DEAL, "--kind", kind, "--file", str(folder), "--from", DAY, "--to", DAY,
            "--as", LEAD, "--json",
        )  # fmt: skip
        assert (outcome.exit_code, outcome.document["breaks"]) == (0, []), kind


def test_a_file_that_is_missing_is_a_break_and_not_one_for_each_entry(lent: Office) -> None:
    folder = written(lent, "assisted")
    (gone,) = [path for path in folder.iterdir() if "repay" in path.name]
    gone.unlink()
    outcome = lent.run(
        "reconcile", DEAL, "--kind", "repayments", "--file", str(folder), "--from", DAY, "--to", DAY,
        "--as", LEAD, "--json",
    )  # fmt: skip
    assert outcome.exit_code == 1
    (found,) = outcome.document["breaks"]
    assert (found["code"], found["ref"], found["field"]) == ("B14", DAY, gone.name)


def test_an_unknown_deal_or_layout_is_refused(lent: Office) -> None:
    for deal, layout in (("joint-9", "jiebei"), (DEAL, "other")):
        outcome = lent.run(
            "day", "files", deal, "--date", DAY, "--layout", layout, "-o", str(lent.folder / "out")
        )
        assert outcome.exit_code == 2
        assert not (lent.folder / "out").exists()
