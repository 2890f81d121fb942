"""A chart on paper: what is drawn on its page are the very places of the drawing."""

from __future__ import annotations

import base64
import re
import zlib
from datetime import date
from pathlib import Path

import pytest

from ledger import messages
from ledger.charts import CHARTS, chart, chart_report
from ledger.charts.drawing import PAPER, Area, Dot, Group, Line, Shape, Text
from ledger.charts.printed import Printed
from ledger.charts.shapes import outline
from ledger.illustrated import CHART_OF, chart_of, illustrated
from ledger.ledger import Ledger
from ledger.reporting.paper import Drawn, laid_out, paper
from ledger.reporting.report import Made, Report
from ledger.reports import report
from tests.charts.conftest import run

SHIELD, LEAD = "shield", "bank-a"
MADE = Made(member=LEAD, made_at=1_785_542_400, head_block=1, head_hash=b"\1" * 32)
WIDTH, HEIGHT = 842, 595


def of(ledger: Ledger, name: str) -> Report:
    """A chart's report, picture and all."""
    return chart_report(chart(ledger, name, deal=SHIELD, member=LEAD), MADE)


def content(data: bytes) -> list[str]:
    """What is drawn on each page of a PDF."""
    found = re.findall(rb"/Filter \[ /ASCII85Decode /FlateDecode \][^>]*>>\s*stream\r?\n(.*?)endstream", data, re.S)
    pages = [zlib.decompress(base64.a85decode(one.strip().removesuffix(b"~>"))) for one in found]
    return [one.decode("latin-1") for one in pages if b" Tf" in one]


def flat(own: Printed) -> list[object]:
    """Every mark of a drawing."""
    return [
        mark
        for one in own.drawing.marks
        for mark in (one.marks if isinstance(one, Group) else (one,))
    ]


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", CHARTS)
def test_every_mark_is_on_the_page(covered_ledger: Ledger, name: str, lang: str) -> None:
    messages.set_language(lang)
    found = of(covered_ledger, name)
    own = found.picture
    assert isinstance(own, Printed)
    (drawn,) = [one for one in content(paper(found)) if len(re.findall(r" cm\b", one)) > 1]
    places = re.findall(r"(?<![\d.])(-?\d+) (-?\d+) (?:m|l)\b", drawn)
    for mark in flat(own):
        if isinstance(mark, Line):
            for x, y in mark.places:
                assert (str(x), str(own.height - y)) in places, (name, mark)
        elif isinstance(mark, Area) and mark.fill != PAPER:
            bottom = own.height - mark.y - mark.height
            assert f"n {mark.x} {bottom} {mark.width} {mark.height} re B" in drawn, (name, mark)
        elif isinstance(mark, Dot) and mark.shape not in (Shape.DOT, Shape.RING):
            x, y = outline(mark)[0]
            assert (str(x), str(own.height - y)) in places, (name, mark)
    assert drawn.count(" Tj") + drawn.count(" TJ") >= sum(isinstance(one, Text) for one in flat(own))


def test_a_picture_is_whole_on_one_page(covered_ledger: Ledger) -> None:
    for name in CHARTS:
        pages = laid_out(of(covered_ledger, name))
        (drawn,) = [mark for marks in pages for mark in marks if isinstance(mark, Drawn)]
        high = drawn.width * drawn.picture.height // drawn.picture.width
        assert drawn.x > 0 and drawn.x + drawn.width < WIDTH, name
        assert drawn.y > 40 and drawn.y + high < HEIGHT, name


def test_the_same_chart_is_the_same_file(covered_ledger: Ledger) -> None:
    assert paper(of(covered_ledger, "cover")) == paper(of(covered_ledger, "cover"))


def test_the_command_draws_it(covered_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "cover.pdf"
    code, _, _ = run("report", "chart", "cover", "--deal", SHIELD, "--ledger", covered_folder, "-o", path)
    assert code == 0
    assert any(" l S" in one for one in content(path.read_bytes()))


# ---- reports with their charts


@pytest.mark.parametrize("name", CHART_OF)
def test_a_report_on_paper_has_its_chart(covered_folder: Path, tmp_path: Path, name: str) -> None:
    asked = ("report", "write", name, "--deal", SHIELD, "--as", LEAD, "--ledger", covered_folder)
    page = tmp_path / f"{name}.html"
    code, stdout, _ = run(*asked, "-o", page)
    assert code == 0, stdout
    words = page.read_text("utf-8")
    assert words.count("<svg ") == 1
    assert f'id="chart-{CHART_OF[name]}-title"' in words


def test_a_chart_is_of_the_report_s_own_days(covered_ledger: Ledger) -> None:
    day = date(2026, 5, 31)
    found = report(covered_ledger, "deposit", deal=SHIELD, day=day, member=LEAD)
    drawn = illustrated(covered_ledger, "deposit", found, deal=SHIELD, member=LEAD)
    assert drawn.picture is not None and "2026-05-31" in drawn.picture.svg
    assert "2026-06" not in drawn.picture.svg
    assert drawn.document == found.document


def test_a_report_without_a_chart_of_its_own_has_none(covered_ledger: Ledger) -> None:
    assert chart_of("lists", deal=SHIELD, member=LEAD) == ""
    assert chart_of("balances", deal="", member=LEAD) == ""
    assert chart_of("concentration", deal=SHIELD, member="") == ""
    every = report(covered_ledger, "balances", member=LEAD)
    assert illustrated(covered_ledger, "balances", every, member=LEAD).picture is None
