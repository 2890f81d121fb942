"""`pledger voucher`, what it writes; what it shows is in `voucher_views`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ledger import reading
from ledger.cli.command import Asked, Output, command, group, today
from ledger.cli.render import amount, waiting
from ledger.cli.submitting import run_output, submit_command, unread_output
from ledger.errors import EntryInvalid, FileInvalid, UsageInvalid
from ledger.messages import text
from ledger.money import currency_code, currency_decimals, parse, parse_date

if TYPE_CHECKING:
    from ledger.ledger import Ledger
    from ledger.voucher_entries import VoucherEntry

voucher = group("voucher")
sell = group("sell", within=voucher)

_Make = Callable[[str], "VoucherEntry"]
_FILE = click.Path(path_type=Path)

submit_command(voucher, "vouchers", verb="issue")
submit_command(voucher, "evidence", verb="evidence")
submit_command(voucher, "splits", verb="split")
submit_command(voucher, "transfers", verb="transfer")
submit_command(voucher, "finance", verb="finance")
submit_command(voucher, "payments", verb="settle")
submit_command(voucher, "conversions", verb="convert")


def _on_refs(noun: click.Group, verb: str, *, metavar: str, dated: bool) -> Callable[..., Any]:
    """A command on vouchers or pieces by their refs; its function says what becomes of each."""

    def wrap(make: Callable[..., _Make]) -> click.Command:
        @command(noun, verb, writes=True)
        @click.argument("refs", nargs=-1, required=True, metavar=metavar)
        @click.option("--deal", required=True, metavar="DEAL", help=text("cli.opt_deal"))
        def run(
            asked: Asked,
            refs: tuple[str, ...],
            deal: str,
            late: bool = False,
            on: str | None = None,
            **given: Any,
        ) -> Output:
            if dated:
                given["day"] = parse_date(on) if on else today()

            def entries(ledger: Ledger) -> list[VoucherEntry]:
                made = make(_decimals(ledger, deal), **given)
                return [made(ref) for ref in dict.fromkeys(refs)]

            return _submit(asked, deal, entries, label=", ".join(refs), late=late)

        if dated:
            option = click.Option(["--date", "on"], metavar="DATE", help=text("cli.opt_voucher_on"))
            run.params.insert(2, option)
        return run

    return wrap


def _decimals(ledger: Ledger, deal: str) -> int:
    return currency_decimals(
        reading.currency(ledger.book(), ledger.deal(deal).deal, ledger.deal(deal).version or 1)
    )


def _submit(
    asked: Asked,
    deal: str,
    entries: Callable[[Ledger], Sequence[VoucherEntry]],
    *,
    label: str,
    late: bool = False,
) -> Output:
    by = asked.acting()
    with asked.open() as ledger:
        ledger.deal(deal)
        ledger.expect_own()
        try:
            made = entries(ledger)
        except EntryInvalid as error:
            return unread_output(error, label, ledger)
        return run_output(asked, ledger, made, deal=deal, by=by, late=late, label=label)


def _late(run: click.Command) -> None:
    run.params.append(click.Option(["--late"], is_flag=True, help=text("cli.opt_late")))


# ---- the register


@command(voucher, "confirm", writes=True)
@click.argument("refs", nargs=-1, metavar="[VOUCHER_REF...]")
@click.option("--file", type=_FILE, metavar="FILE", help=text("cli.opt_voucher_file"))
@click.option("--all", "every", is_flag=True, help=text("cli.opt_voucher_all"))
@click.option("--date", "on", metavar="DATE", help=text("cli.opt_voucher_confirmed"))
@click.option("--deal", required=True, metavar="DEAL", help=text("cli.opt_deal"))
@click.option("--allow-extra", is_flag=True, help=text("cli.opt_allow_extra"))
@click.option("--late", is_flag=True, help=text("cli.opt_late"))
def confirm(
    asked: Asked,
    refs: tuple[str, ...],
    file: Path | None,
    every: bool,
    on: str | None,
    deal: str,
    allow_extra: bool,
    late: bool,
) -> Output:
    """The core enterprise owes them."""
    from ledger import files
    from ledger.voucher_entries import VoucherConfirmation, made
    from ledger.voucher_files import CONFIRMATIONS
    from ledger.vouchers.choosing import to_confirm

    if sum(map(bool, (refs, file, every))) != 1:
        raise UsageInvalid(text("cli.voucher_which"), fix=text("cli.voucher_which_fix"))
    by, day = asked.acting(), parse_date(on) if on else None
    label = ", ".join(refs) or str(file or text("cli.voucher_all"))
    lines: tuple[int, ...] = ()
    with asked.open() as ledger:
        found = ledger.deal(deal)
        ledger.expect_own()
        try:
            if file is not None:
                read = files.read(
                    file, CONFIRMATIONS, decimals=_decimals(ledger, deal), allow_extra=allow_extra
                )
                lines = read.lines
                chosen = [(row.voucher_ref, row.date or day) for row in read.rows]
            else:
                named = to_confirm(ledger, found, by) if every else refs
                chosen = [(ref, day) for ref in dict.fromkeys(named)]
            entries = [
                made(VoucherConfirmation, voucher_ref=ref, date=confirmed)
                for ref, confirmed in chosen
            ]
        except (FileInvalid, EntryInvalid) as error:
            return unread_output(error, label, ledger)
        return run_output(
            asked, ledger, entries, deal=deal, by=by, late=late, lines=lines,
            file=str(file or ""), label=label,
        )  # fmt: skip


@_on_refs(voucher, "cancel", metavar="VOUCHER_REF...", dated=False)
def cancel(decimals: int) -> _Make:
    """Before it is confirmed."""
    from ledger.voucher_entries import VoucherCancellation, made

    return lambda ref: made(VoucherCancellation, voucher_ref=ref)


@_on_refs(voucher, "dispute", metavar="VOUCHER_REF...", dated=False)
def dispute(decimals: int, *, lifted: bool) -> _Make:
    """Its pieces stand still."""
    from ledger.voucher_entries import VoucherDispute, made

    return lambda ref: made(VoucherDispute, voucher_ref=ref, lifted=lifted)


dispute.params.insert(
    2, click.Option(["--lift", "lifted"], is_flag=True, help=text("cli.opt_voucher_lift"))
)


# ---- what ends financing


@_on_refs(voucher, "withdraw", metavar="PIECE_REF...", dated=True)
def withdraw(decimals: int, **given: Any) -> _Make:
    """An offer, or a sale."""
    from ledger.voucher_entries import Withdrawal, made

    return lambda ref: made(Withdrawal, piece_ref=ref, date=given["day"])


@_on_refs(voucher, "release", metavar="PIECE_REF...", dated=True)
def release(decimals: int, **given: Any) -> _Make:
    """Its loan is repaid."""
    from ledger.voucher_entries import Release, made

    return lambda ref: made(Release, piece_ref=ref, date=given["day"])


@_on_refs(voucher, "recourse", metavar="PIECE_REF...", dated=True)
def recourse(decimals: int, **given: Any) -> _Make:
    """The core enterprise did not pay."""
    from ledger.voucher_entries import Recourse, made

    return lambda ref: made(Recourse, piece_ref=ref, date=given["day"])


_late(recourse)


# ---- from bank to bank


@_on_refs(sell, "offer", metavar="PIECE_REF...", dated=True)
def offer(decimals: int, *, buyer: str, price: str, **given: Any) -> _Make:
    """To another bank."""
    from ledger.voucher_entries import SaleOffer, made

    minor = parse(price, decimals)
    return lambda ref: made(
        SaleOffer, piece_ref=ref, date=given["day"], buyer=buyer, price_minor=minor
    )


@_on_refs(sell, "accept", metavar="PIECE_REF...", dated=True)
def accept(decimals: int, *, price: str, **given: Any) -> _Make:
    """At its price."""
    from ledger.voucher_entries import SaleAcceptance, made

    minor = parse(price, decimals)
    return lambda ref: made(SaleAcceptance, piece_ref=ref, date=given["day"], price_minor=minor)


@_on_refs(sell, "confirm", metavar="PIECE_REF...", dated=True)
def sold(decimals: int, **given: Any) -> _Make:
    """The price came."""
    from ledger.voucher_entries import SaleConfirmation, made

    return lambda ref: made(SaleConfirmation, piece_ref=ref, date=given["day"])


def _price() -> click.Option:
    return click.Option(
        ["--price"], required=True, metavar="AMOUNT", help=text("cli.opt_voucher_price")
    )


offer.params.insert(
    2,
    click.Option(["--buyer"], required=True, metavar="BANK", help=text("cli.opt_voucher_buyer")),
)
offer.params.insert(3, _price())
accept.params.insert(2, _price())
_late(sold)


# ---- limits


@command(voucher, "limit", writes=True)
@click.option("--bank", required=True, metavar="BANK", help=text("cli.opt_voucher_bank"))
@click.option("--core", required=True, metavar="CORE", help=text("cli.opt_voucher_limited"))
@click.option(
    "--amount", "given", required=True, metavar="AMOUNT", help=text("cli.opt_voucher_max")
)
@click.option("--currency", default="CNY", metavar="CODE", help=text("cli.opt_pool_currency"))
def limit(asked: Asked, bank: str, core: str, given: str, currency: str) -> Output:
    """What a bank finances of a core enterprise at most."""
    from ledger.vouchers.limits import set_limit

    by, decimals = asked.acting(bank), currency_decimals(currency_code(currency))
    max_minor = parse(given, decimals)
    with asked.open() as ledger:
        ledger.expect_own()
        done = set_limit(
            ledger, bank=bank, core=core, max_minor=max_minor, by=by, dry_run=asked.dry_run
        )
    document: dict[str, Any] = {
        "bank": bank,
        "core": core,
        "max_minor": max_minor,
        "member": by,
        "posted": int(bool(done.action) and not done.waits),
        "already_posted": int(not done.action),
        "waiting": int(done.waits),
        "action": done.action.hex() or None,
    }
    if done.waits:
        line = waiting(by, bank, done.action)
    else:
        key = "cli.voucher_limit_set" if done.action else "cli.voucher_limit_already"
        line = text(key, bank=bank, core=core, amount=amount(max_minor, decimals))
    return Output(document=document, text=line)
