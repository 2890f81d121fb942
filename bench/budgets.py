"""Budgets: what is aimed at, and what was measured against it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a measurement says about its budget."""

    MET = "met"
    MISSED = "missed"
    REPORTED = "reported"
    """There is no aim, or the run is too small to judge by."""
    NOT_MEASURED = "not measured"
    """See the note for the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One row of the table."""

    key: str
    what: str
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None
    counted: bool = False
    """Whether the number is the same on every machine and at every load, so always judged."""

    @property
    def aim(self) -> str:
        """The aim as text."""
        if self.at_most is not None:
            return f"<= {number(self.at_most)} {self.unit}".rstrip()
        if self.at_least is not None:
            return f">= {number(self.at_least)} {self.unit}".rstrip()
        return "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What a run found for one budget."""

    key: str
    value: float | None
    compared_to: str = ""
    """What the same run was measured against, with its number."""
    note: str = ""

    def verdict(self, *, quick: bool) -> Verdict:
        """How the value stands to the aim of its budget."""
        budget = BY_KEY[self.key]
        if self.value is None:
            return Verdict.NOT_MEASURED
        if budget.aim == "-" or (quick and not budget.counted):
            return Verdict.REPORTED
        above = budget.at_most is not None and self.value > budget.at_most
        below = budget.at_least is not None and self.value < budget.at_least
        return Verdict.MISSED if above or below else Verdict.MET


BUDGETS = (
    Budget(key="gas_loan_first", what="gas of a loan, first batch of a deal", unit="gas",
           at_most=30_000, counted=True),
    Budget(key="gas_loan", what="gas of a loan, later batches", unit="gas",
           at_most=30_000, counted=True),
    Budget(key="gas_repayment_first", what="gas of a repayment, first batch of a deal", unit="gas",
           at_most=14_000, counted=True),
    Budget(key="gas_repayment", what="gas of a repayment, later batches", unit="gas",
           at_most=14_000, counted=True),
    Budget(key="gas_loan_limits", what="gas of a loan where all amount limits are set", unit="gas",
           counted=True),
    Budget(key="loans", what="local engine, CSV rows to events in the book: loans", unit="/s",
           at_least=1_500),
    Budget(key="repayments", what="local engine, CSV rows to events in the book: repayments",
           unit="/s", at_least=1_500),
    Budget(key="loans_to_pyevm", what="loans, of py-evm executing the same transactions alone",
           unit="x", at_least=0.8),
    Budget(key="repayments_to_pyevm",
           what="repayments, of py-evm executing the same transactions alone", unit="x",
           at_least=0.8),
    Budget(key="loans_to_eth_tester", what="loans, of stock eth-tester", unit="x", at_least=10),
    Budget(key="repayments_to_eth_tester", what="repayments, of stock eth-tester", unit="x",
           at_least=10),
    Budget(key="loans_to_anvil", what="loans, of anvil through the RPC engine", unit="x",
           at_least=0.5),
    Budget(key="repayments_to_anvil", what="repayments, of anvil through the RPC engine",
           unit="x", at_least=0.5),
    Budget(key="singles", what="repayments one at a time, each a block on the disk", unit="/s"),
    Budget(key="singles_to_eth_tester",
           what="repayments one at a time, of stock eth-tester under web3", unit="x"),
    Budget(key="singles_to_eth_tester_once",
           what="the same, where its client asks before it sends, as the ledger does", unit="x",
           at_least=20),
    Budget(key="growth_loans", what="growth: loans/s on the long ledger, of the short one",
           unit="x", at_least=0.8),
    Budget(key="growth_repayments",
           what="growth: repayments/s on the long ledger, of the short one", unit="x",
           at_least=0.8),
    Budget(key="growth_open", what="growth: time to open the ledger, long to short", unit="x",
           at_most=1.25),
    Budget(key="growth_loan_show", what="growth: time to look a loan up, long to short", unit="x",
           at_most=1.25),
    Budget(key="growth_receipt", what="growth: time to look a receipt up, long to short",
           unit="x", at_most=1.25),
    Budget(key="growth_command", what="growth: time of `pledger loan show`, long to short",
           unit="x", at_most=1.25),
    Budget(key="replay_pyevm", what="replay on py-evm, of the time to execute the same alone",
           unit="x"),
    Budget(key="execution_revm", what="pyrevm executing an export, times faster than py-evm",
           unit="x", at_least=20),
    Budget(key="replay_revm", what="all of a replay on pyrevm, times faster than on py-evm",
           unit="x"),
    Budget(key="replay_memory", what="replay on pyrevm: memory for each 1 000 entries more",
           unit="MiB"),
    Budget(key="book_seconds", what="book: rebuild one million entries", unit="s", at_most=30),
    Budget(key="book_memory", what="book: peak memory of that", unit="MiB", at_most=1024),
    Budget(key="book_of_ledger", what="book: rebuild that of the long ledger", unit="entries/s"),
    Budget(key="reconcile_seconds", what="reconcile a million lines against the book", unit="s",
           at_most=10),
    Budget(key="reconcile_memory", what="reconcile: peak memory of that", unit="MiB",
           at_most=2048),
    Budget(key="reconcile_to_pandas", what="reconcile, times faster than a pandas merge",
           unit="x"),
    Budget(key="reconcile_to_datacompy", what="reconcile, times faster than datacompy", unit="x"),
    Budget(key="help", what="`pledger --help`", unit="s", at_most=0.25),
    Budget(key="help_imports", what="`pledger --help`: modules of web3, eth, lmdb imported",
           at_most=0, counted=True),
    Budget(key="read", what="`pledger loan show` on a ledger of 200 loans, processor time",
           unit="s", at_most=0.5),
    Budget(key="read_imports", what="`pledger loan show`: modules of an EVM imported",
           at_most=0, counted=True),
    Budget(key="write", what="`pledger repayment submit` of one row, processor time", unit="s"),
    Budget(key="disk", what="disk per entry, half loans half repayments", unit="bytes",
           at_most=1024),
    Budget(key="disk_loans", what="disk per entry of the long ledger, loans mostly", unit="bytes",
           at_most=1280),
    Budget(key="vouchers_issue", what="vouchers issued, invoices to events in the book", unit="/s"),
    Budget(key="vouchers_confirm", what="vouchers confirmed under four eyes", unit="/s"),
    Budget(key="vouchers_transfer", what="pieces passed on", unit="/s"),
    Budget(key="vouchers_discount", what="pieces offered and discounted", unit="/s"),
    Budget(key="vouchers_pledge", what="pieces offered, their loans booked, and pledged",
           unit="/s"),
    Budget(key="vouchers_settle", what="vouchers instructed, their loans repaid, and paid",
           unit="/s"),
    Budget(key="vouchers_to_loans", what="a voucher's whole life, of the time to book a loan",
           unit="x"),
    Budget(key="vouchers_growth", what="growth: vouchers/s of the last round, of the first",
           unit="x", at_least=0.8),
    Budget(key="network_local_loans",
           what="embedded engine: loans until final", unit="/s"),
    Budget(key="network_local_repayments",
           what="embedded engine: repayments until final", unit="/s"),
    Budget(key="network_local_final",
           what="embedded engine: one repayment until final", unit="s"),
    Budget(key="network_node_loans",
           what="through `pledger node`: loans until final", unit="/s"),
    Budget(key="network_node_repayments",
           what="through `pledger node`: repayments until final", unit="/s"),
    Budget(key="network_node_final",
           what="through `pledger node`: one repayment until final", unit="s"),
    Budget(key="network_anvil_loans",
           what="through anvil: loans until final", unit="/s"),
    Budget(key="network_anvil_repayments",
           what="through anvil: repayments until final", unit="/s"),
    Budget(key="network_anvil_final",
           what="through anvil: one repayment until final", unit="s"),
    Budget(key="network_geth_loans",
           what="through one of four geth nodes, period 1 s: loans until final", unit="/s"),
    Budget(key="network_geth_repayments",
           what="through one of four geth nodes, period 1 s: repayments until final", unit="/s"),
    Budget(key="network_geth_final",
           what="through one of four geth nodes, period 1 s: one repayment until final", unit="s"),
    Budget(key="console_page", what="console: its slowest page", unit="ms", at_most=300),
    Budget(key="console_open",
           what="console: the slowest page of a deal whose days were never sealed", unit="ms",
           at_most=300),
    Budget(key="console_median", what="console: the page in the middle", unit="ms"),
    Budget(key="console_to_short",
           what="console: a page, of the same on a book of a hundredth", unit="x"),
    Budget(key="console_search", what="console: loans by the start of their ref", unit="s",
           at_most=1),
    Budget(key="console_charts",
           what="console: the slowest chart or report, which read every loan", unit="s"),
    Budget(key="simulated_loans",
           what="`pledger simulate`: loans with all that happens to them, written", unit="/s"),
    Budget(key="simulated_memory", what="`pledger simulate`: memory at four times the loans",
           unit="x", at_most=1.25),
    Budget(key="simulated_posted", what="a simulated portfolio posted, all kinds of entries",
           unit="/s"),
    Budget(key="simulated_differences",
           what="balances of it that are not the simulated ones", at_most=0, counted=True),
    Budget(key="real_loans", what="10 000 real loans from their file", unit="/s", at_least=500),
    Budget(key="real_repayments", what="9 985 real repayments from their file", unit="/s",
           at_least=300),
    Budget(key="real_differences", what="balances of the real deal that differ from the expected",
           at_most=0, counted=True),
)  # fmt: skip
"""Every budget that exists by now, and what is reported beside them."""

BY_KEY = {budget.key: budget for budget in BUDGETS}


def number(value: float) -> str:
    """Three significant digits, thousands apart, no exponent."""
    if value == int(value) or abs(value) >= 1000:
        return f"{round(value):,}".replace(",", " ")
    if abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else f"{value:.6f}"
