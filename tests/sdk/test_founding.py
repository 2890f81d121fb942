"""Founding: a folder becomes a ledger, all of it or nothing that opens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from eth_hash.auto import keccak

from ledger import consortium, founding, reading
from ledger.bindings import CONTRACTS, decode_output, encode_call
from ledger.consortium import Licence, Role
from ledger.errors import ChainUnusable, LedgerMissing, UsageInvalid
from ledger.founding import (
    bits,
    check_folder,
    contract_address,
    found,
    named,
    read_settings,
)
from ledger.keys import KeyUse
from ledger.ledger import Ledger
from ledger.wiring import WIRING

MEMBERS: dict[str, Any] = {
    "name": "delta-credit",
    "chain_id": 20251001,
    "genesis_time": "2026-01-05T01:00:00Z",
    "clock": "stepped",
    "member": [
        {
            "id": "bank-a",
            "name": "南方城商行",
            "roles": ["bank"],
            "licences": ["lending"],
            "validator": True,
        },
        {"id": "platform-p", "name": "P", "roles": ["platform"]},
    ],
}
CONSORTIUM = consortium.read(MEMBERS)


@pytest.fixture(scope="module")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("founded") / "ledger"
    found(folder, CONSORTIUM, dev=True)
    return folder


def test_founded_ledger_has_its_members_and_contracts(founded: Path) -> None:
    with Ledger.open(founded) as ledger:
        bank, platform = reading.members(ledger.book())
        for name, at in ledger.settings.contracts.items():
            assert ledger.engine.code(at), name
    assert (bank.number, bank.member_id, bank.name) == (1, "bank-a", "南方城商行")
    assert (named(list(Role), bank.roles), named(list(Licence), bank.licences)) == (
        ["bank"], ["lending"],
    )  # fmt: skip
    assert any(bank.validator) and not any(platform.validator)
    assert len({bank.maker, bank.checker, platform.maker, platform.checker}) == 4


def test_contracts_are_told_of_one_another(founded: Path) -> None:
    """The wiring as each contract shows it: what a wrong address would break."""
    with Ledger.open(founded) as ledger:
        contracts = ledger.settings.contracts

        def flag(contract: str, function: str, of: str) -> bool:
            data = encode_call(contract, function, "0x" + contracts[of].hex())
            output = ledger.engine.call(to=contracts[contract], data=data)
            return bool(decode_output(contract, function, output))

        posters = {name for name in contracts if flag("Journal", "is_poster", name)}
        confirming = {name for name in contracts if flag("Members", "is_contract_of_ledger", name)}
        for name, others in WIRING.items():
            words = b"".join(contracts[other].rjust(32, b"\0") for other in others)
            assert ledger.engine.code(contracts[name]).endswith(words), name
    assert posters == {
        "Financing", "Guarantees", "Loans", "Payments", "Servicing", "Settlements", "Vouchers",
    }  # fmt: skip
    assert confirming == set(contracts) - {"Accruals", "Loans", "Members", "Payments"}
    assert list(contracts) == list(CONTRACTS) and set(WIRING) == set(CONTRACTS)


CHAIN_OF_SUPPLY = consortium.read(
    MEMBERS
    | {
        "member": [
            {"id": "supplier-first", "name": "供应商", "roles": ["supplier"]},
            *({"id": f"core-{i}", "name": f"核心{i}", "roles": ["core"]} for i in range(5)),
            *({"id": f"bank-{i}", "name": "B", "roles": ["bank"], "validator": True} for i in range(3)),
            {"id": "platform-p", "name": "P", "roles": ["platform"]},
            {"id": "both", "name": "Both", "roles": ["core", "supplier"]},
            *({"id": f"s-{i}", "name": f"S {i}", "roles": ["supplier"]} for i in range(100)),
        ]
    }
)


def test_suppliers_are_enrolled_after_the_others_are_admitted(tmp_path: Path) -> None:
    home = tmp_path / "ledger"
    found(home, CHAIN_OF_SUPPLY, dev=True)
    with Ledger.open(home) as ledger:
        members = reading.members(ledger.book())
        head = ledger.engine.head().number
        receipts = list(ledger.engine.receipts(1, head))
    assert [one.number for one in members] == list(range(1, 112))
    admitted, enrolled = members[:10], members[10:]
    assert [one.member_id for one in admitted] == [one.id for one in CHAIN_OF_SUPPLY.admitted]
    assert [one.member_id for one in enrolled] == [one.id for one in CHAIN_OF_SUPPLY.enrolled]
    assert not any(one.is_enrolled for one in admitted)
    for one in enrolled:
        assert one.is_enrolled and one.roles == 16
        assert (one.licences, one.validator, one.checker) == (0, bytes(20), bytes(20))
    assert len({one.maker for one in members}) == 111
    # Three transactions enrol 101, by the platform.
    platform = next(one for one in members if one.member_id == "platform-p")
    assert len(receipts) == len(CONTRACTS) + 3
    keys = home / "keys"
    assert {path.name for path in keys.glob("s-7-*")} == {"s-7-maker.json"}
    assert {path.name for path in keys.glob("both-*")} == {"both-maker.json", "both-checker.json"}
    with Ledger.open(home) as ledger:
        assert ledger.keyring.address("s-7", KeyUse.MAKER) == ledger.member("s-7").maker
        assert ledger.engine.nonce(platform.maker) == 3


@pytest.mark.parametrize(
    ("roles", "enroller"),
    [
        (("bank", "core", "platform", "platform"), 2),
        (("bank", "core", "core"), 1),
        (("auditor", "bank", "bank"), 1),
    ],
)
def test_a_platform_enrols_or_else_a_core_enterprise_or_else_a_bank(
    tmp_path: Path, roles: tuple[str, ...], enroller: int
) -> None:
    members = [
        {"id": f"m-{i}", "name": "M", "roles": [role], "validator": True}
        for i, role in enumerate(roles)
    ]
    supplier = {"id": "s", "name": "S", "roles": ["supplier"]}
    found(tmp_path / "l", consortium.read(MEMBERS | {"member": [supplier, *members]}), dev=True)
    with Ledger.open(tmp_path / "l") as ledger:
        nonces = [ledger.engine.nonce(ledger.member(f"m-{i}").maker) for i in range(len(roles))]
    assert nonces == [int(i == enroller) for i in range(len(roles))]


def test_settings_come_back_from_their_file(founded: Path) -> None:
    settings = read_settings(founded)
    assert (settings.name, settings.chain_id, settings.dev) == ("delta-credit", 20251001, True)
    assert settings.rpc_url is None
    assert json.loads(settings.encode()) == json.loads((founded / "ledger.json").read_text("utf-8"))


def test_dev_ledgers_of_one_consortium_are_the_same(founded: Path, tmp_path: Path) -> None:
    other = found(tmp_path / "other", CONSORTIUM, dev=True)
    assert other == read_settings(founded)
    with Ledger.open(tmp_path / "other") as first, Ledger.open(founded) as second:
        assert first.engine.head() == second.engine.head()


def test_real_keys_come_from_the_randomness_given(tmp_path: Path) -> None:
    drawn = []

    def randomness(count: int) -> bytes:
        drawn.append(count)
        return keccak(str(len(drawn)).encode())

    # Two keys of each member, one validator, one operator.
    found(tmp_path / "ledger", CONSORTIUM, passphrases=lambda *_: "", randomness=randomness)
    assert drawn == [32] * 6


def test_genesis_time_is_the_consortiums_or_the_one_given(founded: Path, tmp_path: Path) -> None:
    without = consortium.read(
        {key: value for key, value in MEMBERS.items() if key != "genesis_time"}
    )
    found(tmp_path / "ledger", without, dev=True, now=1_600_000_000)
    with Ledger.open(tmp_path / "ledger") as ledger:
        assert ledger.engine.head().timestamp == 1_600_000_001
    with Ledger.open(founded) as ledger:
        assert ledger.engine.head().timestamp == CONSORTIUM.genesis_at + 1  # type: ignore[operator]


def test_folder_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    for place in (tmp_path, tmp_path / "mine"):
        with pytest.raises(UsageInvalid):
            found(place, CONSORTIUM, dev=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    check_folder(tmp_path / "new")


def test_passphrase_that_is_missing_leaves_nothing(tmp_path: Path) -> None:
    def passphrases(member: str, use: KeyUse) -> str:
        if (member, use) == ("platform-p", KeyUse.CHECKER):
            raise UsageInvalid("none")
        return "word"

    with pytest.raises(UsageInvalid):
        found(tmp_path / "ledger", CONSORTIUM, passphrases=passphrases)
    assert not (tmp_path / "ledger").exists()


def test_folder_without_settings_is_no_ledger(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "none"):
        with pytest.raises(LedgerMissing):
            read_settings(place)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"format": 2}'])
def test_settings_that_cannot_be_read_are_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "ledger.json").write_text(content)
    with pytest.raises(ChainUnusable) as refused:
        read_settings(tmp_path)
    assert refused.value.where == str(tmp_path / "ledger.json")


def test_operator_can_do_nothing_once_members_is_there(founded: Path) -> None:
    from ledger.errors import SenderRefused
    from ledger.keys import sign_transaction

    secret = founding._dev_secrets(CONSORTIUM)("", KeyUse.MAKER)
    from eth_keys.datatypes import PrivateKey

    with Ledger.open(founded) as ledger:
        raw = sign_transaction(
            PrivateKey(secret),
            chain_id=20251001,
            nonce=len(CONTRACTS),
            to=b"",
            data=b"\x00",
            gas=100_000,
        )
        with ledger.engine.submission(dry_run=True) as submission, pytest.raises(SenderRefused):
            submission.send(raw)


def test_contract_address_is_the_evms() -> None:
    # The example of EIP-1014's predecessor, as every client computes it.
    sender = bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0")
    assert [contract_address(sender, nonce).hex() for nonce in (0, 1)] == [
        "cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d",
        "343c43a37d37dff08ae8c4a11544c718abb4fcf8",
    ]


@pytest.mark.parametrize("chosen", [(), (Role.BANK,), (Role.AUDITOR, Role.PLATFORM), tuple(Role)])
def test_bits_and_names_are_inverse(chosen: tuple[Role, ...]) -> None:
    order = list(Role)
    assert named(order, bits(order, chosen)) == [role.value for role in order if role in chosen]
