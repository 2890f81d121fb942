"""Connecting: a member's folder for a ledger whose chain is behind a node.

The node tells which contracts are the ledger's, or the `ledger.json` of another member does. Keys,
salts and terms no node has: their owners put them into the folder.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ledger.bindings import CONTRACTS
from ledger.chain.engine import Head
from ledger.chain.rpc_access import CA_FILE, keep_token, read_access
from ledger.consortium import Clock
from ledger.errors import ChainUnusable, UsageInvalid
from ledger.founding import (
    CHAIN_FOLDER,
    SETTINGS_FILE,
    Settings,
    contract_address,
    keep_settings,
    read_settings_file,
)
from ledger.messages import text


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """What was found behind the node."""

    settings: Settings
    head: Head


def connect(
    directory: Path,
    url: str,
    *,
    token_file: Path | None = None,
    ca: Path | None = None,
    settings_file: Path | None = None,
    dry_run: bool = False,
) -> Connected:
    """Make the folder of a member, in a new one or in one with its keys, salts and terms.

    `settings_file`: a `ledger.json`, needed where the node is not `pledger node`. Token and
    certificates are copied into the folder. Raises `UsageInvalid` for a folder that is a ledger's
    already, `ChainUnusable` for a node of another chain or without these contracts.
    """
    from ledger.chain.rpc import RpcEngine

    for taken in (SETTINGS_FILE, CHAIN_FOLDER):
        if (directory / taken).exists():
            raise UsageInvalid(
                text("connect.folder_taken"),
                where=str(directory / taken),
                fix=text("ledger.folder_taken_fix"),
            )
    access = read_access(directory, url, token_file=token_file, ca=ca)
    engine = RpcEngine(access)
    try:
        if settings_file is not None:
            settings = replace(read_settings_file(settings_file), rpc_url=url, imported=False)
        else:
            settings = _told(engine.node.ours, url)
        _expect_ledger(engine, settings, url)
        head = engine.head()
    finally:
        engine.close()
    if not dry_run:
        directory.mkdir(parents=True, exist_ok=True)
        if token_file is not None:
            keep_token(directory, access.token)
        if ca is not None:
            shutil.copyfile(ca, directory / CA_FILE)
        keep_settings(directory, replace(settings, rpc_ca=None))
    return Connected(settings=settings, head=head)


def _told(told: dict[str, Any] | None, url: str) -> Settings:
    """Settings out of what a node of ours says of its ledger."""
    if told is None:
        raise UsageInvalid(text("connect.not_told"), where=url, fix=text("connect.not_told_fix"))
    try:
        return Settings(
            name=str(told["name"]),
            chain_id=int(told["chain_id"]),
            dev=False,
            clock=Clock(told["clock"]),
            rpc_url=url,
            operator=_address(told["operator"]),
            contracts={name: _address(told["contracts"][name]) for name in CONTRACTS},
            validators={str(name): _address(at) for name, at in told["validators"].items()},
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ChainUnusable(
            text("chain.node_failed"), where=url, found=f"pledger_ledger: {error}"
        ) from None


def _expect_ledger(engine: Any, settings: Settings, url: str) -> None:
    if engine.chain_id != settings.chain_id:
        raise ChainUnusable(
            text("chain.wrong_chain"),
            where=url,
            expected=f"chain_id {settings.chain_id}",
            found=f"{engine.chain_id}",
        )
    for nonce, name in enumerate(CONTRACTS):
        expected, found = contract_address(settings.operator, nonce), settings.contracts.get(name)
        if found != expected or not engine.code(expected):
            raise ChainUnusable(
                text("connect.contract_missing", name=name),
                where=url,
                expected=f"0x{expected.hex()}",
                found=f"0x{found.hex()}" if found and found != expected else "-",
            )


def _address(value: str) -> bytes:
    address = bytes.fromhex(value.removeprefix("0x"))
    if len(address) != 20:
        raise ValueError(value)
    return address
