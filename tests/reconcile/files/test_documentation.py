"""The reference of partner files says what the readers read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ledger import messages
from ledger.errors import StatementInvalid
from ledger.reconcile.files import read
from ledger.reconcile.files.columns import FORMS, What
from ledger.reconcile.files.field_maps import KindMap
from ledger.reconcile.files.sets import layouts
from tests.docs.pages import DOCS, rows, section
from tests.reconcile.files.made import save

PAGE = (DOCS / "reference" / "partner-files.md").read_text("utf-8")


@pytest.mark.parametrize("name", layouts())
def test_every_file_of_a_set_is_there_with_its_columns(name: str) -> None:
    layout = layouts()[name]
    heading = next(line for line in PAGE.splitlines() if line.startswith(f"## Set `{name}`"))
    table = [row for row in rows(section(PAGE, heading)) if len(row) == 3]
    assert table == [
        [f"`{one.name}`", one.title, f"`{','.join(one.columns)}`"] for one in layout.files
    ]


def test_every_field_of_our_own_layout_is_there() -> None:
    table = rows(section(PAGE, "## Our own layout"))
    forms = [form for forms in FORMS.values() for form in forms]
    assert len(table) == len(forms)
    for row, form in zip(table, forms, strict=True):
        assert row[1].strip("`").split(",") == list(form.needed)
        named = {name for part in re.findall(r"`([^`]+)`", row[2]) for name in part.split(",")}
        optional = {name for name in form.fields if name not in form.needed} | form.ignored
        assert named - {"leg:PARTY"} == optional
        assert ("leg:PARTY" in named) is form.has_legs
        assert all(one.what in What for one in form.fields.values())


def test_every_key_of_a_map_is_there() -> None:
    table = rows(section(PAGE, "## Field maps"))
    named = {name for row in table for name in re.findall(r"`(\w+)`", row[0])}
    assert named == set(KindMap.model_fields)


def test_refusals_are_in_the_users_language(tmp_path: Path) -> None:
    path = save(tmp_path / "f", "loan_ref,start_date,principal\nL,2026-01-05\n")
    messages.set_language("zh")
    try:
        with pytest.raises(StatementInvalid, match="未读取，共 1 处问题"):
            read(path, kind="loans")
    finally:
        messages.set_language(None)
