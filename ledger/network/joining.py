"""Joining: a ledger's folder goes on with the chain of a network that took over its history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ledger.chain.engine import Head
from ledger.errors import ChainUnusable
from ledger.founding import keep_settings, read_settings
from ledger.ledger import Ledger
from ledger.messages import text


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """How far the folder and the network are."""

    url: str
    at_block: int
    """The last block that the folder knew."""
    head: Head
    """Of the network."""


def join(
    directory: Path, url: str, *, token_file: Path | None = None, dry_run: bool = False
) -> Joined:
    """Use the node at `url` from now on, in every command on this folder.

    Nothing is sealed in the folder any more; its chain stays there as it was. A folder that is on
    a network already changes the node. Raises `ChainUnusable` where the node's chain does not hold
    the last block of the folder.
    """
    settings = read_settings(directory)
    with Ledger.open(directory, rpc_url=url, token_file=token_file) as network:
        if settings.rpc_url is None:
            at_block = _expect_history(directory, network)
        else:
            # Which says by itself where the chain is another, or behind.
            at_block = network.book().at[0]
        head = network.engine.head()
    if not dry_run:
        keep_settings(directory, replace(settings, rpc_url=url, imported=False))
    return Joined(url=url, at_block=at_block, head=head)


def _expect_history(directory: Path, network: Ledger) -> int:
    with Ledger.open(directory) as local:
        ours = local.engine.head()
    there = network.engine.head_at(ours.number)
    if there is None or there.block_hash != ours.block_hash:
        raise ChainUnusable(
            text("network.history_missing"),
            where=str(network.settings.rpc_url),
            expected=text("network.block", block=ours.number, hash=f"0x{ours.block_hash.hex()}"),
            found="-" if there is None else f"0x{there.block_hash.hex()}",
            fix=text("network.history_missing_fix"),
        )
    return ours.number
