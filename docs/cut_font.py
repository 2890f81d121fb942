"""Cuts the font of reports and pictures from Noto Sans CJK: see ledger/reporting/fonts/README.md.

`python docs/cut_font.py NotoSansCJK-Regular.ttc -o FILE` writes it, `--check` says whether the one
in the package is what comes out. Needs fontTools, which nothing else here does.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

PACKAGED = Path(__file__).parents[1] / "ledger/reporting/fonts/LedgerSansSC.ttf"
FACE = "NotoSansCJKsc-Regular"
FAMILY = "Ledger Sans SC"
BLOCKS = (
    (0x0020, 0x024F), (0x0370, 0x04FF), (0x2000, 0x206F), (0x20A0, 0x20CF), (0x2100, 0x22FF),
    (0x2500, 0x26FF), (0x3000, 0x30FF), (0xFF00, 0xFFEF),
)  # fmt: skip
"""All of these that the source has."""
NAMES = (
    "佔億円務喆嘅囍國圓垚堃壵帳彣彧慜旸旻昇昉昳晞晳暐暘曈書東櫆沄洺涴淏湉湲溁灣烜燚犇猋玘玚玥玭玹珅珣珪珮珺琎琤"
    "瑀瑄瑢璟璠畯皞祎禛禤總羴翀翙翚翯臺芃華萬衎裏裡諠證贇赟赪郃銀锜镕際霂頔頫額風飏骉骕髙鱻麼龑龢"
)
"""Of people and companies, beyond GB 2312."""
ERROR_UNITS = 1
"""Of 1000 to the em: how far a curve may be from what it was."""


def characters() -> set[int]:
    """What is kept."""
    kept = {code for first, last in BLOCKS for code in range(first, last + 1)}
    return kept | set(map(ord, NAMES)) | set(_gb2312())


def _gb2312() -> Iterator[int]:
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                yield ord(bytes([row, cell]).decode("gb2312"))
            except UnicodeDecodeError:
                continue


def cut(source: Path) -> bytes:
    """The font, cut, with quadratic curves and its own name."""
    from fontTools.subset import Options, Subsetter
    from fontTools.ttLib import TTCollection

    faces = TTCollection(source, lazy=True).fonts
    font = next(face for face in faces if face["name"].getDebugName(6) == FACE)
    font.recalcTimestamp = False
    options = Options(
        layout_features=[], hinting=False, glyph_names=False, notdef_outline=True,
        name_IDs=["*"], drop_tables=["BASE", "GPOS", "GSUB", "VORG", "vhea", "vmtx", "DSIG"],
    )  # fmt: skip
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    _quadratic(font)
    _renamed(font)
    out = BytesIO()
    font.save(out)
    return out.getvalue()


def _quadratic(font: Any) -> None:
    """Cubic outlines (CFF) as quadratic ones (glyf), which a PDF by reportlab can hold."""
    from fontTools.pens.cu2quPen import Cu2QuPen
    from fontTools.pens.ttGlyphPen import TTGlyphPen
    from fontTools.ttLib import newTable

    order, glyphs = font.getGlyphOrder(), font.getGlyphSet()
    made = {}
    for name in order:
        pen = TTGlyphPen(None)
        glyphs[name].draw(Cu2QuPen(pen, ERROR_UNITS, reverse_direction=True))
        made[name] = pen.glyph()
    font["loca"], font["glyf"] = newTable("loca"), newTable("glyf")
    font["glyf"].glyphOrder, font["glyf"].glyphs = order, made
    most = font["maxp"]
    most.tableVersion = 0x00010000
    for field in (
        "maxTwilightPoints", "maxStorage", "maxFunctionDefs", "maxInstructionDefs",
        "maxStackElements", "maxSizeOfInstructions", "maxComponentElements",
    ):  # fmt: skip
        setattr(most, field, 0)
    most.maxZones = 1
    del font["CFF "]
    font["post"].formatType = 3
    font.sfntVersion = "\0\1\0\0"


def _renamed(font: Any) -> None:
    """The licence lets a changed font have any name but the one it had."""
    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            record.string = FAMILY
        elif record.nameID == 6:
            record.string = FAMILY.replace(" ", "") + "-Regular"


def _differs(made: bytes) -> list[str]:
    """Tables of the packaged font that are not those made; `head` says when it was made."""
    from fontTools.ttLib import TTFont

    own, other = (TTFont(BytesIO(one)).reader for one in (PACKAGED.read_bytes(), made))
    tags = sorted({*own.keys(), *other.keys()} - {"head"})
    return [tag for tag in tags if tag not in own or tag not in other or own[tag] != other[tag]]


def main() -> int:
    """Write the font, or check the one in the package. Returns 1 where it differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", type=Path, help="NotoSansCJK-Regular.ttc, version 2.004")
    parser.add_argument("-o", "--output", type=Path, default=PACKAGED)
    parser.add_argument("--check", action="store_true", help="write nothing")
    given = parser.parse_args()
    made = cut(given.source)
    if not given.check:
        given.output.write_bytes(made)
        return 0
    found = _differs(made)
    print("differs: " + ", ".join(found) if found else "the same")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
