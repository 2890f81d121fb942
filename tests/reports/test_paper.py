"""A PDF has every row, nothing beside the page, the head of a table wherever it goes on."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import UsageInvalid
from ledger.messages import speaking, text
from ledger.reporting import lettering
from ledger.reporting import paper as paper_form
from ledger.reporting.lettering import FONT_FILE, UNKNOWN, wrapped
from ledger.reporting.paper import Rule, Words, laid_out, paper
from ledger.reporting.report import Column, Fact, Report, Row, Shape, Unit

COLUMNS = (
    Column(key="ref"),
    Column(key="party"),
    Column(key="outstanding", unit=Unit.AMOUNT, total=True),
    Column(key="date", unit=Unit.DAY),
    Column(key="explanation", remark=True),
)
WIDTH, HEIGHT = 842, 595


def made(count: int, *, long: int = 1, columns: int = 0) -> Report:
    more = tuple(Column(key=f"c{at}", heading=str(at), unit=Unit.RATE) for at in range(columns))
    rows = [
        Row((f"R-{at}", "南方城商行" * long, 1_234_567 * at, 20_000 + at, f"第 {at} 行", *range(columns)))
        for at in range(count)
    ]
    table = Shape("CNY", 2).table("register", (*COLUMNS, *more), rows)
    return Report(
        title="标题",
        verdict="verdict",
        facts=(Fact("deal", "x" * 500),),
        tables=(table,),
        notes=("note " * 100,),
        signers=("bank-a", "platform-p"),
        document={"content_sha256": "f" * 64},
    )


def words_of(report: Report) -> list[list[Words]]:
    return [[mark for mark in marks if isinstance(mark, Words)] for marks in laid_out(report)]


@pytest.mark.parametrize("count", [0, 1, 40, 300])
def test_every_row_is_drawn_once(count: int) -> None:
    drawn = [word.says for page in words_of(made(count)) for word in page]
    assert [says for says in drawn if says.startswith("R-")] == [f"R-{at}" for at in range(count)]
    assert sum(says.startswith("第 ") for says in drawn) == count


def test_the_head_stands_on_every_page_of_the_table() -> None:
    pages = words_of(made(300))
    assert len(pages) > 3
    for page in pages[:-1]:
        assert text("report.column_outstanding") in [word.says for word in page]


@pytest.mark.parametrize("report", [made(30, long=60), made(30, columns=24), made(3, long=300)])
def test_nothing_is_drawn_beside_the_page(report: Report) -> None:
    for marks in laid_out(report):
        for mark in marks:
            assert 0 < mark.y < HEIGHT
            if isinstance(mark, Rule):
                assert 0 < mark.x <= mark.to < WIDTH
                continue
            wide = lettering.wide(mark.says, mark.size)
            left = mark.x - wide if mark.right else mark.x
            assert left > 0 and left + wide < WIDTH, mark


def test_what_is_left_out_is_said() -> None:
    drawn = [word.says for page in words_of(made(paper_form.ROWS_MAX + 5)) for word in page]
    assert text("report.rows_left_out", count=5) in drawn


def test_the_same_report_is_the_same_file() -> None:
    with speaking("zh"):
        one = paper(made(50))
        assert one == paper(made(50))
    assert b"/FontFile2" in one, "the font is not in the file"


def test_the_font_has_what_we_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every text of the program, in both languages, is drawn without a box."""
    from ledger import messages

    for key, said in messages.table().items():
        for words in said.values():
            assert UNKNOWN not in lettering.known(words), key
    assert (FONT_FILE.parent / "OFL.txt").is_file()


def test_the_font_has_the_characters_that_its_script_keeps() -> None:
    place = Path(__file__).parents[2] / "docs/cut_font.py"
    spec = importlib.util.spec_from_file_location("cut_font", place)
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    kept, has = script.characters(), lettering.measure().glyphs - {0xFFFF}
    assert has <= kept
    chinese = range(0x4E00, 0xA000)
    assert {one for one in kept if one in chinese} == {one for one in has if one in chinese}


def test_without_its_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "reportlab.pdfgen.canvas", None)
    with pytest.raises(UsageInvalid) as refused:
        paper(made(1))
    assert "partnership-ledger[pdf]" in refused.value.fix


def test_many_rows_take_seconds(tmp_path: Path) -> None:
    data = paper(made(1000, long=3))
    assert len(data) < 2_000_000


TEXT = st.text(st.sampled_from("ab 南方0x-"), max_size=200)


@settings(deadline=None, max_examples=60)
@given(TEXT, st.integers(20, 300), st.integers(5, 12))
def test_wrapping_loses_no_letter_and_keeps_to_the_width(says: str, width: int, size: int) -> None:
    lines = wrapped(says, size, width)
    assert "".join(lines).replace(" ", "") == says.replace(" ", "")
    assert all(lettering.wide(line, size) <= width or len(line) == 1 for line in lines)
