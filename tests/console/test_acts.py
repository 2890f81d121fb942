"""Acts: what is done on a page is on the ledger afterwards, with the session's keys and no other."""

from __future__ import annotations

import pytest

from tests.cli.covered import SECRET, approve_all
from tests.cli.office import DEAL, LEAD, REPAYMENT_COLUMNS, SERVICER, TERMS, Office
from tests.console.browser import Browser, console

DAY, LATER = "2026-02-10", "2026-02-11"


def sealing(browser: Browser, day: str = DAY) -> tuple[str, str]:
    """Address of a day, and of the form that signs it."""
    return f"/deals/{DEAL}/days/{day}", f"/deals/{DEAL}/days/{day}/seal"


def test_a_day_is_sealed_as_by_the_command(acting: tuple[Office, Browser]) -> None:
    office, browser = acting
    page, form = sealing(browser)
    answer = browser.post(browser.get(page).form(form))
    assert answer.status == 200 and "bank-a signed 2026-02-10" in answer.text
    shown = office.run("day", "show", DEAL, "--date", DAY, "--json").document
    assert [one["member"] for one in shown["signed"]] == [LEAD]
    assert len(shown["signed"][0]["statement"]["breaks"]) == 2
    assert office.run("seal", DEAL, "--date", DAY, "--as", SERVICER).exit_code == 1


def test_a_day_that_moved_since_is_not_signed(acting: tuple[Office, Browser]) -> None:
    office, browser = acting
    page, ending = sealing(browser, LATER)
    form = browser.get(page).form(ending)
    office.posted("repayment", f"{REPAYMENT_COLUMNS}\nR-8,L-2,{LATER},1.00,0.00,0.00,0.00\n")
    answer = browser.post(form)
    assert "came in since the page was made" in answer.text
    assert office.run("day", "show", DEAL, "--date", LATER, "--json").document["signed"] == []


def test_terms_are_signed_in_the_version_that_is_shown(acting: tuple[Office, Browser]) -> None:
    office, browser = acting
    file = office.file("next.toml", TERMS.replace("joint-2026-01", "joint-2026-02"))
    assert office.run("deal", "propose", file, "--as", SERVICER).exit_code == 0
    duties = browser.rows("/today", "to_do")
    assert "terms" in {row["duty"] for row in duties}
    page = browser.get("/deals/joint-2026-02/terms/1")
    assert "Not in force" in page.text
    answer = browser.post(page.form("/sign"))
    assert "bank-a signed joint-2026-02" in answer.text
    shown = office.run("deal", "show", "joint-2026-02", "--json").document
    assert shown["versions"][0]["signed"] == [LEAD]


def test_a_settlement_is_made_and_paid(acting: tuple[Office, Browser]) -> None:
    office, browser = acting
    page = browser.get(f"/deals/{DEAL}/settlements")
    asked = browser.post(page.form("/settle"), date="2026-02-28")
    assert "Nothing is posted yet" in asked.text
    made = browser.post(asked.form("/post"))
    assert "settlement 2" in made.text
    (payment, *_) = browser.rows(f"/deals/{DEAL}/settlements/2", "payments")
    form = made.form("/paid")
    refused = browser.post(form, reference="BK-1", amount="99999999.00", date="2026-02-28")
    assert 'class="said refused"' in refused.body.decode()
    assert not browser.rows(f"/deals/{DEAL}/settlements/2", "paid")
    asked = browser.post(form, reference="BK-1", amount="1.00", date="2026-02-28")
    assert not browser.rows(f"/deals/{DEAL}/settlements/2", "paid")
    paid = browser.post(asked.form("/post"))
    assert "BK-1" in paid.text
    (line,) = browser.rows(f"/deals/{DEAL}/settlements/2", "paid")
    assert (line["reference"], line["amount_moved_minor"]) == ("BK-1", 100)
    assert payment["paid_minor"] == 0
    shown = office.run("settle", "show", f"{DEAL}/2", "--json").document
    assert sum(one["paid_minor"] for one in shown["payments"]) == 100


def test_a_break_is_assigned_and_let_be(acting: tuple[Office, Browser]) -> None:
    office, browser = acting
    address = next(link for link in browser.get("/breaks").page.links if link.startswith("/breaks/"))
    answer = browser.post(browser.get(address).form("/assign"), to="Li Na")
    assert "Li Na" in answer.text
    refused = browser.post(answer.form("/resolve"), entry="R-1")
    assert 'class="said refused"' in refused.body.decode()
    waived = browser.post(answer.form("/waive"), reason="agreed by telephone")
    assert "agreed by telephone" in waived.text
    own = address.rpartition("/")[2][:12]
    shown = office.run("break", "show", own, "--json", "--as", LEAD).document
    assert [step["what"] for step in shown["steps"]][-2:] == ["assigned", "waived"]


# ---- keys


def test_reading_needs_no_key_and_acting_asks_for_the_passphrase_once(
    keyed: tuple[Office, Browser],
) -> None:
    office, browser = keyed
    page, ending = sealing(browser, "2026-01-10")
    shown = browser.get(page)
    assert "Open your keys to: Sign the day" in shown.text
    assert not [one for one in shown.page.forms if one.action.endswith("/seal") and one.buttons]
    link = next(link for link in shown.page.links if link.startswith("/unlock"))
    form = browser.get(link).form("/unlock")
    wrong = browser.post(form, passphrase="no word of mine")
    assert "opens no key" in wrong.text
    opened = browser.post(form, passphrase=SECRET["PLEDGER_PASSPHRASE"])
    assert "Opened: maker key, checker key, validator key" in opened.text
    answer = browser.post(opened.form(ending))
    assert "waits for the checker" in answer.text
    (row,) = [one for one in browser.rows("/approvals", "approvals") if "2026-01-10" in one["what"]]
    approval = browser.get(next(link for link in browser.get("/approvals").page.links if link.startswith("/approvals/")))
    assert row["function"] == "seal_day" and "2026-01-10" in approval.text
    done = browser.post(approval.form("/approve"))
    assert "bank-a approved" in done.text
    days = office.run("day", "show", DEAL, "--date", "2026-01-10", "--json").document
    assert [one["member"] for one in days["signed"]] == [LEAD]
    locked = browser.post(done.form("/lock"))
    assert locked.status == 200
    assert "Open your keys" in browser.get(f"/deals/{DEAL}/settlements").text


def test_keys_of_one_session_are_not_those_of_another(keyed: tuple[Office, Browser]) -> None:
    _, browser = keyed
    form = browser.get("/unlock").form("/unlock")
    browser.post(form, passphrase=SECRET["PLEDGER_PASSPHRASE"])
    other = Browser(browser.url)
    other.enter()
    page, ending = sealing(browser, LATER)
    assert not any(one.buttons for one in other.get(page).page.forms if one.action.endswith("/seal"))
    forged = browser.get(page).form(ending)
    forged.fields["form_token"] = other.get(page).form("/language").fields["form_token"]
    answer = other.post(forged)
    assert "not opened in this session" in answer.text
    assert LATER not in str(browser.rows("/approvals", "approvals"))


@pytest.mark.slow
def test_after_five_wrong_passphrases_the_session_is_over(keyed: tuple[Office, Browser]) -> None:
    _, browser = keyed
    form = browser.get("/unlock").form("/unlock")
    for _ in range(5):
        answer = browser.post(form, passphrase="wrong")
    assert answer.status == 401
    assert browser.get("/today").status == 401


@pytest.mark.slow
def test_the_other_side_approves_on_its_own_console(keyed: tuple[Office, Browser]) -> None:
    office, browser = keyed
    page, ending = sealing(browser, "2026-02-01")
    browser.post(browser.get("/unlock").form("/unlock"), passphrase=SECRET["PLEDGER_PASSPHRASE"])
    browser.post(browser.get(page).form(ending))
    approve_all(office, LEAD)
    with console(office, SERVICER) as platform:
        platform.post(platform.get("/unlock").form("/unlock"), passphrase=SECRET["PLEDGER_PASSPHRASE"])
        platform.post(platform.get(page).form(ending))
        address = next(link for link in platform.get("/approvals").page.links if link.startswith("/approvals/"))
        platform.post(platform.get(address).form("/approve"))
        assert "is sealed" in platform.get(page).text
