"""Faults: what can be wrong with a call, in the order in which the contract must name it.

A fault is the reason and the arguments that bring it about. `alone` gives each fault by itself;
`with_all_later` gives it together with every later fault that sets other arguments, so that only
the right order of checks passes.
"""

from __future__ import annotations

from typing import Any

Fault = tuple[str, dict[str, Any]]


def alone(faults: list[Fault]) -> list[Fault]:
    """Each fault by itself."""
    return faults


def with_all_later(faults: list[Fault]) -> list[Fault]:
    """Each fault together with the later ones that do not overwrite one another."""
    found = []
    for position, (reason, arguments) in enumerate(faults):
        together = dict(arguments)
        for _, later in faults[position + 1 :]:
            if not later.keys() & together.keys():
                together |= later
        found.append((reason, together))
    return found
