"""Seals: who may seal, as Clique's own methods tell it. Of the newest block alone."""

from __future__ import annotations

from typing import Any

from ledger.chain.clique import sealer_of
from ledger.node.moment import Moment
from ledger.node.refusals import failed
from ledger.node.values import Arguments, as_data


def signers(moment: Moment, arguments: Arguments) -> list[str]:
    """`clique_getSigners`."""
    _expect_newest(moment, arguments)
    return [as_data(signer) for signer in moment.head.snapshot.signers]


def snapshot(moment: Moment, arguments: Arguments) -> dict[str, Any]:
    """`clique_getSnapshot`."""
    _expect_newest(moment, arguments)
    found, header = moment.head.snapshot, moment.head.header
    waiting = range(max(1, moment.number - found.majority + 1), moment.number + 1)
    recents = {str(number): as_data(sealer_of(moment.header(number))) for number in waiting}
    tally = {
        as_data(vote.candidate): {
            "authorize": vote.add,
            "votes": sum(other.candidate == vote.candidate for other in found.votes),
        }
        for vote in found.votes
    }
    return {
        "number": header.block_number,
        "hash": as_data(header.hash),
        "signers": {as_data(signer): {} for signer in found.signers},
        "recents": recents,
        "votes": [
            {
                "signer": as_data(vote.signer),
                "address": as_data(vote.candidate),
                "authorize": vote.add,
            }
            for vote in found.votes
        ],
        "tally": tally,
    }


def _expect_newest(moment: Moment, arguments: Arguments) -> None:
    number = moment.find(arguments.block(0))
    if number is None:
        raise failed("unknown block")
    if number != moment.number:
        raise failed("this node knows who may seal as of the newest block alone")
