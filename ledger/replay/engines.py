"""Engines: the implementations of the EVM that a replay may execute on."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from ledger.chain.genesis import Genesis
from ledger.errors import UsageInvalid
from ledger.messages import text
from ledger.replay.evm import Evm
from ledger.replay.pyevm import PyEvm
from ledger.replay.revm import Revm

ENGINES = ("pyevm", "revm")
_EVMS: dict[str, type[PyEvm] | type[Revm]] = {"pyevm": PyEvm, "revm": Revm}


def engines_of(asked: str | None) -> tuple[str, ...]:
    """The engines of a replay: the one asked for, else all that are installed.

    Raises `UsageInvalid` for one that is unknown or not installed.
    """
    if asked is None:
        return tuple(name for name in ENGINES if is_installed(name))
    if asked not in ENGINES:
        raise UsageInvalid(text("replay.engine_unknown"), expected=", ".join(ENGINES), found=asked)
    if not is_installed(asked):
        raise UsageInvalid(
            text("replay.engine_missing"), found=asked, fix=text("replay.engine_missing_fix")
        )
    return (asked,)


def is_installed(engine: str) -> bool:
    """Whether an engine can be used: pyrevm is not to be had for every Python and machine."""
    return engine != "revm" or find_spec("pyrevm") is not None


def open_evms(names: Sequence[str], genesis: Genesis) -> list[Evm]:
    """Each engine with an empty state."""
    return [_EVMS[name](genesis) for name in names]
