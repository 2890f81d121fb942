"""Refusal: what the model raises where the contracts must refuse."""

from __future__ import annotations


class Refusal(Exception):
    """The contracts must refuse, for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def demand(condition: bool, reason: str) -> None:
    """Refuse unless a condition holds."""
    if not condition:
        raise Refusal(reason)
