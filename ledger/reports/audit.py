"""Audit (审计底稿): the tables of an audit pack, as one report without its proofs."""

from __future__ import annotations

from dataclasses import replace

from ledger import reading
from ledger.auditing.manifest import Wanted
from ledger.auditing.pack import report
from ledger.messages import language
from ledger.reporting.report import NOT_CONTENT, Fact, Report, content_sha256
from ledger.reports.asking import Asked

RANDOM, LARGEST, SEED = 25, 10, 0
"""The sample, as `pledger audit pack` draws it by itself."""


def build(asked: Asked) -> Report:
    """The report."""
    assert asked.deal is not None, "a pack is of one deal"
    deal = asked.ledger.deal(asked.deal).deal
    first = asked.first
    if first is None:
        first = min(reading.first_day(asked.book, deal) or asked.day, asked.day)
    wanted = Wanted(
        deal=asked.deal,
        first=first,
        last=asked.day,
        seed=SEED,
        random=RANDOM,
        largest=LARGEST,
        language=language(),
        proofs=False,
    )
    found = report(asked.ledger, wanted, block=asked.made.head_block)
    document = {"report": asked.name, "deal": asked.deal, **asked.made.document(), **found.document}
    document["content_sha256"] = content_sha256(document, without=NOT_CONTENT)
    made = [one for one in asked.made.facts() if one.key not in {two.key for two in found.facts}]
    hashed = Fact("content_sha256", document["content_sha256"], paper=True)
    return replace(found, facts=(*found.facts, *made, hashed), document=document)
