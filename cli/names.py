"""Names: deals, members, reports, charts and topics as arguments, completed by the Tab key.

Deals and members are read off the ledger's folder without opening it, so that Tab answers at once
and needs no passphrase.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    _Name = click.ParamType[str]
else:
    _Name = click.ParamType


class DealName(_Name):
    """A deal; completed from the deals whose documents are in the folder."""

    name = "text"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Deals whose names begin like this."""
        folders = (_home(ctx) / "deals").glob("*")
        return _beginning((path.name for path in folders if path.is_dir()), incomplete)


class MemberName(_Name):
    """A member; completed from the maker keys in the folder, since only they can act here."""

    name = "text"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Members whose ids begin like this."""
        ending = "-maker.json"
        keystores = (_home(ctx) / "keys").glob(f"*{ending}")
        return _beginning((path.name.removesuffix(ending) for path in keystores), incomplete)


DEAL, MEMBER = DealName(), MemberName()
BY_METAVAR: dict[str, _Name] = {"DEAL": DEAL} | dict.fromkeys(
    ("MEMBER", "BANK", "PARTY", "CORE"), MEMBER
)
Completing = Callable[[click.Context, click.Parameter, str], "list[CompletionItem]"]


def one_of(known: Callable[[], Iterable[str]]) -> Completing:
    """Completes a word from those that are known, which are only asked for then."""
    return lambda ctx, param, incomplete: _beginning(known(), incomplete)


def _home(ctx: click.Context) -> Path:
    from ledger.cli.command import Asked

    return ctx.ensure_object(Asked).directory


def _beginning(names: Iterable[str], incomplete: str) -> list[CompletionItem]:
    from click.shell_completion import CompletionItem

    return [CompletionItem(name) for name in sorted(names) if name.startswith(incomplete)]
