"""Records in runs are the same records as one by one, whatever is in them and wherever a run ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ledger.reconcile.files import delimited
from ledger.reconcile.files.columns import Record
from ledger.reconcile.files.decoding import Decoded
from ledger.reconcile.files.delimited import Delimited
from ledger.reconcile.files.findings import Findings

CELLS = st.sampled_from(
    ["", "a", "12.50", "张三", '"b,c"', '"d\ne"', '"f\r\n\r\ng"', '"', "h\ti", '"j"k']
)
ENDS = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r", "\n\n", ""])
LINES = st.lists(st.tuples(st.lists(CELLS, max_size=4), ENDS), max_size=12)


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run is of three lines."""
    monkeypatch.setattr(delimited, "RUN_RECORDS", 3)


def opened(path: Path, quote: str) -> tuple[Delimited, Findings]:
    findings = Findings(str(path))
    return Delimited(Decoded(path, "utf-8", findings), findings, quote=quote), findings


def by_runs(path: Path, width: int, quote: str, first: int) -> tuple[list[Record], list[object]]:
    """The records of a width, the first ones taken one by one, and what was noted."""
    records, findings = opened(path, quote)
    found = [one for _ in range(first) if (one := next(records, None)) is not None]
    found = [one for one in found if len(one[1]) == width]
    for lines, columns in records.runs(width, findings):
        assert len(columns) == width
        found += zip(lines, map(list, zip(*columns, strict=True)), strict=True)
    noted = [one for one in findings.problems if one.found != str(width)]
    return found, [(one.line, one.what) for one in noted if "columns" not in one.what]


@pytest.mark.parametrize("quote", ['"', ""])
@pytest.mark.parametrize("first", [0, 1])
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60
)
@given(lines=LINES, width=st.integers(1, 3))
@example(lines=[(["a", "b"], "\n"), ([], "\n"), (["c", "d", "e"], "\n")], width=2)
@example(lines=[(["a"], "\n"), ([""], "\n"), (["b"], "")], width=1)
@example(lines=[(["a", "b"], "\n"), (["a", '"c\nd"'], "\n"), (["e", "f"], "\n")] * 3, width=2)
def test_runs_hold_the_records_of_their_width_with_their_lines(
    few: None,
    tmp_path: Path,
    lines: list[tuple[list[str], str]],
    width: int,
    quote: str,
    first: int,
) -> None:
    path = tmp_path / "f"
    text = "".join(",".join(cells) + end for cells, end in lines)
    path.write_bytes(text.encode())
    records, findings = opened(path, quote)
    expected = [one for one in records if len(one[1]) == width]
    found, noted = by_runs(path, width, quote, first)
    assert found == expected
    assert noted == [(one.line, one.what) for one in findings.problems]


def test_a_run_without_quotes_is_cut_at_once(
    few: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "f"
    path.write_text("a,b\n" * 6 + 'c,"d"\n' + "e,f\n" * 3, encoding="utf-8")
    records, findings = opened(path, '"')
    read: list[int | None] = []
    monkeypatch.setattr(
        records, "_read", lambda lines, count: read.append(count) or Delimited._read(records, lines, count)
    )  # fmt: skip
    assert [len(lines) for lines, _ in records.runs(2, findings)] == [3, 3, 3, 1]
    assert read == [3]
