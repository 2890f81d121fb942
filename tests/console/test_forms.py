"""Forms: what would be posted is shown first, posted once, and refused by its reason before it is sent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from ledger.cli.root import pledger
from ledger.console.drafts import DRAFTS_MAX, Draft, Drafts, Posting
from ledger.console.sessions import TYPED_MAX, Session
from ledger.console.view import NotShown
from tests.cli.covered import GUARANTOR, SECRET
from tests.cli.office import DEAL, LEAD, REPAYMENT_COLUMNS, SERVICER, Office
from tests.cli.voucher_office import CORE, ISSUED, PLATFORM, SCF, scf_office, told
from tests.console.browser import Answer, Browser, Form, console
from tests.console.test_morning import base, chromium, opened

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium

__all__ = ["chromium", "scf_office"]
DEPOSIT, CLAIMS = f"/deals/{DEAL}/deposit", f"/deals/{DEAL}/claims"
DAY, CLAIMED = "2026-02-12", "2026-05-11"


@pytest.fixture(scope="module")
def covered_desks(
    morning_office: Office, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Office, dict[str, Browser]]]:
    """A copy of the morning's office and the consoles of bank, platform and guarantor on it."""
    office = morning_office.copy(tmp_path_factory.mktemp("forms") / "office")
    with (
        console(office, LEAD) as bank,
        console(office, SERVICER) as platform,
        console(office, GUARANTOR) as guarantor,
    ):
        yield office, {LEAD: bank, SERVICER: platform, GUARANTOR: guarantor}


@pytest.fixture(scope="module")
def monthly(
    shared_office: Office, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Office, Browser]]:
    """A deal that is split by the month, and the bank's console on it."""
    office = shared_office.copy(tmp_path_factory.mktemp("monthly") / "office")
    with console(office, LEAD) as browser:
        yield office, browser


def forged(browser: Browser, action: str, **fields: str) -> Answer:
    """A form that no page of this member has, with the session's own word."""
    own = browser.get("/today").form("/language").fields["form_token"]
    return browser.post(Form(action, "post", {"form_token": own}), **fields)


def refused(answer: Answer) -> str:
    """What a page says that was not done."""
    assert 'class="said refused"' in answer.body.decode(), answer.text
    return answer.text


def lines(office: Office) -> list[dict[str, Any]]:
    shown = office.run("deposit", "show", "--deal", DEAL, "--json").document
    found: list[dict[str, Any]] = shown["lines"]
    return found


def entry_address(browser: Browser, ref: str) -> str:
    """The page of an entry, found by its ref."""
    links = browser.get(f"/loans?q={ref}").page.links
    return next(link for link in links if "/entries/0x" in link)


# ---- shown first, posted once


def test_a_payment_into_the_deposit_is_shown_before_it_is_posted_and_posted_once(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    office, browsers = covered_desks
    browser = browsers[GUARANTOR]
    before, head = lines(office), office.head()
    asked = browser.get(DEPOSIT).form("/deposit/pay")
    draft = browser.post(asked, sum="250.00", date=DAY, own_ref="")
    assert "Nothing is posted yet" in draft.text
    assert "250.00" in draft.text and "1,250.00" in draft.text
    assert (lines(office), office.head()) == (before, head)
    second = browser.post(asked, sum="250.00", date=DAY, own_ref="")
    done = browser.post(draft.form("/post"))
    assert f"{DEAL}: 250.00 paid into the deposit" in done.text
    assert [one["amount_minor"] for one in lines(office)[len(before):]] == [25_000]
    again = browser.post(draft.form("/post"))
    assert "was done already" in again.text
    other_window = browser.post(second.form("/post"))
    assert "The ledger has moved" in refused(other_window)
    assert not [one for one in other_window.page.forms if one.action.endswith("/post")]
    assert len(lines(office)) == len(before) + 1


def test_two_clicks_at_once_post_once(covered_desks: tuple[Office, dict[str, Browser]]) -> None:
    office, browsers = covered_desks
    browser = browsers[GUARANTOR]
    before = len(lines(office))
    draft = browser.post(browser.get(DEPOSIT).form("/deposit/pay"), sum="1.00", date=DAY)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: browser.post(draft.form("/post")), range(4)))
    assert {one.status for one in answers} == {200}
    assert len(lines(office)) == before + 1


def test_a_payment_with_a_ref_of_its_own_is_known_again(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    office, browsers = covered_desks
    browser = browsers[GUARANTOR]
    form = browser.get(DEPOSIT).form("/deposit/pay")
    browser.post(browser.post(form, sum="2.00", date=DAY, own_ref="TT-1").form("/post"))
    before = len(lines(office))
    known = browser.post(form, sum="2.00", date=DAY, own_ref="TT-1")
    assert "There is nothing to post" in known.text
    assert not [one for one in known.page.forms if one.action.endswith("/post")]
    other = browser.post(form, sum="3.00", date=DAY, own_ref="TT-1")
    assert "REF_REUSED" in refused(other)
    assert len(lines(office)) == before


def test_what_the_contract_would_refuse_is_said_before_it_is_sent_and_what_was_typed_stays(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    office, browsers = covered_desks
    browser = browsers[LEAD]
    head = office.head()
    form = browser.get(DEPOSIT).form("/deposit/release")
    answer = browser.post(form, sum="999.00", date=DAY)
    assert "RELEASE_UNDER_TARGET" in refused(answer)
    assert answer.form("/deposit/release").fields["sum"] == "999.00"
    assert "amount" in refused(browser.post(form, sum="9,9", date=DAY)).lower()
    assert "date" in refused(browser.post(form, sum="9.00", date="")).lower()
    assert office.head() == head
    released = browser.post(browser.post(form, sum="1.00", date=DAY).form("/post"))
    assert "1.00 released from the deposit" in released.text
    assert lines(office)[-1]["amount_minor"] == -100


def test_a_payment_that_never_came_is_taken_back_by_the_custodian(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    office, browsers = covered_desks
    paid = office.run(
        "deposit", "pay", "--deal", DEAL, "--amount", "7.00", "--date", DAY, "--ref", "TT-7", "--as", GUARANTOR
    )
    assert paid.exit_code == 0, paid
    browser = browsers[LEAD]
    draft = browser.post(browser.get(DEPOSIT).form("/deposit/reverse"), deposit_ref="TT-7")
    assert "TT-7" in draft.text and "Nothing is posted yet" in draft.text
    assert not next(one for one in lines(office) if one["ref"] == "TT-7")["reversed"]
    done = browser.post(draft.form("/post"))
    assert "TT-7 is reversed" in done.text
    assert next(one for one in lines(office) if one["ref"] == "TT-7")["reversed"]


# ---- claims


def test_claims_are_shown_by_layer_and_posted_as_they_were_shown(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    office, browsers = covered_desks
    browser = browsers[SERVICER]
    form = browser.get(CLAIMS).form("/claims/run")
    draft = browser.post(form, date=CLAIMED)
    address = draft.form("/post").action.removesuffix("/post")
    (row,) = browser.rows(address, "claimed")
    assert row["loan_ref"] == "L-1"
    assert row["paid_by_layers"].startswith(f"{GUARANTOR} (deposit) 840.00; {GUARANTOR} (own funds) ")
    assert not office.loan("L-1")["claims"] or not any(office.loan("L-1")["claims"].values())
    office.posted("repayment", f"{REPAYMENT_COLUMNS}\nR-50,L-1,2026-03-01,100.00,0.00,0.00,0.00\n")
    moved = browser.post(draft.form("/post"))
    assert "The ledger has moved" in refused(moved)
    (now,) = browser.rows(address, "claimed")
    assert now["principal_minor"] == row["principal_minor"] - 10_000
    assert office.loan("L-1")["status"] == "overdue"
    done = browser.post(moved.form("/post"))
    assert "1 loan(s) compensated" in done.text
    assert office.loan("L-1")["status"] == "compensated"
    nothing = browser.post(form, date=CLAIMED)
    assert "There is nothing to post" in nothing.text


# ---- periods


def test_a_month_is_closed_with_the_statement_that_was_shown(monthly: tuple[Office, Browser]) -> None:
    office, browser = monthly
    page = browser.get(f"/deals/{DEAL}/statements/2026-01")
    assert months_to_close(browser, "2026-01-31") == []
    assert months_to_close(browser, "2026-02-01") == [("2026-01", 1)]
    assert months_to_close(browser, "2026-04-30") == [("2026-01", 3)]
    draft = browser.post(page.form("/close"))
    address = draft.form("/post").action.removesuffix("/post")
    before = office.run("period", "show", DEAL, "--month", "2026-01", "--json").document
    assert before["status"] == "open"
    shown = [one["amount_moved_minor"] for one in browser.rows(address, "formula")]
    assert shown == [one["amount_minor"] for one in before["formula"]]
    done = browser.post(draft.form("/post"))
    assert "2026-01 is closed" in done.text
    assert office.run("period", "show", DEAL, "--month", "2026-01", "--json").document["status"] == "closed"
    assert not [one for one in done.page.forms if one.action.endswith("/close")]
    assert "PERIOD_CLOSED" in refused(forged(browser, f"/deals/{DEAL}/statements/2026-01/close"))
    assert "PERIOD_OUT_OF_ORDER" in refused(forged(browser, f"/deals/{DEAL}/statements/2026-09/close"))
    assert months_to_close(browser, "2026-02-28") == []
    assert months_to_close(browser, "2026-03-01") == [("2026-02", 1)]


def months_to_close(browser: Browser, day: str) -> list[tuple[str, int]]:
    rows = browser.rows(f"/today?date={day}", "to_do")
    return [(row["what"][:7], row["count"]) for row in rows if row["duty"] == "month"]


def test_where_the_terms_have_no_period_no_month_waits(acting: tuple[Office, Browser]) -> None:
    _, browser = acting
    assert months_to_close(browser, "2026-12-31") == []


# ---- reversals


def test_an_entry_is_taken_back_by_whoever_submitted_it(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    office, browsers = covered_desks
    platform = browsers[SERVICER]
    address = entry_address(platform, "R-2")
    assert not [one for one in browsers[LEAD].get(address).page.forms if one.action.endswith("/reverse")]
    draft = platform.post(platform.get(address).form("/reverse"))
    own = draft.form("/post").action.removesuffix("/post")
    assert platform.rows(own, "goes_back")[-1]["principal_minor"] == -59_810
    assert office.loan("L-2")["outstanding_minor"] == 780_000 - 59_810
    done = platform.post(draft.form("/post"))
    assert "R-2 is reversed" in done.text and "This entry was reversed" in done.text
    assert office.loan("L-2")["outstanding_minor"] == 780_000


def test_a_booking_with_later_entries_is_not_taken_back(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    office, browsers = covered_desks
    platform = browsers[SERVICER]
    office.posted("repayment", f"{REPAYMENT_COLUMNS}\nR-60,L-3,2026-03-01,1.00,0.00,0.00,0.00\n")
    loan = next(one for one in platform.get("/loans?q=L-3").page.links if "/loans/0x" in one)
    booking = next(one for one in platform.get(loan).page.links if "/bookings/" in one)
    answer = platform.post(platform.get(booking).form("/reverse"))
    assert "ENTRY_" in refused(answer)
    assert office.loan("L-3")["status"] == "performing" or office.loan("L-3")["outstanding_minor"]


def test_what_was_recorded_as_paid_is_taken_back_by_its_reference(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    _, browsers = covered_desks
    bank, address = browsers[LEAD], f"/deals/{DEAL}/settlements"
    settled = bank.post(bank.get(address).form("/settle"), date="2026-02-28")
    made = bank.post(settled.form("/post"))
    asked = next(one for one in made.page.forms if one.action.endswith("/paid"))
    bank.post(bank.post(asked, reference="BK-7", amount="1.00", date="2026-02-28").form("/post"))
    number = asked.action.split("/")[-3]
    assert [one["reference"] for one in bank.rows(f"{address}/{number}", "paid")] == ["BK-7"]
    draft = bank.post(bank.get(address).form("/settlements/reverse"), settlement_ref="BK-7")
    bank.post(draft.form("/post"))
    line, mirror = bank.rows(f"{address}/{number}", "paid")
    assert (line["remark"], line["amount_moved_minor"], mirror["amount_moved_minor"]) == ("reversed", 100, -100)


# ---- who may


def test_a_form_is_shown_to_whom_it_belongs_and_the_contract_refuses_all_others(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    office, browsers = covered_desks
    head = office.head()
    owners = {
        f"{DEPOSIT}/pay": (GUARANTOR, "SENDER_NOT_DEPOSITOR", {"sum": "1.00", "date": DAY}),
        f"{DEPOSIT}/release": (LEAD, "SENDER_NOT_CUSTODIAN", {"sum": "1.00", "date": DAY}),
        f"{CLAIMS}/run": (SERVICER, "SENDER_NOT_SERVICER", {"date": "2026-08-01"}),
    }
    office.posted("overdue", "loan_ref,since_date\nL-2,2026-02-11\n")
    head = office.head()
    for action, (owner, reason, fields) in owners.items():
        for member, browser in browsers.items():
            page = browser.get(action.rpartition("/")[0])
            has = any(one.action == action for one in page.page.forms)
            assert has == (member == owner), (action, member)
            if member != owner:
                assert reason in refused(forged(browser, action, **fields)), (action, member)
    assert office.head() == head


def test_a_draft_is_its_session_s_own(covered_desks: tuple[Office, dict[str, Browser]]) -> None:
    office, browsers = covered_desks
    browser = browsers[GUARANTOR]
    before = lines(office)
    draft = browser.post(browser.get(DEPOSIT).form("/deposit/pay"), sum="4.00", date=DAY, own_ref="")
    form = draft.form("/post")
    other = Browser(browser.url)
    other.enter()
    assert other.get(form.action.removesuffix("/post")).status == 404
    assert forged(other, form.action).status == 404
    stale = Form(form.action, "post", {"form_token": "x" * 43})
    assert browser.post(stale).status == 403
    assert Browser(browser.url).post(form).status == 401
    assert lines(office) == before


def test_an_unknown_address_of_a_draft_or_an_entry_is_not_there(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    _, browsers = covered_desks
    browser = browsers[LEAD]
    assert browser.get("/drafts/" + "0" * 24).status == 404
    for own in ("zz", "0x" + "0" * 64):
        assert forged(browser, f"/deals/{DEAL}/entries/{own}/reverse").status == 404
    assert forged(browser, "/deals/nowhere/claims/run", date=DAY).status == 404


def test_a_draft_is_read_in_the_language_of_its_reader(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    _, browsers = covered_desks
    browser = Browser(browsers[GUARANTOR].url)
    browser.enter()
    draft = browser.post(browser.get(DEPOSIT).form("/deposit/pay"), sum="4.00", date=DAY)
    chinese = browser.post(draft.form("/language"), language="zh")
    assert "尚未入账" in chinese.text and "缴存" in chinese.text
    assert chinese.form("/post").action == draft.form("/post").action


# ---- keys


def test_four_eyes_hold_for_what_is_posted_from_a_draft(keyed: tuple[Office, Browser]) -> None:
    office, browser = keyed
    shown = browser.get(DEPOSIT)
    assert "Open your keys to: Release" in shown.text
    before = lines(office)
    closed = forged(browser, f"{DEPOSIT}/release", sum="1.00", date="2026-01-11")
    assert "not opened in this session" in refused(closed)
    opened = browser.get("/unlock").form("/unlock")
    browser.post(opened, passphrase=SECRET["PLEDGER_PASSPHRASE"])
    form = browser.get(DEPOSIT).form("/deposit/release")
    assert "RELEASE_UNDER_TARGET" in refused(browser.post(form, sum="999.00", date="2026-01-11"))
    draft = browser.post(form, sum="1.00", date="2026-01-11")
    assert "Your checker has to approve" in draft.text
    locked = browser.post(draft.form("/lock"))
    assert "Open your keys to: Post it" in locked.text
    assert "not opened in this session" in refused(forged(browser, draft.form("/post").action))
    browser.post(browser.get("/unlock").form("/unlock"), passphrase=SECRET["PLEDGER_PASSPHRASE"])
    done = browser.post(draft.form("/post"))
    assert "waits for the checker" in done.text
    assert lines(office) == before
    page = browser.get("/approvals").page
    address = next(one for one in page.links if one.startswith("/approvals/"))
    browser.post(browser.get(address).form("/approve"))
    assert [one["amount_minor"] for one in lines(office)[len(before):]] == [-100]


@pytest.mark.slow
def test_a_payment_is_posted_by_keyboard_and_a_double_click_posts_once(
    chromium: Chromium, covered_desks: tuple[Office, dict[str, Browser]]
) -> None:
    office, browsers = covered_desks
    own = browsers[GUARANTOR]
    page = opened(chromium, own, "zh", "phone")
    page.goto(base(own) + DEPOSIT)
    page.focus("form[action$='/deposit/pay'] [name=sum]")
    # What is called for may stand there already.
    page.keyboard.press("Control+A")
    page.keyboard.type("6.00")
    page.keyboard.press("Enter")
    page.wait_for_url("**/drafts/*")
    assert "尚未入账" in page.inner_text("main")
    before = lines(office)
    page.get_by_role("button", name="确认入账").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/deposit")
    page.goto(base(own) + DEPOSIT)
    page.fill("form[action$='/deposit/pay'] [name=sum]", "8.00")
    page.get_by_role("button", name="缴存", exact=True).click()
    page.wait_for_url("**/drafts/*")
    draft = page.url
    page.get_by_role("button", name="确认入账").dblclick()
    page.wait_for_url("**/deposit")
    page.goto(draft)
    assert not page.get_by_role("button", name="确认入账").count()
    assert [one["amount_minor"] for one in lines(office)[len(before):]] == [600, 800]
    page.context.close()


# ---- what a session keeps


def test_a_session_keeps_few_drafts_and_few_forms() -> None:
    def draft(view: object, given: object) -> Draft:
        raise AssertionError

    def post(view: object, given: object) -> Any:
        raise AssertionError

    posting, kept = Posting(draft=draft, post=post), Drafts()
    own = Draft(given={}, comes_to=None, shows=lambda view: pytest.fail())
    tokens = [kept.keep(posting, own, back="/", asked="/a").token for _ in range(DRAFTS_MAX + 1)]
    assert len(set(tokens)) == DRAFTS_MAX + 1
    with pytest.raises(NotShown):
        kept.find(tokens[0])
    assert kept.find(tokens[1]).address.endswith(tokens[1])
    session = Session(form_token="x", key="k", seen_at=0)
    for number in range(TYPED_MAX + 5):
        session.keep_typed(f"/{number}", {})
    assert list(session.typed) == [f"/{number}" for number in range(5, TYPED_MAX + 5)]


# ---- loans, deals, vouchers


def test_the_lead_lets_interest_go_and_writes_a_loan_off(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    office, browsers = covered_desks
    bank = browsers[LEAD]
    page = next(one for one in bank.get("/loans?q=L-3").page.links if "/loans/0x" in one)
    assert not [one for one in browsers[SERVICER].get(page).page.forms if one.action.endswith("/waiver")]
    asked = bank.get(page).form("/waiver")
    given = {"entry_ref": "W-1", "waived_interest": "0.50", "waived_penalty": "", "date": "2026-03-02"}
    assert "zero" in refused(bank.post(asked, **{**given, "waived_interest": ""}))
    draft = bank.post(asked, **given)
    assert "W-1" in draft.text and "W-1" not in str(office.loan("L-3")["entries"])
    assert "waived" in bank.post(draft.form("/post")).text
    assert "W-1" in str(office.loan("L-3")["entries"])
    assert "There is nothing to post" in bank.post(asked, **given).text
    lost = bank.post(bank.get(page).form("/write-off"), date="2026-03-03")
    assert office.loan("L-3")["status"] != "written_off"
    done = bank.post(lost.form("/post"))
    assert office.loan("L-3")["status"] == "written_off"
    assert not [one for one in done.page.forms if one.action.endswith(("/waiver", "/write-off"))]
    denied = forged(browsers[SERVICER], f"{page}/write-off", date="2026-03-04")
    assert "SENDER_NOT_LEAD" in refused(denied) or "LOAN_WRITTEN_OFF" in denied.text


def test_new_loans_are_stopped_and_taken_up_again(
    covered_desks: tuple[Office, dict[str, Browser]],
) -> None:
    office, browsers = covered_desks

    def state() -> str:
        return str(office.run("deal", "show", DEAL, "--json").document["status"])

    page, before = f"/deals/{DEAL}", state()
    bank = browsers[LEAD]
    draft = bank.post(bank.get(page).form("/state/suspend"))
    assert state() == before
    bank.post(draft.form("/post"))
    assert state() == "suspended"
    other = browsers[SERVICER].get(page).page.forms
    assert {one.action.rpartition("/")[2] for one in other if "/state/" in one.action} == {"suspend", "close"}
    assert "SENDER_NOT_SUSPENDER" in refused(forged(browsers[SERVICER], f"{page}/state/resume"))
    assert not [one for one in browsers[GUARANTOR].get(page).page.forms if "/state/" in one.action]
    assert "SENDER_NOT_SIGNING_PARTY" in refused(forged(browsers[GUARANTOR], f"{page}/state/close"))
    bank.post(bank.post(bank.get(page).form("/state/resume")).form("/post"))
    assert state() == before


@pytest.mark.slow
def test_the_core_enterprise_confirms_what_it_owes(
    scf_office: Office, tmp_path_factory: pytest.TempPathFactory
) -> None:
    office = scf_office.copy(tmp_path_factory.mktemp("confirming") / "office")
    told(office, "issue", ISSUED, PLATFORM)
    with console(office, CORE) as core, console(office, PLATFORM) as platform:
        listed = core.get(f"/deals/{SCF}/vouchers").page.links
        pages = list(dict.fromkeys(one for one in listed if "/vouchers/0x" in one))
        offered = [one for one in pages if core.get(one).text.count("Confirm that you owe")]
        assert len(offered) == 2, (pages, core.get(pages[0]).text if pages else listed)
        assert "Confirm that you owe" not in platform.get(offered[0]).text
        assert "SENDER_NOT_CORE" in refused(forged(platform, f"{offered[0]}/confirm"))
        draft = core.post(core.get(offered[0]).form("/confirm"))
        shown = office.run("voucher", "list", "--deal", SCF, "--json").document["vouchers"]
        assert {one["status"] for one in shown} == {"issued"}
        core.post(draft.form("/post"))
        shown = office.run("voucher", "list", "--deal", SCF, "--json").document["vouchers"]
        assert sorted(one["status"] for one in shown) == ["confirmed", "issued", "issued"]
        assert "Confirm that you owe" not in core.get(offered[0]).text


# ---- what there is


def commands_that_write() -> set[str]:
    """Every command with `--dry-run`."""
    found = set()

    def walk(command: click.Command, path: str) -> None:
        if isinstance(command, click.Group):
            for name, own in command.commands.items():
                walk(own, f"{path} {name}".strip())
        if any(option.name == "dry_run" for option in command.params):
            found.add(path)

    context = click.Context(pledger)
    for name in pledger.list_commands(context):
        own = pledger.get_command(context, name)
        assert own is not None
        walk(own, name)
    return found


def test_the_reference_says_of_every_command_that_writes_whether_it_is_done_here() -> None:
    page = (Path(__file__).parents[2] / "docs/reference/console.md").read_text("utf-8")
    section = page.partition("## What is done here")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    named = [one for row in rows for one in re.findall("`([a-z -]+)`", row)]
    assert sorted(named) == sorted(commands_that_write())
