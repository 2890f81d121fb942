"""`pledger simulate`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger.cli.command import Asked, Output, command
from ledger.cli.forms import chosen_form, form_options, formed
from ledger.cli.render import progress
from ledger.errors import UsageInvalid
from ledger.messages import text

if TYPE_CHECKING:
    from ledger.simulation.plan import Plan

PROFILES = ("qifu", "xinye", "yiren", "xiaoying", "jiayin", "lexin")
STRESSES = (
    "defaults-x3", "platform-delisted", "guarantor-fails", "validator-lost", "salary-day",
)  # fmt: skip
MOST_LOANS = 10_000_000


@command(None, "simulate")
@click.argument("directory", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--loans", type=click.IntRange(1, MOST_LOANS), metavar="N", help=text("simulate.opt_loans")
)
@click.option("--scale", metavar="PERCENT", help=text("simulate.opt_scale"))
@click.option(
    "--vouchers", type=click.IntRange(0, MOST_LOANS), metavar="N",
    help=text("simulate.opt_vouchers"),
)  # fmt: skip
@click.option(
    "--months", type=click.IntRange(1, 120), default=12, metavar="N", show_default=True,
    help=text("simulate.opt_months"),
)  # fmt: skip
@click.option("--from", "first", default="2026-01", metavar="YYYY-MM", show_default=True,
              help=text("simulate.opt_from"))  # fmt: skip
@click.option("--every", "every_days", type=click.IntRange(1, 31), default=1, metavar="DAYS",
              show_default=True, help=text("simulate.opt_every"))  # fmt: skip
@click.option("--seed", default="1", metavar="TEXT", show_default=True,
              help=text("simulate.opt_seed"))  # fmt: skip
@click.option("--profile", "profiles", multiple=True, type=click.Choice(PROFILES),
              help=text("simulate.opt_profile"))  # fmt: skip
@click.option("--stress", "stresses", multiple=True, type=click.Choice(STRESSES),
              help=text("simulate.opt_stress"))  # fmt: skip
@click.option("--stress-from", metavar="DATE", help=text("simulate.opt_stress_from"))
@click.option("--platform", type=click.Choice(PROFILES), help=text("simulate.opt_platform"))
@click.option("--breaks", default="0.2%", metavar="PERCENT", show_default=True,
              help=text("simulate.opt_breaks"))  # fmt: skip
@click.option("--layouts", is_flag=True, help=text("simulate.opt_layouts"))
@click.option("--post", "ledger_folder", type=click.Path(path_type=Path), metavar="LEDGER",
              help=text("simulate.opt_post"))  # fmt: skip
@form_options
def simulate(asked: Asked, directory: Path, ledger_folder: Path | None, **given: Any) -> Output:
    """Portfolios with the profiles of real platforms, and what the terms make of them."""
    from ledger.simulation.posting import post
    from ledger.simulation.report import simulation_report
    from ledger.simulation.simulating import base_of
    from ledger.simulation.simulating import simulate as play

    form = chosen_form(given["form"], given["path"])
    plan = _plan(given)
    for folder in filter(None, (directory, ledger_folder)):
        _expect_new(folder)
    directory.mkdir(parents=True, exist_ok=True)
    with progress(text("simulate.playing")) as show:
        played = play(plan, directory, layouts=given["layouts"], progress=show)
    base = None
    if plan.stresses:
        with progress(text("simulate.playing_base")) as show:
            base = play(base_of(plan), None, progress=show)
    posted = None
    if ledger_folder is not None:
        click.echo(text("cli.init_dev_warning"), err=True)
        with progress(text("simulate.posting")) as show:
            posted = post(played, directory, ledger_folder, progress=show)
    report = simulation_report(played, base, posted)
    differs = posted is not None and bool(posted.differences)
    return formed(asked, report, form, given["path"], exit_code=1 if differs else 0)


def _plan(given: dict[str, Any]) -> Plan:
    from ledger.money import PPM, parse_date, parse_percent
    from ledger.periods import parse_month
    from ledger.simulation.plan import Plan, Stress, loans_at_scale, month_start
    from ledger.simulation.profiles import PROFILES as KNOWN

    chosen = tuple(one for one in KNOWN if not given["profiles"] or one.id in given["profiles"])
    if given["loans"] and given["scale"]:
        raise UsageInvalid(text("simulate.loans_or_scale"))
    loans = given["loans"] or 1_000
    if given["scale"]:
        scale_ppm = parse_percent(given["scale"], most_ppm=PPM)
        loans = loans_at_scale(chosen, given["months"], scale_ppm)
    if not re.fullmatch(r"[a-z0-9-]{1,16}", given["seed"]):
        expected = text("simulate.seed_expected")
        raise UsageInvalid(text("simulate.seed"), expected=expected, found=given["seed"])
    platform = given["platform"] or ""
    if platform and platform not in [one.id for one in chosen]:
        raise UsageInvalid(text("simulate.platform_missing"), found=platform)
    plan = Plan(
        profiles=chosen,
        first=month_start(parse_month(given["first"])),
        months=given["months"],
        every_days=given["every_days"],
        loans=loans,
        vouchers=loans // 20 if given["vouchers"] is None else given["vouchers"],
        seed=given["seed"],
        stresses=tuple(Stress(one) for one in dict.fromkeys(given["stresses"])),
        stress_from=parse_date(given["stress_from"]) if given["stress_from"] else None,
        platform=platform,
        breaks_ppm=parse_percent(given["breaks"], most_ppm=PPM),
    )
    _expect_possible(plan)
    return plan


def _expect_possible(plan: Plan) -> None:
    from ledger.simulation.plan import EARLIEST, LATEST

    if plan.first < EARLIEST or plan.calendar.end > LATEST:
        raise UsageInvalid(
            text("simulate.calendar"),
            expected=f"{EARLIEST.isoformat()} .. {LATEST.isoformat()}",
            found=f"{plan.first.isoformat()} .. {plan.calendar.end.isoformat()}",
        )
    if not plan.first <= plan.stress_day < plan.calendar.end:
        raise UsageInvalid(
            text("simulate.stress_day"),
            expected=f"{plan.first.isoformat()} .. {plan.calendar.end.isoformat()}",
            found=plan.stress_day.isoformat(),
        )


def _expect_new(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageInvalid(
            text("ledger.folder_taken"), where=str(folder), fix=text("ledger.folder_taken_fix")
        )
