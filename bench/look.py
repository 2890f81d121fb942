"""Look: a process that opens a ledger, looks a loan and a receipt up, and prints the seconds."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from bench.timing import Spent
from ledger import reading
from ledger.chain.local import LocalEngine
from ledger.entries import loan_id
from ledger.ledger import Ledger


def main(directory: Path, deal: str, ref: str) -> None:
    """Print {"open", "loan", "receipt"}."""
    times = {name: Spent() for name in ("open", "loan", "receipt")}

    def open_ledger() -> Ledger:
        ledger = Ledger.open(directory)
        ledger.book()
        return ledger

    open_ledger().close()  # once before, so that imports do not count
    ledger = times["open"].timed(open_ledger)

    def look() -> reading.Posted:
        found = ledger.deal(deal)
        known = loan_id(ledger.salt(deal), ref)
        loan = reading.loan(ledger.book(), found.deal, known)
        assert loan is not None, ref
        return reading.entries_of_loan(ledger.book(), found.deal, known)[0]

    posted = times["loan"].timed(look)
    assert isinstance(ledger.engine, LocalEngine)
    (sent, *_) = ledger.engine.receipts(posted.block, posted.block)
    found = times["receipt"].timed(lambda: ledger.engine.receipt(sent.transaction_hash))
    assert found == sent
    print(json.dumps({name: spent.wall for name, spent in times.items()}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
