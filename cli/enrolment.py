"""`pledger member enrol`: the suppliers of a file become members."""

from __future__ import annotations

from pathlib import Path

import click

from ledger.cli.command import Asked, Output, command
from ledger.cli.submitting import submitted_output, unread_output
from ledger.errors import EntryRejected, FileInvalid
from ledger.messages import text


def enrol_command(noun: click.Group) -> None:
    """Add the enrolment to the noun of members."""

    @command(noun, "enrol", writes=True)
    @click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
    @click.option("--allow-extra", is_flag=True, help=text("cli.opt_allow_extra"))
    def enrol(asked: Asked, file: Path, allow_extra: bool) -> Output:
        """Enrol suppliers."""
        from ledger import enrolling, files
        from ledger.posting import Submitted

        by = asked.acting()
        with asked.open() as ledger:
            ledger.expect_own()
            try:
                read = files.read(file, enrolling.SUPPLIERS, decimals=0, allow_extra=allow_extra)
                done = enrolling.enrol(
                    ledger, read.rows, by=by, lines=read.lines, file=str(file),
                    passphrases=asked.new_passphrase, dry_run=asked.dry_run,
                )  # fmt: skip
            except FileInvalid as error:
                return unread_output(error, str(file), ledger)
            except EntryRejected as error:
                click.echo(str(error), err=True)
                assert isinstance(error.submitted, Submitted)
                return submitted_output(error.submitted, exit_code=error.exit_code)
        return submitted_output(done, dry_run=asked.dry_run)
