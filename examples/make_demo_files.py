"""Make the files of `pledger demo`: invented loans in yuan with terms as the market has them.

    python examples/make_demo_files.py        writes ledger/examples/demo/*.csv

The same seed gives the same files. A platform's average loan is 7 800 yuan over about ten months;
instalments are equal (等额本息), interest for a month is the annual rate over twelve, half up.
"""

from __future__ import annotations

import csv
import random
from datetime import date
from fractions import Fraction
from pathlib import Path

FOLDER = Path(__file__).parent.parent / "ledger" / "examples" / "demo"
LOANS = 300
INSTALMENTS = 3
RATES_PCT = ("14.40", "15.60", "18.00", "21.60", "23.40", "24.00")
TERMS = (6, 9, 12, 12, 12, 18)


def main() -> None:
    """Write all files."""
    chance = random.Random(20260105)
    loans, repayments, overdue = [], [], []
    for number in range(1, LOANS + 1):
        loan = _loan(chance, number)
        loans.append(loan)
        late = chance.random() < 0.05
        paid = chance.choice((1, 2)) if late else INSTALMENTS
        rows = _instalments(loan, paid, settles=not late and chance.random() < 0.03)
        repayments += rows
        if late:
            due = _months_after(loan["start_date"], paid + 1)
            overdue.append({"loan_ref": loan["loan_ref"], "since_date": due})
    repayments.sort(key=lambda row: (row["date"], row["entry_ref"]))
    waivers = [
        {
            "entry_ref": f"W-{row['loan_ref']}",
            "loan_ref": row["loan_ref"],
            "date": date(2026, 5, 6),
            "interest": "12.00",
            "penalty": "3.50",
        }
        for row in overdue[:2]
    ]
    write_offs = [{"loan_ref": overdue[-1]["loan_ref"], "date": date(2026, 5, 29)}]
    bad = [dict(row) for row in repayments[:3]]
    bad[0] |= {"entry_ref": "X-0001", "principal": "99999.00"}
    bad[1] |= {"entry_ref": "X-0002", "loan_ref": "JD-9999"}
    bad[2] |= {"entry_ref": "X-0003", "date": date(2025, 12, 1)}
    _write("loans.csv", loans)
    _write("repayments.csv", repayments)
    _write("overdue.csv", overdue)
    _write("waivers.csv", waivers)
    _write("write_offs.csv", write_offs)
    _write("refused.csv", bad)


def _loan(chance: random.Random, number: int) -> dict:
    start = date(2026, 1, chance.randint(5, 28))
    months = chance.choice(TERMS)
    return {
        "loan_ref": f"JD-{number:04d}",
        "borrower_ref": f"KH-{chance.randint(1, 280):04d}",
        "start_date": start,
        "maturity_date": _months_after(start, months),
        "principal": f"{chance.randint(10, 146)}00.00",
        "annual_rate_pct": chance.choice(RATES_PCT),
        "method": "equal_installment",
        "purpose": chance.choice(("consumer", "consumer", "consumer", "business")),
    }


def _instalments(loan: dict, paid: int, *, settles: bool) -> list[dict]:
    months = _months_between(loan["start_date"], loan["maturity_date"])
    monthly = Fraction(loan["annual_rate_pct"]) / 1200
    left = int(loan["principal"].replace(".", ""))
    growth = (1 + monthly) ** months
    level = _half_up(left * monthly * growth / (growth - 1))
    rows = []
    for period in range(1, paid + 1):
        interest = _half_up(left * monthly)
        principal = left if settles and period == paid else level - interest
        left -= principal
        rows.append(
            {
                "entry_ref": f"HK-{loan['loan_ref'][3:]}-{period:02d}",
                "loan_ref": loan["loan_ref"],
                "date": _months_after(loan["start_date"], period),
                "principal": _yuan(principal),
                "interest": _yuan(interest),
                "penalty": "0.00",
                "fee": "0.00",
            }
        )
    return rows


def _half_up(exact: Fraction) -> int:
    return int(exact + Fraction(1, 2))


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"


def _months_after(start: date, months: int) -> date:
    month = start.month - 1 + months
    return date(start.year + month // 12, month % 12 + 1, min(start.day, 28))


def _months_between(start: date, end: date) -> int:
    return (end.year - start.year) * 12 + end.month - start.month


def _write(name: str, rows: list[dict]) -> None:
    with (FOLDER / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
