"""consortium.toml: members, validators and the chain's own settings."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from ledger import consortium
from ledger.consortium import Clock, Consortium, Licence, Role
from ledger.errors import ConsortiumInvalid

TOML = """
name = "delta-credit"
chain_id = 20251001
genesis_time = 2025-10-01T00:00:00Z
clock = "stepped"
epoch = 64
[[member]]
id = "bank-a"
name = "南方城商行"
roles = ["bank", "custodian"]
licences = ["lending"]
validator = true
[[member]]
id = "auditor-u"
name = "Auditor"
roles = ["auditor"]
"""
DATA: dict[str, Any] = {
    "name": "delta-credit",
    "chain_id": 20251001,
    "member": [
        {"id": "bank-a", "name": "A", "roles": ["bank"], "validator": True},
        {"id": "platform-p", "name": "P", "roles": ["platform"]},
    ],
}


def _columns(data: dict[str, Any]) -> list[str]:
    with pytest.raises(ConsortiumInvalid) as refused:
        consortium.read(data)
    return [problem.column for problem in refused.value.problems]


def test_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "consortium.toml"
    file.write_text(TOML, encoding="utf-8-sig")
    read = consortium.load(file)
    assert read.genesis_at == 1_759_276_800
    assert (read.clock, read.epoch) == (Clock.STEPPED, 64)
    bank = read.member("bank-a")
    assert bank is not None and bank.name == "南方城商行"
    assert (bank.roles, bank.licences) == ((Role.BANK, Role.CUSTODIAN), (Licence.LENDING,))
    assert read.validators == (bank,)
    assert read.member("nobody") is None


SUPPLIER = {"id": "s", "name": "S", "roles": ["supplier"]}


def test_a_supplier_and_nothing_else_is_enrolled() -> None:
    both = {"id": "b", "name": "B", "roles": ["supplier", "core"]}
    read = consortium.read({**DATA, "member": [SUPPLIER, *DATA["member"], both]})
    assert [member.id for member in read.enrolled] == ["s"]
    assert [member.id for member in read.admitted] == ["bank-a", "platform-p", "b"]
    assert read.enroller is not None and read.enroller.id == "platform-p"


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"licences": ["lending"]}, "member[3].licences"),
        ({"validator": True}, "member[3].validator"),
    ],
)
def test_an_enrolled_supplier_has_neither_licence_nor_seal(
    change: dict[str, Any], column: str
) -> None:
    assert _columns({**DATA, "member": [*DATA["member"], SUPPLIER | change]}) == [column]


def test_somebody_enrols_the_suppliers() -> None:
    auditor = {"id": "u", "name": "U", "roles": ["auditor"], "validator": True}
    consortium.read({**DATA, "member": [auditor]})
    assert _columns({**DATA, "member": [auditor, SUPPLIER]}) == ["member"]


def test_settings_of_the_chain_have_defaults() -> None:
    read = consortium.read(DATA)
    assert (read.genesis_at, read.clock, read.epoch) == (None, Clock.SYSTEM, 30_000)


def test_consortium_comes_back_from_its_own_dump() -> None:
    read = consortium.read({**DATA, "genesis_time": "2025-10-01T00:00:00Z"})
    assert Consortium.model_validate(read.model_dump()) == read
    assert Consortium.model_validate_json(read.model_dump_json()) == read


@pytest.mark.parametrize(
    ("moment", "unix"),
    [("2025-10-01T00:00:00Z", 1_759_276_800), ("1970-01-01T00:00:10+00:00", 10)],
)
def test_genesis_time_in_quotes_is_read_too(moment: str, unix: int) -> None:
    assert consortium.read({**DATA, "genesis_time": moment}).genesis_at == unix


@pytest.mark.parametrize(
    "moment", ["2025-10-01T00:00:00", "2025-10-01T00:00:00+08:00", "today", "", True]
)
def test_genesis_time_that_is_not_utc_is_refused(moment: object) -> None:
    assert _columns({**DATA, "genesis_time": moment}) == ["genesis_time"]


@pytest.mark.parametrize(
    ("change", "columns"),
    [
        ({"x": 1}, ["x"]),
        ({"chain_id": 0}, ["chain_id"]),
        ({"chain_id": True}, ["chain_id"]),
        ({"chain_id": "1"}, ["chain_id"]),
        ({"chain_id": 2**53}, ["chain_id"]),
        ({"clock": "atomic"}, ["clock"]),
        ({"epoch": 1}, ["epoch"]),
        ({"member": []}, ["member"]),
        ({"name": ""}, ["name"]),
        ({"name": 1, "epoch": "x"}, ["name", "epoch"]),
    ],
)
def test_setting_that_cannot_be_used_is_named(change: dict[str, Any], columns: list[str]) -> None:
    assert _columns({**DATA, **change}) == columns


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ({"id": "Bank-A"}, "member[2].id"),
        ({"id": "bank_a"}, "member[2].id"),
        ({"id": "-bank"}, "member[2].id"),
        ({"id": ""}, "member[2].id"),
        ({"id": "a" * 32}, "member[2].id"),
        ({"id": "银行"}, "member[2].id"),
        ({"id": "funders"}, "member[2].id"),
        ({"id": "bank-a"}, "member[2].id"),
        ({"roles": ["lender"]}, "member[2].roles[1]"),
        ({"licences": ["banking"]}, "member[2].licences[1]"),
        ({"validator": 1}, "member[2].validator"),
        ({"role": "bank"}, "member[2].role"),
    ],
)
def test_member_that_cannot_be_used_is_named(change: dict[str, Any], column: str) -> None:
    data = deepcopy(DATA)
    data["member"][1].update(change)
    assert _columns(data) == [column]


def test_longest_id_is_31_bytes() -> None:
    data = deepcopy(DATA)
    data["member"][1]["id"] = "a" * 31
    assert consortium.read(data).members[1].id == "a" * 31


def test_consortium_without_validator_is_refused() -> None:
    data = deepcopy(DATA)
    data["member"][0]["validator"] = False
    assert _columns(data) == ["member"]


def test_problem_in_a_file_has_its_line(tmp_path: Path) -> None:
    file = tmp_path / "consortium.toml"
    file.write_text(TOML.replace('"auditor-u"', '"Auditor U"'), encoding="utf-8")
    with pytest.raises(ConsortiumInvalid) as refused:
        consortium.load(file)
    (problem,) = refused.value.problems
    assert (problem.file, problem.line, problem.column) == (str(file), 14, "member[2].id")


def test_file_that_is_no_toml_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "consortium.toml"
    for content in (b"name = ", b"a = 1\nname = '\xff'", None):
        file.unlink(missing_ok=True)
        if content is not None:
            file.write_bytes(content)
        with pytest.raises(ConsortiumInvalid) as refused:
            consortium.load(file)
        assert refused.value.problems[0].file == str(file)
        assert refused.value.problems[0].line == (2 if content and b"\xff" in content else 0)
