"""Charts: what people would rather look at than read, with the table behind every picture."""

from __future__ import annotations

from ledger.charts.chart import Chart as Chart
from ledger.charts.kinds import CHARTS as CHARTS
from ledger.charts.kinds import ChartKind as ChartKind
from ledger.charts.kinds import chart as chart
from ledger.charts.png import png as png
from ledger.charts.report import chart_report as chart_report
from ledger.charts.svg import svg as svg
