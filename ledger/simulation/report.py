"""Report of a simulation: for a terminal, as workbook, page, CSV or JSON."""

from __future__ import annotations

from ledger.messages import has, text
from ledger.money import PPM, day_number, format, half_up
from ledger.reporting.report import (
    Column,
    Fact,
    Report,
    Row,
    Shape,
    Table,
    Unit,
    Value,
    content_sha256,
    word,
)
from ledger.simulation.posting import Posted
from ledger.simulation.simulating import Simulated
from ledger.simulation.summary import document, party_results, peak
from ledger.simulation.tenant import Tenant

_CNY = Shape("CNY", 2)
_AMOUNT, _COUNT, _DAY = Unit.AMOUNT, Unit.COUNT, Unit.DAY


def simulation_report(
    simulated: Simulated, base: Simulated | None = None, posted: Posted | None = None
) -> Report:
    """What the terms did to whom. `base`: the same plan without its stresses."""
    found = document(simulated, base, posted)
    # How long it took on this machine is no content.
    without = ("milliseconds", "slowest_day", "slowest_milliseconds", "slowest_entries")
    found["content_sha256"] = content_sha256(found, without=without)
    tables = [_parties(simulated, base), _deals(simulated)]
    if base:
        tables.append(_changes(simulated, base))
    tables += [_vouchers(simulated), _planted(simulated)]
    if posted:
        tables += [_sealed(posted), _differences(posted)]
    tables += [_vintages(simulated), _months(simulated)]
    return Report(
        title=text("simulate.title"),
        facts=_facts(simulated, base, posted),
        tables=tuple(one for one in tables if one.rows),
        verdict=_verdict(simulated, posted),
        notes=(text("simulate.note"),),
        document=found,
    )


def _verdict(simulated: Simulated, posted: Posted | None) -> str:
    entries = sum(one.dealing.counts.entries.total() for one in simulated.deals)
    planted = simulated.planted.total()
    said = text(
        "simulate.verdict",
        loans=f"{sum(one.dealing.counts.booked for one in simulated.tenants):,}",
        entries=f"{entries:,}",
        refused=f"{sum(one.dealing.counts.refused.total() for one in simulated.tenants):,}",
        planted=f"{planted:,}",
    )
    if posted is None:
        return said
    key = "simulate.posted_differs" if posted.differences else "simulate.posted"
    return said + "\n" + text(key, count=len(posted.differences), block=posted.head.number)


def _facts(simulated: Simulated, base: Simulated | None, posted: Posted | None) -> tuple[Fact, ...]:
    plan, most = simulated.plan, peak(simulated)
    facts = [
        Fact("simulated_days", f"{plan.first.isoformat()} / {plan.months}"),
        Fact("simulated_seed", plan.seed),
        Fact("simulated_stress", _stresses(simulated)),
    ]
    if most.day is not None:
        facts += [
            Fact("simulated_peak", day_number(most.day), _DAY),
            Fact("simulated_peak_entries", most.repayments, _COUNT),
            Fact("simulated_peak_times", format(half_up(most.times_ppm, 10_000), 2)),
            Fact("simulated_peak_rate", format(half_up(most.per_second_ppm, 1_000), 3)),
        ]
    if base:
        without = peak(base).times_ppm
        facts.append(Fact("simulated_peak_base", format(half_up(without, 10_000), 2)))
    if posted and posted.milliseconds:
        rate = posted.entries * 1_000 // posted.milliseconds
        facts.append(Fact("simulated_posting_rate", rate, _COUNT))
    return tuple(facts)


def _stresses(simulated: Simulated) -> str:
    plan = simulated.plan
    if not plan.stresses:
        return "-"
    said = ", ".join(text(f"simulate.stress.{one.value}") for one in plan.stresses)
    return text("simulate.stress_from", stress=said, date=plan.stress_day.isoformat())


def _parties(simulated: Simulated, base: Simulated | None) -> Table:
    columns = [
        Column(key="party"),
        Column(key="income", unit=_AMOUNT, total=True),
        Column(key="written_off", unit=_AMOUNT, total=True),
        Column(key="claims_open", unit=_AMOUNT, total=True),
        Column(key="not_received", unit=_AMOUNT, total=True),
        Column(key="not_paid", unit=_AMOUNT, total=True),
        Column(key="result", unit=_AMOUNT, total=True),
    ]
    without = {one.party: one.result_minor for one in party_results(base)} if base else {}
    if base:
        columns += [
            Column(key="base_result", unit=_AMOUNT, total=True),
            Column(key="difference", unit=_AMOUNT, total=True),
        ]
    rows = []
    for one in party_results(simulated):
        values: list[Value] = [
            one.party, one.income_minor, one.written_off_minor, one.claims_minor,
            one.not_received_minor, one.not_paid_minor, one.result_minor,
        ]  # fmt: skip
        if base:
            values += [without[one.party], one.result_minor - without[one.party]]
        rows.append(Row(tuple(values)))
    return _CNY.table("simulated_parties", tuple(columns), rows)


def _deals(simulated: Simulated) -> Table:
    columns = (
        Column(key="deal"),
        Column(key="mode"),
        Column(key="booked", unit=_COUNT, total=True),
        Column(key="refused", unit=_COUNT, total=True),
        Column(key="disbursed", unit=_AMOUNT, total=True),
        Column(key="outstanding", unit=_AMOUNT, total=True),
        Column(key="past_due_90", unit=_AMOUNT, total=True),
        Column(key="compensated", unit=_AMOUNT, total=True),
        Column(key="recovered", unit=_AMOUNT, total=True),
        Column(key="written_off_gross", unit=_AMOUNT, total=True),
        Column(key="deposit", unit=_AMOUNT, total=True),
        Column(key="deposit_out", unit=_DAY),
        Column(key="lending_stopped", unit=_DAY),
        Column(key="stopped_by"),
    )
    rows = []
    for one in simulated.tenants:
        counts, ends = one.dealing.counts, one.milestones
        days = [day_number(day) if day else None for day in (ends.deposit_out_on, ends.stopped_on)]
        rows.append(
            Row(
                (
                    one.profile.id, word("simulate.way", one.profile.way.value),
                    counts.booked, counts.refused.total(), counts.disbursed_minor,
                    one.dealing.outstanding_minor, one.past_due_minor, counts.compensated_minor,
                    counts.recovered_minor, counts.written_off_minor, one.dealing.deposit_minor,
                    *days, ends.stopped_by or None,
                )
            )
        )  # fmt: skip
    return _CNY.table("simulated_deals", columns, rows)


def _changes(simulated: Simulated, base: Simulated) -> Table:
    """By deal, against the same plan without its stresses."""
    columns = (
        Column(key="deal"),
        Column(key="booked", unit=_COUNT, total=True),
        Column(key="disbursed", unit=_AMOUNT, total=True),
        Column(key="outstanding", unit=_AMOUNT, total=True),
        Column(key="past_due_90", unit=_AMOUNT, total=True),
        Column(key="compensated", unit=_AMOUNT, total=True),
        Column(key="recovered", unit=_AMOUNT, total=True),
        Column(key="written_off_gross", unit=_AMOUNT, total=True),
        Column(key="deposit", unit=_AMOUNT, total=True),
    )
    rows = []
    for one, without in zip(simulated.tenants, base.tenants, strict=True):
        pairs = zip(_figures(one), _figures(without), strict=True)
        rows.append(Row((one.deal, *(figure - other for figure, other in pairs))))
    return _CNY.table("simulated_changes", columns, rows)


def _figures(tenant: Tenant) -> tuple[int, ...]:
    counts, dealing = tenant.dealing.counts, tenant.dealing
    return (
        counts.booked, counts.disbursed_minor, dealing.outstanding_minor, tenant.past_due_minor,
        counts.compensated_minor, counts.recovered_minor, counts.written_off_minor,
        dealing.deposit_minor,
    )  # fmt: skip


def _vouchers(simulated: Simulated) -> Table:
    columns = (
        Column(key="deal"),
        Column(key="vouchers", unit=_COUNT),
        Column(key="voucher_face", unit=_AMOUNT),
        Column(key="voucher_discounted", unit=_AMOUNT),
        Column(key="voucher_lent", unit=_AMOUNT),
        Column(key="paid", unit=_AMOUNT),
        Column(key="outstanding", unit=_AMOUNT),
    )
    rows = []
    if one := simulated.vouchers:
        face, paid = one.issued_minor, one.paid_minor
        issued = one.dealing.counts.entries["voucher"]
        figures = issued, face, one.discounted_minor, one.pledged_minor, paid, face - paid
        rows.append(Row((one.deal, *figures)))
    return _CNY.table("simulated_vouchers", columns, rows)


def _vintages(simulated: Simulated) -> Table:
    columns = (
        Column(key="deal"),
        Column(key="vintage"),
        Column(key="loans", unit=_COUNT, total=True),
        Column(key="principal", unit=_AMOUNT, total=True),
        Column(key="past_due_90", unit=_AMOUNT, total=True),
        Column(key="past_due_90_rate", unit=Unit.RATE),
    )
    rows = [
        Row(
            (
                tenant.profile.id, f"{end.month:%Y-%m}", one.booked, one.principal_minor,
                one.past_due_minor, half_up(one.past_due_minor * PPM, one.principal_minor or 1),
            )
        )
        for tenant in simulated.tenants
        for end, one in zip(tenant.month_ends, tenant.vintages, strict=True)
        if one.booked
    ]  # fmt: skip
    return _CNY.table("simulated_vintages", columns, rows)


def _months(simulated: Simulated) -> Table:
    columns = (
        Column(key="deal"),
        Column(key="month"),
        Column(key="booked", unit=_COUNT),
        Column(key="refused", unit=_COUNT),
        Column(key="outstanding", unit=_AMOUNT),
        Column(key="deposit", unit=_AMOUNT),
        Column(key="compensated", unit=_AMOUNT),
        Column(key="recovered", unit=_AMOUNT),
        Column(key="written_off_gross", unit=_AMOUNT),
    )
    rows = [
        Row(
            (
                tenant.profile.id, f"{one.month:%Y-%m}", one.booked, one.refused,
                one.outstanding_minor, one.deposit_minor, one.compensated_minor,
                one.recovered_minor, one.written_off_minor,
            )
        )
        for tenant in simulated.tenants
        for one in tenant.month_ends
    ]  # fmt: skip
    return _CNY.table("simulated_months", columns, rows)


def _planted(simulated: Simulated) -> Table:
    columns = (
        Column(key="code"),
        Column(key="meaning"),
        Column(key="count", unit=_COUNT, total=True),
    )
    rows = [Row((code, _meaning(code), count)) for code, count in sorted(simulated.planted.items())]
    return _CNY.table("simulated_planted", columns, rows)


def _meaning(code: str) -> str:
    key = f"report.code.{code}"
    return text(key) if has(key) else code


def _sealed(posted: Posted) -> Table:
    columns = (
        Column(key="member"),
        Column(key="blocks_sealed", unit=_COUNT, total=True),
        Column(key="validator_now"),
    )
    rows = [
        Row((member, count, word("simulate.seals", "yes" if member in posted.validators else "no")))
        for member, count in sorted(posted.sealed.items())
    ]
    return _CNY.table("simulated_sealed", columns, rows)


def _differences(posted: Posted) -> Table:
    columns = (Column(key="where"), Column(key="simulated"), Column(key="found"))
    rows = [Row((one.where, one.simulated, one.posted)) for one in posted.differences]
    return _CNY.table("simulated_differences", columns, rows)
