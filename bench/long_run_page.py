"""Long run page: what bench/long_run.py measured, as a table and a chart."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean
from typing import Any

from bench.budgets import number

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 760, 360, 64, 170, 20, 44
_SERIES = (
    ("loans_per_cpu_second", "loans/s", ""),
    ("repayments_per_cpu_second", "repayments/s", "7 4"),
)


def page(run: dict[str, Any], chart_name: str) -> str:
    """RESULTS.md."""
    machine, steps, looks = run["machine"], run["steps"], run["looks"]
    tenth = max(1, len(steps) // 10)
    lines = [
        "# The long run",
        "",
        "Written by `python -m bench.long_run`: one ledger, three funders, two interest tiers,",
        "grown in steps of 20 000 loans and 40 000 repayments of loans from all over it.",
        "",
        f"- {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB;"
        f" {machine['system']}, Python {machine['python']}",
        f"- {number(steps[-1]['entries'])} entries; per second of the wall and of processor time",
        *([f"- {run['note']}"] if run.get("note") else []),
        "",
        f"![entries per second of processor time]({chart_name})",
        "",
        "| entries | loans/s | by processor | repayments/s | by processor | bytes an entry |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for at in range(0, len(steps), tenth):
        some = steps[at : at + tenth]
        values = [some[-1]["entries"], *(mean(one[key] for one in some) for key in (
            "loans_per_second", "loans_per_cpu_second", "repayments_per_second",
            "repayments_per_cpu_second"))]  # fmt: skip
        shown = [number(round(value)) for value in (*values, some[-1]["bytes_per_entry"])]
        lines.append("| " + " | ".join(shown) + " |")
    lines += ["", *_ratios("last tenth of the first", steps[-tenth:], steps[:tenth])]
    if run["turns"]:
        lines += [
            "",
            "Measured again, the long ledger going on and a new one taking turns step by step, so",
            "that the machine is the same for both:",
            "",
            *of_first_tenth(run["turns"]),
        ]
    lines += ["", "| milliseconds, best of 5 processes | " + " | ".join(
        f"{number(one['entries'])} entries" for one in looks) + " |",
        "| --- |" + " --- |" * len(looks)]  # fmt: skip
    names = {
        "open": "open the ledger",
        "loan": "look a loan up",
        "receipt": "look a receipt up",
        "loan_show": "`pledger loan show`, the process",
        "balances": "`pledger balances`, the process",
    }
    for name, said in names.items():
        lines.append(f"| {said} | " + " | ".join(f"{1000 * one[name]:.1f}" for one in looks) + " |")
    lines += ["", f"On the disk at the end: {steps[-1]['parts']}.", ""]
    return "\n".join(lines)


def of_first_tenth(turns: Sequence[dict[str, dict[str, Any]]]) -> list[str]:
    """The table of what a long ledger does of the rates of a new one."""
    long, new = ([turn[which] for turn in turns] for which in ("long", "new"))
    booked = long[0]["loans"] - new[0]["loans"]
    return _ratios(f"from {number(booked)} loans on, of a new one's first", long, new)


def _ratios(
    said: str, late: Sequence[dict[str, Any]], early: Sequence[dict[str, Any]]
) -> list[str]:
    lines = [f"| {said} | wall | processor |", "| --- | --- | --- |"]
    for kind in ("loans", "repayments"):
        ratios = [
            mean(one[key] for one in late) / mean(one[key] for one in early)
            for key in (f"{kind}_per_second", f"{kind}_per_cpu_second")
        ]
        lines.append(f"| {kind} | {ratios[0]:.2f} | {ratios[1]:.2f} |")
    return lines


def chart(run: dict[str, Any]) -> str:
    """RESULTS.svg: both rates by entries; told apart without colour."""
    steps = run["steps"]
    most = max(step[key] for step in steps for key, _, _ in _SERIES)
    top = -(-most // 1000) * 1000
    end = steps[-1]["entries"]
    wide, high = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM

    def x(entries: int) -> float:
        return _LEFT + wide * entries / end

    def y(rate: float) -> float:
        return _TOP + high * (1 - rate / top)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img"'
        ' font-family="sans-serif" font-size="12">',
        "<title>Entries per second of processor time, by entries on the ledger</title>",
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    for rate in range(0, top + 1, 1000):
        parts.append(
            f'<path d="M{_LEFT} {y(rate):.1f}h{wide}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 8}" y="{y(rate) + 4:.1f}" text-anchor="end">{number(rate)}</text>'
        )
    for share in range(4):
        entries = end * share // 3
        parts.append(
            f'<text x="{x(entries):.1f}" y="{_HEIGHT - 20}" text-anchor="middle">'
            f"{number(entries)}</text>"
        )
    for key, said, dashes in _SERIES:
        parts += _line([(x(one["entries"]), y(one[key])) for one in steps], said, dashes)
    return "\n".join([*parts, "</svg>", ""])


def _line(points: Sequence[tuple[float, float]], said: str, dashes: str) -> list[str]:
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    last_x, last_y = points[-1]
    return [
        f'<polyline points="{path}" fill="none" stroke="#000" stroke-width="1.5"{dashed}/>',
        f'<text x="{last_x + 8:.1f}" y="{last_y + 4:.1f}">{said}</text>',
    ]
