"""`pledger member admit`, `expel` and `replace-checker`: each call is one checker's vote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.command import Asked, Output, command
from ledger.cli.render import address
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.membership import Vote


def vote_commands(noun: click.Group) -> None:
    """Add the votes to the noun of members."""

    @command(noun, "admit", writes=True)
    @click.argument("file", type=click.Path(path_type=Path), metavar="FILE")
    def admit(asked: Asked, file: Path) -> Output:
        """Vote to admit a member."""
        from ledger import membership

        by = asked.acting()
        with asked.open() as ledger:
            newcomer = membership.load_newcomer(file)
            vote = membership.admit(
                ledger,
                newcomer,
                by=by,
                passphrases=asked.new_passphrase,
                dry_run=asked.dry_run,
            )
        return _output(vote, "admit", newcomer.id)

    @command(noun, "expel", writes=True)
    @click.argument("member_id", metavar="MEMBER")
    def expel(asked: Asked, member_id: str) -> Output:
        """Vote to expel a member."""
        from ledger import membership

        by = asked.acting()
        with asked.open() as ledger:
            vote = membership.expel(ledger, member_id, by=by, dry_run=asked.dry_run)
        return _output(vote, "expel", member_id)

    @command(noun, "replace-checker", writes=True)
    @click.argument("member_id", metavar="MEMBER")
    @click.option("--address", "given", metavar="ADDRESS", help=text("cli.opt_checker_address"))
    def replace_checker(asked: Asked, member_id: str, given: str | None) -> Output:
        """Vote for a new checker key of a member."""
        from ledger import membership

        by = asked.acting()
        with asked.open() as ledger:
            vote = membership.replace_checker(
                ledger,
                member_id,
                by=by,
                address=None if given is None else membership.parse_address(given),
                passphrases=asked.new_passphrase,
                dry_run=asked.dry_run,
            )
        return _output(vote, "replace-checker", member_id)


def _output(vote: Vote, what: str, about: str) -> Output:
    document: dict[str, Any] = {
        "motion": address(vote.motion) if vote.motion else None,
        "what": what,
        "about": about,
        "by": vote.by,
        "votes": vote.votes,
        "needed": vote.needed,
        "members": vote.members,
        "carried": vote.carried,
    }
    key = "cli.vote_carried" if vote.carried else "cli.vote_cast"
    line = text(
        key,
        by=vote.by,
        what=text(f"cli.vote_{what.replace('-', '_')}"),
        about=about,
        votes="-" if vote.votes is None else vote.votes,
        needed=vote.needed,
        members=vote.members,
    )
    return Output(document=document, text=line)
