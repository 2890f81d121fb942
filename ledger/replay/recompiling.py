"""Recompiling: the shipped contracts are what their sources compile to.

The sources are in the artifacts, so that nothing but the compiler is needed. It is no dependency:
an auditor who wants this level installs it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from tempfile import TemporaryDirectory

from eth_hash.auto import keccak

from ledger.bindings import CONTRACTS, artifact
from ledger.messages import text
from ledger.replay.report import Findings, shown

_COMPILER = "vyper"
_OUTPUTS = ["bytecode", "bytecode_runtime"]
COMPILER_VARIABLE, NO_COMPILER = "PLEDGER_COMPILER", "none"
"""Set so, nothing is recompiled: it takes half a minute."""


def why_not_recompiled() -> str:
    """Why the contracts are not recompiled here; empty where they are."""
    if os.environ.get(COMPILER_VARIABLE) == NO_COMPILER:
        return text("replay.no_recompiling", variable=f"{COMPILER_VARIABLE}={NO_COMPILER}")
    needed = artifact(CONTRACTS[0]).compiler
    try:
        found = f"{_COMPILER} {version(_COMPILER)}"
    except PackageNotFoundError:
        return text("replay.no_compiler", needed=needed)
    return "" if found == needed else text("replay.other_compiler", needed=needed, found=found)


def check_recompiled(findings: Findings) -> None:
    """Compare creation and runtime code of every contract with those that its sources give."""
    for name in CONTRACTS:
        shipped = artifact(name)
        for what, told, found in zip(
            ("creation code", "runtime code"),
            (shipped.bytecode, shipped.runtime),
            recompiled(name),
            strict=True,
        ):
            findings.require(
                "recompiled", 0, told == found, f"{name}: {what} {_named(told)}", _named(found)
            )


@cache
def recompiled(name: str) -> tuple[bytes, bytes]:
    """Creation and runtime code of a contract from the sources in its artifact."""
    return compiled(name, artifact(name).sources)


def compiled(name: str, sources: Mapping[str, str]) -> tuple[bytes, bytes]:
    """Creation and runtime code of a contract from its sources, path to text."""
    from vyper.cli.vyper_compile import compile_files

    with TemporaryDirectory() as folder:
        for path, source in sources.items():
            file = Path(folder, path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(source, "utf-8")
        (made,) = compile_files(
            [str(Path(folder, f"{name}.vy"))], _OUTPUTS, paths=[folder]
        ).values()
    creation, runtime = (bytes.fromhex(made[output][2:]) for output in _OUTPUTS)
    return creation, runtime


def _named(code: bytes) -> str:
    return f"{shown(keccak(code))}, {len(code)} bytes"
