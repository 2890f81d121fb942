"""`pledger validator`: who seals blocks, and votes about it."""

from __future__ import annotations

from typing import Any

import click

from ledger import reading
from ledger.cli.command import Asked, Output, command, group
from ledger.cli.render import address, table
from ledger.errors import ChainUnusable, UsageInvalid
from ledger.keys import KeyUse
from ledger.messages import text

validator = group("validator")


@command(validator, "list")
def list_validators(asked: Asked) -> Output:
    """Who seals, and the open votes."""
    with asked.open() as ledger:
        snapshot = _local(ledger).snapshot()
        names = _names(ledger)
        document = {
            "validators": [
                {"member": names.get(signer), "address": address(signer)}
                for signer in snapshot.signers
            ],
            "votes": [
                {
                    "by": names.get(vote.signer),
                    "about": names.get(vote.candidate) or address(vote.candidate),
                    "add": vote.add,
                }
                for vote in snapshot.votes
            ],
        }
    rows = [(one["member"] or "", one["address"]) for one in document["validators"]]
    votes = [
        text("cli.validator_open_vote", by=vote["by"], about=vote["about"], what=_what(vote["add"]))
        for vote in document["votes"]
    ]
    columns = text("cli.validator_columns").split("|")
    return Output(document=document, text=lambda: "\n".join([table(columns, rows), *votes]))


@command(validator, "vote", writes=True)
@click.argument("what", type=click.Choice(["add", "drop"]))
@click.argument("member_id", metavar="MEMBER")
def vote(asked: Asked, what: str, member_id: str) -> Output:
    """Vote with the blocks that the acting member seals from now on."""
    by = asked.acting()
    with asked.open() as ledger:
        ledger.expect_own()
        engine = _local(ledger)
        candidate = ledger.member(member_id).validator
        if not any(candidate):
            raise UsageInvalid(text("cli.validator_no_key"), found=member_id)
        signer = ledger.keyring.address(by, KeyUse.VALIDATOR)
        if not asked.dry_run:
            engine.vote(signer=signer, candidate=candidate, add=what == "add")
    line = text("cli.validator_voted", by=by, about=member_id, what=_what(what == "add"))
    return Output(document={"by": by, "about": member_id, "add": what == "add"}, text=line)


def _local(ledger: Any) -> Any:
    if not ledger.engine.atomic:
        raise ChainUnusable(text("cli.validator_rpc"), where=str(ledger.settings.rpc_url))
    return ledger.engine


def _names(ledger: Any) -> dict[bytes, str]:
    return {member.validator: member.member_id for member in reading.members(ledger.book())}


def _what(add: bool) -> str:
    return text("cli.validator_add" if add else "cli.validator_drop")
