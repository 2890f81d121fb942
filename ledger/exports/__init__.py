"""Exports: the book in forms that other people's tools read. Nothing here is read back."""

from __future__ import annotations

from ledger.exports.sources import Source, SourceDeal, source
from ledger.exports.tally import TallyDifference
from ledger.exports.writing import Written, write

__all__ = ["Source", "SourceDeal", "TallyDifference", "Written", "source", "write"]
