"""Command line: parse, one call of the SDK, render.

Exit codes: 0 done; 1 done and something was found; 2 usage or input error; 3 the contract refused;
4 the ledger cannot be used.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run `pledger`; leaves with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    _choose_language(given)
    from ledger.cli.root import pledger

    pledger.main(args=given, prog_name="pledger")


def _choose_language(arguments: list[str]) -> None:
    """Help texts are made when the commands are, so the language must be known before."""
    from ledger.messages import set_language

    chosen = os.environ.get("PLEDGER_LANG")
    for at, argument in enumerate(arguments):
        if argument == "--lang" and at + 1 < len(arguments):
            chosen = arguments[at + 1]
        elif argument.startswith("--lang="):
            chosen = argument.removeprefix("--lang=")
    set_language(chosen if chosen and chosen.lower()[:2] in ("en", "zh") else None)
