"""Reports in the console have the chart that belongs to them, on the page and in their files."""

from __future__ import annotations

import pytest

from tests.cli.office import DEAL
from tests.console.browser import Browser


def pictures(browser: Browser, path: str) -> list[str]:
    return [value for name, value in browser.get(path).page.attributes if name == "src"]


@pytest.mark.parametrize(("report", "chart"), [("deposit", "cover"), ("balances", "outstanding"), ("breaks", "breaks")])
def test_a_report_has_its_chart_of_the_same_day(bank: Browser, report: str, chart: str) -> None:
    (source,) = pictures(bank, f"/reports/{report}?deal={DEAL}&date=2026-02-10")
    assert source.startswith(f"/charts/{chart}.svg?") and "to=2026-02-10" in source
    picture = bank.get(source)
    assert picture.status == 200 and "2026-02-10" in picture.body.decode()
    page = bank.get(f"/reports/{report}?deal={DEAL}&date=2026-02-10&format=html").body.decode()
    assert page.count("<svg ") == 1 and f'id="chart-{chart}-title"' in page
    assert bank.get(f"/reports/{report}?deal={DEAL}&format=pdf").body.startswith(b"%PDF-")


def test_a_report_without_a_chart_has_no_picture(bank: Browser) -> None:
    for path in (f"/reports/lists?deal={DEAL}", "/reports/balances", f"/reports/costs?deal={DEAL}&from=2026-01-01"):
        assert pictures(bank, path) == [], path
