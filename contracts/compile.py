"""Compile the contracts into `ledger/artifacts`, which the package ships and users never rebuild.

python contracts/compile.py            write the artifacts
python contracts/compile.py --check    exit 1 if one differs from what its source compiles to
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import vyper
from vyper.cli.vyper_compile import compile_files

SOURCES = Path(__file__).parent
ARTIFACTS = SOURCES.parent / "ledger" / "artifacts"
DEPLOYABLE = (
    "Accruals",
    "Deals",
    "Exposures",
    "Financing",
    "Guarantees",
    "Journal",
    "Lists",
    "Loans",
    "Members",
    "Payments",
    "Pools",
    "Servicing",
    "Settlements",
    "Vouchers",
)
OUTPUTS = ["abi", "bytecode", "bytecode_runtime", "layout", "userdoc", "devdoc"]


def artifact(name: str) -> str:
    """The artifact of one contract as JSON text, the same from any folder."""
    (compiled,) = compile_files(
        [str(SOURCES / f"{name}.vy")], OUTPUTS, paths=[str(SOURCES)]
    ).values()
    document = {
        "contract": name,
        "compiler": f"vyper {vyper.__version__}",
        "evm_version": "london",
        "abi": compiled["abi"],
        "bytecode": compiled["bytecode"],
        "runtime": compiled["bytecode_runtime"],
        "storage_layout": compiled["layout"],
        "userdoc": compiled["userdoc"],
        "devdoc": compiled["devdoc"],
        "sources": sources(name),
    }
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def sources(name: str) -> dict[str, str]:
    """The contract's file and every module and interface, path to text: enough to recompile."""
    files = [SOURCES / f"{name}.vy", *SOURCES.glob("[a-z]*.vy"), *SOURCES.glob("interfaces/*.vyi")]
    return {str(path.relative_to(SOURCES)): path.read_text("utf-8") for path in sorted(files)}


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit code."""
    stale = []
    for name in DEPLOYABLE:
        path, text = ARTIFACTS / f"{name}.json", artifact(name)
        if "--check" not in arguments:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            stale.append(name)
    for name in stale:
        print(f"{name}: the artifact is not what contracts/{name}.vy compiles to", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
