"""JSON from others: read as Python reads it, unless it is nested beyond any sense."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.chain.genesis import read_genesis
from ledger.errors import ChainUnusable
from ledger.nesting import DEEPEST, depth_of, read_json

DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text('[]{}",\\ab', max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text('[{"\\', max_size=3), inner),
    max_leaves=60,
)


def deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


def depth(document: object) -> int:
    """Counted on what was read, by recursion."""
    if not isinstance(document, list | dict):
        return 0
    inner = document.values() if isinstance(document, dict) else document
    return 1 + max(map(depth, inner), default=0)


@given(DOCUMENTS)
def test_what_is_not_deep_is_read_as_it_is(document: object) -> None:
    encoded = json.dumps(document).encode()
    if depth(document) <= DEEPEST:
        assert read_json(encoded) == document
    assert depth_of(encoded) in (0, depth(document))


def test_the_deepest_is_read_and_one_more_is_not() -> None:
    assert depth(read_json(deep(DEEPEST))) == DEEPEST
    with pytest.raises(ValueError, match="nested"):
        read_json(deep(DEEPEST + 1))


def test_brackets_within_a_text_do_not_count() -> None:
    assert read_json(json.dumps(["[" * 1_000]).encode()) == ["[" * 1_000]


def test_an_export_nested_without_end_is_named(tmp_path: Path) -> None:
    (path := tmp_path / "genesis.json").write_bytes(deep(200_000))
    with pytest.raises(ChainUnusable, match="nested"):
        read_genesis(path)


def test_the_process_outlives_it(tmp_path: Path) -> None:
    """With py-evm's limit of recursion the plain parser ends the process without a word."""
    (tmp_path / "genesis.json").write_bytes(deep(1_000_000))
    program = (
        "import eth, sys; from pathlib import Path; from ledger.chain.genesis import read_genesis\n"
        "try: read_genesis(Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "genesis.json"], capture_output=True, text=True
    )
    assert ran.stdout == "ChainUnusable\n", ran
