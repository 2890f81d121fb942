"""`pledger demo`: a whole partnership in one go, through the same SDK calls as every command."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from shutil import copyfile
from typing import Any

import click

from ledger import reading
from ledger.cli.balances import balances
from ledger.cli.command import Asked, Output, command
from ledger.cli.render import amount, progress, table
from ledger.entries import entry_id
from ledger.errors import EntryRejected, UsageInvalid
from ledger.messages import text

DEAL = "joint-2026-01"
FILES = (
    ("loans.csv", "loans", "platform-p"),
    ("repayments.csv", "repayments", "platform-p"),
    ("overdue.csv", "overdue", "platform-p"),
    ("waivers.csv", "waivers", "bank-a"),
    ("write_offs.csv", "write-offs", "bank-a"),
)
REFUSED = "refused.csv"
SHOWN_REF = "HK-0001-01"


@command(None, "demo")
@click.argument(
    "directory", type=click.Path(path_type=Path), default="pledger-demo", metavar="[DIR]"
)
def demo(asked: Asked, directory: Path) -> Output:
    """Play a partnership through."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageInvalid(
            text("ledger.folder_taken"), where=str(directory), fix=text("ledger.folder_taken_fix")
        )
    files = directory / "files"
    files.mkdir(parents=True)
    for source in sorted(resources.files("ledger").joinpath("examples/demo").iterdir(), key=str):
        with resources.as_file(source) as path:
            copyfile(path, files / source.name)
    story = _Story(files, directory / "ledger", quiet=asked.json)
    return story.tell(directory / "export")


class _Story:
    """The steps, each said as it happens."""

    def __init__(self, files: Path, folder: Path, *, quiet: bool) -> None:
        self._files = files
        self._folder = folder
        self._quiet = quiet
        self._submitted: list[dict[str, Any]] = []

    def tell(self, export: Path) -> Output:
        from ledger.chain.export import export_chain
        from ledger.chain.local import LocalEngine
        from ledger.ledger import Ledger

        self._say(text("cli.demo_title"))
        self._found()
        with Ledger.open(self._folder) as ledger:
            self._agree(ledger)
            for name, layout, by in FILES:
                done = self._submit(ledger, name, layout, by)
                self._say(
                    text(
                        "cli.demo_submitted",
                        file=name,
                        posted=done.posted,
                        transactions=done.transactions,
                        block=done.head_block,
                    )
                )
            self._divided(ledger)
            self._refused(ledger)
            again = self._submit(ledger, "repayments.csv", "repayments", "platform-p")
            self._say(text("cli.demo_again", posted=again.posted, already=again.already_posted))
            both = _balances(self._folder)
            self._say(text("cli.demo_balances"), both.text)
            assert isinstance(ledger.engine, LocalEngine)
            export_chain(ledger.engine, export)
        report = self._audited(export)
        document = {
            "directory": str(self._folder.parent),
            "ledger": str(self._folder),
            "export": str(export),
            "deal": DEAL,
            "submitted": self._submitted,
            "balances": both.document,
            "replay": report,
        }
        return Output(
            document=document,
            text=self._next(),
            exit_code=0 if report["ok"] and both.document["in_balance"] else 1,
        )

    def _found(self) -> None:
        from ledger import consortium, founding

        members = consortium.load(self._files / "consortium.toml")
        founding.found(self._folder, members, dev=True)
        click.echo(text("cli.init_dev_warning"), err=True)
        self._say(
            text(
                "cli.demo_found",
                members=", ".join(f"{member.id} {member.name}" for member in members.members),
                validators=len(members.validators),
            )
        )

    def _agree(self, ledger: Any) -> None:
        from ledger import terms

        ledger.propose(terms.load(self._files / "deal.toml"), by="platform-p")
        for party in ("platform-p", "bank-a"):
            ledger.sign(DEAL, by=party)
        self._say(text("cli.demo_signed", deal=DEAL, proposer="platform-p"))

    def _audited(self, export: Path) -> dict[str, Any]:
        from ledger.replay import replay

        with progress(text("cli.replaying")) as show:
            report = replay(export, recompile=False, progress=show).document()
        self._say(text("cli.demo_replayed", directory=export))
        self._say(
            text(
                "cli.replay_ok" if report["ok"] else "cli.replay_failed",
                blocks=report["blocks"],
                transactions=report["transactions"],
                head=report["head_hash"],
            )
        )
        return report

    def _submit(self, ledger: Any, name: str, layout: str, by: str) -> Any:
        from ledger import files
        from ledger.cli.submitting import submitted_output

        read = files.read(self._files / name, files.LAYOUTS[layout], decimals=2)
        with progress(name) as show:
            done = ledger.submit(
                read.rows, deal=DEAL, by=by, lines=read.lines, file=name, progress=show
            )
        self._submitted.append(submitted_output(done).document)
        return done

    def _divided(self, ledger: Any) -> None:
        book = ledger.book()
        found = ledger.deal(DEAL)
        posted = reading.entry(book, found.deal, entry_id(ledger.salt(DEAL), SHOWN_REF))
        assert posted is not None, SHOWN_REF
        names = {member.number: member.member_id for member in reading.members(book)}
        parties = reading.versions(book, found.deal)[-1].terms.parties
        rows = [
            (names[party], *(amount(part, 2) for part in leg))
            for party, leg in zip(parties, posted.legs, strict=False)
        ]
        rows.append((SHOWN_REF, *(amount(part, 2) for part in posted.amounts)))
        self._say(text("cli.demo_divided"), table(text("cli.demo_party_columns").split("|"), rows))

    def _refused(self, ledger: Any) -> None:
        self._say(text("cli.demo_refused"))
        try:
            self._submit(ledger, REFUSED, "repayments", "platform-p")
        except EntryRejected as error:
            self._say(str(error))
        else:
            raise AssertionError("the refused file of the demo was taken")

    def _next(self) -> str:
        at = f"--ledger {self._folder}"
        tries = (
            f"pledger loan show JD-0001 --deal {DEAL} {at}",
            f"pledger deal show {DEAL} {at}",
            f"pledger replay {self._folder.parent / 'export'}",
        )
        return "\n".join(
            [text("cli.demo_next", ledger=self._folder), *(f"  {one}" for one in tries)]
        )

    def _say(self, *parts: Any) -> None:
        if not self._quiet:
            for part in parts:
                click.echo(part() if callable(part) else part)


def _balances(folder: Path) -> Output:
    """The output of `pledger balances`, as a user gets it."""
    callback: Any = balances.callback
    with click.Context(balances, obj=Asked(ledger=folder)):
        output: Output = callback(deal=DEAL)
    return output
