"""Root: the command `pledger` and its nouns, each loaded when it is used."""

from __future__ import annotations

from importlib import import_module

import click

from ledger.cli.command import shared_options
from ledger.messages import text

_NOUNS = {
    "init": "setup",
    "connect": "connect",
    "approve": "approvals",
    "member": "members",
    "list": "lists:partner_list",
    "figure": "figures",
    "deal": "deals",
    "loan": "loans",
    "repayment": "entries",
    "overdue": "entries",
    "deposit": "deposits",
    "claim": "claims",
    "recovery": "claims",
    "waiver": "entries",
    "write-off": "entries",
    "entry": "entries",
    "voucher": "voucher_views:voucher",
    "pool": "pools",
    "balances": "balances",
    "book": "books:book",
    "reconcile": "reconcile",
    "break": "breaks:breaks",
    "position": "position",
    "settle": "settlements",
    "period": "periods",
    "seal": "days",
    "day": "days",
    "export": "chain",
    "import": "chain:import_",
    "replay": "chain",
    "proof": "proofs",
    "checkpoint": "checkpoints",
    "check": "check",
    "report": "charts:report",
    "audit": "audit",
    "validator": "validators",
    "network": "network",
    "node": "nodes:node",
    "console": "console",
    "simulate": "simulate",
    "demo": "demo",
    "help": "help:help_",
    "completion": "completion",
}
"""Noun to the module of this package that has it, under its own name or the one after the colon."""


class Nouns(click.Group):
    """A group whose members are imported on use, so that `--help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All nouns, in the order of a partnership's life."""
        return list(_NOUNS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of nouns, without importing any."""
        with formatter.section(text("cli.commands")):
            formatter.write_dl(
                [(name, text(f"cli.{name.replace('-', '_')}")) for name in self.list_commands(ctx)]
            )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None."""
        if cmd_name not in _NOUNS:
            return None
        module, _, own = _NOUNS[cmd_name].partition(":")
        home = import_module(f"ledger.cli.{module}")
        command: click.Command = getattr(home, own or cmd_name.replace("-", "_"))
        return command


@click.group(cls=Nouns, help=text("cli.pledger"))
@click.version_option(package_name="partnership-ledger", prog_name="pledger")
def pledger() -> None:
    """Nothing of its own."""


shared_options(pledger)
