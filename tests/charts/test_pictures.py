"""Pictures: well-formed, alone, the same every time, and harmless whatever is in them."""

from __future__ import annotations

import re
import struct
import sys
import zlib
from collections import Counter
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageFont

from ledger import charts, cli
from ledger.charts import CHARTS, Chart, chart, png, svg
from ledger.charts.chart import Words, said
from ledger.charts.drawing import Dot, Group, Line, Shape
from ledger.charts.layout import drawn
from ledger.charts.png import dashes
from ledger.errors import UsageInvalid
from ledger.ledger import Ledger
from ledger.messages import LANGUAGES, table
from ledger.reporting.lettering import FONT_FILE
from tests.charts.test_drawn import charted

NAMES = sorted(CHARTS)
SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert(1)</script>&\"'\u202e\U0001f4b0]]>"


@pytest.fixture(params=NAMES)
def found(request: pytest.FixtureRequest, covered_ledger: Ledger) -> Chart:
    name: str = request.param
    return chart(covered_ledger, name, deal="" if name == "breaks" else "shield")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width_px", [320, 960])
def test_svg_says_what_it_shows_and_needs_nothing_else(
    found: Chart, lang: str, width_px: int
) -> None:
    picture = svg(found, lang, width_px=width_px)
    root = ElementTree.fromstring(picture)
    assert root.tag == f"{SVG}svg"
    assert (root.get("role"), root.get("width")) == ("img", str(width_px))
    known = {one.get("id"): one for one in root.iter() if one.get("id")}
    assert known[root.get("aria-labelledby")].text == said(found.title, lang)
    described = known[root.get("aria-describedby")].text
    assert described is not None
    assert described.endswith(said(found.summary, lang))
    tags = {one.tag.removeprefix(SVG) for one in root.iter()}
    assert tags <= {
        "svg", "title", "desc", "rect", "line", "polyline", "circle", "polygon", "text", "g",
    }  # fmt: skip
    for one in root.iter():
        assert not {"style", "class", "href", "onload"} & set(one.attrib)
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")
    words = [one.text or "" for one in root.iter(f"{SVG}text")]
    assert words[0] == said(found.title, lang)
    assert any(str(found.document["content_sha256"])[:16] in one for one in words)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_same_chart_is_the_same_bytes(found: Chart, covered_folder: Path, lang: str) -> None:
    with Ledger.open(covered_folder) as ledger:
        again = chart(ledger, found.name, deal="" if found.name == "breaks" else "shield")
    assert svg(found, lang) == svg(again, lang)
    assert png(found, lang, width_px=320) == png(again, lang, width_px=320)


def test_every_dot_says_its_value_as_the_table_has_it(covered_ledger: Ledger) -> None:
    root = ElementTree.fromstring(svg(chart(covered_ledger, "cover", deal="shield")))
    rows = chart(covered_ledger, "cover", deal="shield").tables[0].documents()
    known = {f"cover · {row['date']}: {row['cover'] / 10_000:g}%" for row in rows}
    dots = [
        one.findtext(f"{SVG}title") for one in root.iter() if one.find(f"{SVG}title") is not None
    ]
    dots = [one for one in dots if one and one.startswith("cover ·")]
    assert len(dots) > 10
    assert set(dots) <= known
    assert f"cover · {rows[-1]['date']}: {rows[-1]['cover'] / 10_000:g}%" in dots


def test_names_of_others_stay_text() -> None:
    chart = lined_chart(HOSTILE)
    picture = svg(chart)
    root = ElementTree.fromstring(picture)
    assert not list(root.iter(f"{SVG}script"))
    words = [one.text or "" for one in root.iter(f"{SVG}text")]
    shown = HOSTILE.replace("\u202e", "\N{REPLACEMENT CHARACTER}")
    assert shown in words
    assert "\u202e" not in picture
    assert png(chart, width_px=320).startswith(b"\x89PNG")


def lined_chart(name: str) -> Chart:
    from ledger.charts.chart import Axis, Form, Panel, Point, Scale, Series

    panel = Panel(
        form=Form.LINES,
        x=Axis(label="x", scale=Scale.COUNT),
        y=Axis(label="y", scale=Scale.RATE),
        series=(Series(label=name, points=(Point(0, 1), Point(1, 250_000))),),
    )
    return charted(panel, title=name, deal=name)


def test_png_has_its_size_and_says_what_it_shows(found: Chart, tmp_path: Path) -> None:
    path = tmp_path / "chart.png"
    path.write_bytes(png(found, "zh"))
    with Image.open(path) as picture:
        picture.load()
        assert picture.size[0] == 2 * 960
        texts = picture.text  # type: ignore[attr-defined]
        assert texts["Title"] == said(found.title, "zh")
        assert texts["Description"].endswith(said(found.summary, "zh"))
        # Paper, and something on it.
        colours = picture.convert("L").histogram()
        assert colours[255] > sum(colours) // 2
        assert sum(colours[:128]) > 1000


def test_png_holds_neither_time_nor_place(found: Chart) -> None:
    kinds = [kind for kind, _ in chunks(png(found, "en", width_px=320))]
    assert Counter(kinds) == {b"IHDR": 1, b"iTXt": 2, b"IDAT": kinds.count(b"IDAT"), b"IEND": 1}


def chunks(picture: bytes) -> list[tuple[bytes, bytes]]:
    at, known = 8, []
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at : at + 4])
        kind, data = picture[at + 4 : at + 8], picture[at + 8 : at + 8 + length]
        (check,) = struct.unpack(">I", picture[at + 8 + length : at + 12 + length])
        assert check == zlib.crc32(kind + data)
        known.append((kind, data))
        at += 12 + length
    return known


def test_png_has_its_dots_where_svg_has_them(covered_ledger: Ledger, tmp_path: Path) -> None:
    found = chart(covered_ledger, "outstanding", deal="shield")
    path = tmp_path / "chart.png"
    path.write_bytes(png(found))
    group = [one for one in drawn(found, "en").marks if isinstance(one, Group)][-1]
    dots = [one for one in group.marks if isinstance(one, Dot) and one.shape is Shape.DIAMOND]
    assert dots
    with Image.open(path) as picture:
        for dot in dots:
            colour = picture.getpixel((dot.x * 2 // 10, dot.y * 2 // 10))
            assert colour == tuple(bytes.fromhex(dot.ink[1:]))


def test_dashes_keep_to_the_line_and_to_their_lengths() -> None:
    cut = list(dashes([(0, 0), (1000, 0), (1000, 1000)], (80, 40)))
    assert cut[0] == [(0, 0), (80, 0)]
    assert cut[1] == [(120, 0), (200, 0)]
    corner = next(run for run in cut if len(run) == 3)
    assert corner == [(960, 0), (1000, 0), (1000, 40)]
    assert all(x == 1000 or y == 0 for run in cut for x, y in run)
    lengths = [sum(abs(b[0] - a[0]) + abs(b[1] - a[1]) for a, b in pairwise(run)) for run in cut]
    assert set(lengths[:-1]) == {80}


def test_the_font_has_every_letter_of_every_chart() -> None:
    font = ImageFont.truetype(FONT_FILE, 40)
    missing = bytes(font.getmask("\U0010ffff"))
    own = {
        letter
        for key, texts in table().items()
        if key.startswith("chart.")
        for words in texts.values()
        for letter in words
    }
    letters = own | set("0123456789abcdefghijklmnopqrstuvwxyz-%,.…·–") - {" "}
    assert len(letters) > 200
    assert not [one for one in sorted(letters - {" "}) if bytes(font.getmask(one)) == missing]


def test_every_kind_has_its_words_in_both_languages() -> None:
    for kind in CHARTS.values():
        for lang in LANGUAGES:
            assert said(kind.title, lang)
    nested = Words.of("axis_plain", label=Words.of("axis_owed"), currency="CNY")
    assert said(nested, "zh") == "应收余额（CNY）"


def test_levels_are_thinner_than_what_they_are_held_against(covered_ledger: Ledger) -> None:
    found = drawn(chart(covered_ledger, "cover", deal="shield"), "en")
    widths = {
        one.name: {mark.width for mark in one.marks if isinstance(mark, Line)}
        for one in found.marks
        if isinstance(one, Group)
    }
    assert max(widths["target"] | widths["warning"] | widths["stop"]) < min(widths["cover"])


def test_without_its_library_a_png_is_refused_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UsageInvalid, match="package") as refused:
        png(lined_chart("line"))
    assert "partnership-ledger[png]" in refused.value.fix
    assert svg(lined_chart("line"))


def test_every_word_that_a_chart_asks_for_is_there_and_none_is_left_over() -> None:
    sources = [
        *Path(charts.__file__).parent.glob("*.py"),
        *Path(cli.__file__).parent.glob("charts.py"),
    ]
    code = "\n".join(source.read_text("utf-8") for source in sources)
    named = set(re.findall(r'Words\.of\(\s*"(\w+)"', code))
    named |= set(re.findall(r'text\(\s*"chart\.(\w+)"', code))
    known = {key.removeprefix("chart.") for key in table() if key.startswith("chart.")}
    assert named <= known
    made = re.compile(r"name_|line_|view_|magnitude_|owed_|limit_of_")
    assert {key for key in known - named if not made.match(key)} == set()
