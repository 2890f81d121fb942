"""Small tickets: 2 000 loans of a few hundred yuan, the same on every run. Imports nothing of the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

START = date(2026, 3, 2)
LOANS = "loan_ref,borrower_ref,start_date,maturity_date,principal,annual_rate_pct,method,purpose"
REPAYMENTS = "entry_ref,loan_ref,date,principal,interest,penalty,fee"
SEED = 310


def numbers() -> Iterator[int]:
    """A linear congruential generator (modulus 2**31)."""
    state = SEED
    while True:
        state = (1_103_515_245 * state + 12_345) % 2**31
        yield state >> 8


def tickets(count: int) -> list[tuple[str, int, int]]:
    """Ref, principal of 100.00 to 899.99 in fen, days until it is paid back: 1 to 30."""
    draw = numbers()
    return [
        (f"T-{n:04}", 10_000 + next(draw) % 80_000, 1 + next(draw) % 30)
        for n in range(1, count + 1)
    ]


def write(folder: Path) -> None:
    """Files for 900 loans by the 360-day year, the same by the 365-day year, and the first 200 again."""
    for name, count, rate in (("360", 900, "10.8"), ("365", 900, "10.95"), ("joint", 200, "10.8")):
        loans, repayments = [LOANS], [REPAYMENTS]
        for ref, principal, days in tickets(count):
            # 0.03 % a day, half up to the fen.
            interest = (2 * principal * days * 3 + 10_000) // 20_000
            end, paid = START + timedelta(days=30), START + timedelta(days=days)
            loans.append(
                f"{ref},B-{ref},{START},{end},{yuan(principal)},{rate},bullet,consumer"
            )
            repayments.append(
                f"HK-{ref},{ref},{paid},{yuan(principal)},{yuan(interest)},0.00,0.00"
            )
        (folder / f"loans-{name}.csv").write_text("\n".join(loans) + "\n", "utf-8")
        (folder / f"repayments-{name}.csv").write_text("\n".join(repayments) + "\n", "utf-8")


def yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02}"
