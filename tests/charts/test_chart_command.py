"""`pledger report chart`, as a user runs it."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from openpyxl import load_workbook
from PIL import Image

from ledger import messages
from ledger.charts import CHARTS
from tests.charts.conftest import DEMO, run


def test_without_a_name_the_charts_are_listed() -> None:
    code, stdout, _ = run("report", "chart")
    assert code == 0
    assert all(name in stdout for name in CHARTS)
    messages.set_language("zh")
    _, stdout, _ = run("report", "chart", "--json")
    listed = json.loads(stdout)["charts"]
    assert [one["chart"] for one in listed] == list(CHARTS)
    assert listed[1] == {"chart": "cover", "title": "保证金覆盖率与各线", "of": "deal"}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_files_name_says_which_picture(covered_folder: Path, tmp_path: Path, lang: str) -> None:
    messages.set_language(lang)
    for name in CHARTS:
        for form in ("svg", "png"):
            path = tmp_path / f"{name}.{form}"
            code, stdout, _ = run(
                "report", "chart", name, "--deal", "shield", "--as", "bank-a", "--ledger",
                covered_folder, "-o", path,
            )  # fmt: skip
            assert (code, str(path) in stdout) == (0, True), (name, stdout)
        assert ElementTree.parse(path.with_suffix(".svg")).getroot().get("lang", "")[:2] == lang
        with Image.open(path.with_suffix(".png")) as picture:
            picture.verify()


def test_a_narrow_picture_is_as_narrow_as_asked(covered_folder: Path) -> None:
    code, stdout, data = run(
        "report", "chart", "vintages", "--deal", "shield", "--width", "390", "--format", "svg",
        "--ledger", covered_folder,
    )  # fmt: skip
    assert code == 0
    assert ElementTree.fromstring(data).get("width") == "390"
    assert stdout.startswith("<svg ")


def test_the_numbers_are_the_same_in_every_form(covered_folder: Path, tmp_path: Path) -> None:
    asked = ("report", "chart", "cover", "--deal", "shield", "--ledger", covered_folder)
    rows = json.loads(run(*asked, "--json")[1])["cover"]
    assert len(rows) > 20
    _, stdout, _ = run(*asked, "--format", "csv")
    separated = list(csv.DictReader(io.StringIO(stdout.removeprefix("\ufeff"))))
    assert [one["date"] for one in separated] == [one["date"] for one in rows]
    assert [round(float(one["deposit"]) * 100) for one in separated] == [
        one["deposit_minor"] for one in rows
    ]
    path = tmp_path / "cover.xlsx"
    assert run(*asked, "-o", path)[0] == 0
    book = load_workbook(path)
    sheet = book["Cover"]
    deposits = [cell.value for cell in sheet["B"] if isinstance(cell.value, int | float)]
    assert [round(one * 100) for one in deposits] == [one["deposit_minor"] for one in rows]
    page = tmp_path / "cover.html"
    assert run(*asked, "-o", page)[0] == 0
    words = page.read_text("utf-8")
    assert words.count("<svg ") == 1
    assert "6,500.00" in words
    assert words.index("<svg ") < words.index("6,500.00")


def test_days_choose_what_is_charted(demo_folder: Path) -> None:
    asked = (
        "report", "chart", "outstanding", "--deal", DEMO, "--from", "2026-02-01", "--to",
        "2026-02-10", "--json", "--ledger", demo_folder / "ledger",
    )  # fmt: skip
    found = json.loads(run(*asked)[1])
    assert (found["from"], found["to"]) == ("2026-02-01", "2026-02-10")
    days = [date.fromisoformat(row["date"]) for row in found["outstanding"]]
    assert days == [date(2026, 2, 1) + timedelta(at) for at in range(10)]


def test_open_breaks_age_until_today(demo_folder: Path) -> None:
    asked = (
        "report",
        "chart",
        "breaks",
        "--deal",
        DEMO,
        "--json",
        "--ledger",
        demo_folder / "ledger",
    )
    found = json.loads(run(*asked)[1])
    assert date.fromisoformat(found["to"]) - date(2026, 4, 29) > timedelta(0)
    assert all(row["breaks_held"] == 0 for row in found["breaks"])
    early = json.loads(run(*asked, "--to", "2026-04-29")[1])
    assert sum(row["breaks_held"] for row in early["breaks"]) > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("sums", "--deal", DEMO), "no such chart"),
        (("rolls",), "--deal"),
        (("cover", "--deal", DEMO), "no deposit"),
        (("cover", "--deal", DEMO, "--format", "png"), "file"),
        (("costs", "--deal", DEMO, "--from", "2026-02-30"), "date"),
        (("concentration",), "--as"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_a_line(
    demo_folder: Path, tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    from click.testing import CliRunner

    from ledger.cli.root import pledger

    given = ["report", "chart", *arguments, "--ledger", str(demo_folder / "ledger")]
    done = CliRunner().invoke(pledger, given, catch_exceptions=False, prog_name="pledger")
    assert done.exit_code in (2, 3)
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())
