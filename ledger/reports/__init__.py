"""Reports (报表): those that a partnership's members expect, each defined once for all forms."""

from __future__ import annotations

from ledger.reports.kinds import REPORTS, Need, ReportKind, report

__all__ = ["REPORTS", "Need", "ReportKind", "report"]
