"""`pledger book export`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ledger.cli.command import Asked, Output, command, group
from ledger.cli.render import progress
from ledger.messages import text

book = group("book")


@command(book, "export")
@click.option(
    "--format",
    "form",
    required=True,
    type=click.Choice(("beancount", "sqlite", "parquet")),
    help=text("cli.opt_book_format"),
)
@click.option(
    "-o", "--output", "folder", required=True, metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False), help=text("cli.opt_book_output"),
)  # fmt: skip
@click.option("--deal", metavar="DEAL", help=text("cli.opt_book_deal"))
@click.option("--member", "party", metavar="MEMBER", help=text("cli.opt_book_member"))
def export(asked: Asked, form: str, folder: Path, deal: str | None, party: str | None) -> Output:
    """Write the book for other people's tools."""
    from ledger.exports import source, write

    with asked.open() as ledger, source(ledger, deal=deal, member=party) as found:
        with progress(text("exports.exporting")) as show:
            written = write(found, form, folder, progress=show)
        document: dict[str, Any] = {
            "format": form,
            "directory": str(folder),
            "files": list(written.files),
            "deals": [one.deal.name for one in found.deals],
            "member": party,
            "entries": written.entries,
            "as_of_block": found.head,
            "agrees": not written.differences,
            "differences": [
                {"deal": one.deal, "member": one.member, "account": one.account.value,
                 "entries_minor": one.entries_minor, "balance_minor": one.balance_minor}
                for one in written.differences
            ],
        }  # fmt: skip
    return Output(
        document=document,
        text=lambda: _written(document),
        exit_code=0 if document["agrees"] else 1,
    )


def _written(document: dict[str, Any]) -> str:
    lines = [
        text(
            "cli.book_exported",
            entries=document["entries"],
            block=document["as_of_block"],
            directory=document["directory"],
            files=len(document["files"]),
        ),
        text("cli.book_agrees" if document["agrees"] else "cli.book_differs"),
    ]
    return "\n".join(lines)
