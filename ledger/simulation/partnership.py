"""Partnership: the members of a simulated ledger and the terms of its deals, as files."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from datetime import date

from ledger import terms
from ledger.simulation.profiles import Profile, Way
from ledger.terms import Terms

BANK, GUARANTOR, AUDITOR, OTHER_BANK = "bank-a", "guarantor-g", "auditor-u", "bank-b"
CHAIN_ID = 20240930
VALIDATORS = (BANK, OTHER_BANK, GUARANTOR, AUDITOR)
"""Four: one may be lost and the others seal on."""
CHAIN_PLATFORM, VOUCHER_DEAL = "platform-c", "vouchers"
"""Who runs the vouchers, and the deal on them."""
CORES, SUPPLIERS = ("core-a", "core-b"), ("supplier-1", "supplier-2", "supplier-3")
TRIGGER_DAYS = 90
"""Past due: when the layers pay, as in the terms."""

_MEMBERS = (
    (BANK, "Bank A", "bank custodian", "lending"),
    (OTHER_BANK, "Bank B", "bank", "lending"),
    (GUARANTOR, "Guarantor G", "guarantor", "guarantee"),
    (AUDITOR, "Auditor U", "auditor", ""),
)
_CHAIN_MEMBERS = (
    (CHAIN_PLATFORM, "Chain platform", "platform", ""),
    *((one, f"Core enterprise {one[-1:].upper()}", "core", "") for one in CORES),
    *((one, f"Supplier {one[-1:]}", "supplier", "") for one in SUPPLIERS),
)
_HEAD = """\
id = "{deal}"
mode = "{mode}"
currency = "CNY"
day_count = "ACT/360"
servicer = "{platform}"
disbursed_by = "{bank}"
collected_by = "{bank}"
"""
_ALONE = """\
[[funding]]
party = "{bank}"
share = "100%"
"""
_DEPOSIT = """\
[deposit]
by = "{platform}"
custodian = "{bank}"
target = "5%"
warn = "4.7%"
stop = "4.5%"
"""
_CLAIM = """\
[claim]
days_past_due = 90
base = "principal"
"""
_LIMITS = """\
[limits]
max_annual_rate = "24%"
max_bullet_days = 366
"""
_WAYS = {
    Way.JOINT: (
        "joint",
        """\
[[funding]]
party = "{bank}"
share = "70%"
[[funding]]
party = "{platform}"
share = "30%"
[[interest]]
to = "{platform}"
share = "20%"
[[penalty]]
to = "{platform}"
share = "10%"
""" + _LIMITS + 'min_partner_share = "30%"\n',
    ),
    Way.DEPOSIT: (
        "deposit",
        _ALONE + """\
[[interest]]
to = "funders"
rate = "7%"
[[interest]]
to = "{platform}"
share = "100%"
""" + _DEPOSIT + """\
[[loss]]
payer = "{platform}"
source = "deposit"
""" + _CLAIM + _LIMITS,
    ),
    Way.LAYERS: (
        "deposit",
        _ALONE + """\
[[interest]]
to = "funders"
rate = "8%"
[[interest]]
to = "{platform}"
share = "60%"
""" + _DEPOSIT + """\
[[loss]]
payer = "{platform}"
source = "deposit"
cap = {{ disbursed = "5%" }}
[[loss]]
payer = "{platform}"
source = "direct"
share = "40%"
""" + _CLAIM + 'recovery_order = "pro_rata"\n' + _LIMITS,
    ),
    Way.PROFIT_SHARE: (
        "profit-share",
        _ALONE + """\
[period]
rule = "excess"
bank_return = "7%"
share = "60%"
to = "{platform}"
""" + _LIMITS,
    ),
    Way.GUARANTEED: (
        "guaranteed",
        _ALONE + """\
[[interest]]
to = "{platform}"
share = "10%"
[fee]
to = "{guarantor}"
borrower_per_instalment = "0.4%"
[[loss]]
payer = "{guarantor}"
source = "direct"
cap = {{ disbursed = "8%" }}
""" + _CLAIM + _LIMITS + 'max_all_in_cost = "24%"\n',
    ),
    Way.REFERRAL: (
        "referral",
        _ALONE + """\
[fee]
to = "{platform}"
per_loan_share = "2%"
""" + _LIMITS,
    ),
}  # fmt: skip
"""Mode of the deal and its tables."""
FEE_PPM = {Way.GUARANTEED: 4_000}
"""What a borrower pays as fee with each instalment, of the original principal: as in the terms."""


_VOUCHERS = (
    _ALONE
    + """\
[[interest]]
to = "{platform}"
share = "5%"
[receivable]
cores = [{cores}]
advance = "85%"
core_cost = "20%"
evidence = ["order"]
recourse = true
"""
)


def consortium_toml(
    profiles: Sequence[Profile], *, genesis: date, seed: str, vouchers: bool = False
) -> str:
    """The members' file: bank, guarantor, auditor, another bank that seals, and the platforms;
    with `vouchers` also who is in a supply chain."""
    lines = [
        f'name = "simulated-{seed}"',
        f"chain_id = {CHAIN_ID}",
        f"genesis_time = {genesis.isoformat()}T00:00:00Z",
        'clock = "stepped"',
    ]
    platforms = [(one.id, one.name, "platform guarantor", "lending guarantee") for one in profiles]
    chain = _CHAIN_MEMBERS if vouchers else ()
    for member, name, roles, licences in [*_MEMBERS, *platforms, *chain]:
        lines += [
            "",
            "[[member]]",
            f'id = "{member}"',
            f'name = "{name}"',
            f"roles = {_list(roles)}",
        ]
        if licences:
            lines.append(f"licences = {_list(licences)}")
        if member in VALIDATORS:
            lines.append("validator = true")
    return "\n".join(lines) + "\n"


def _list(words: str) -> str:
    return "[" + ", ".join(f'"{word}"' for word in words.split()) + "]"


def deal_toml(profile: Profile) -> str:
    """The terms of a platform's deal with the bank, as its file."""
    mode, tables = _WAYS[profile.way]
    return (_HEAD + tables).format(
        deal=profile.id, mode=mode, platform=profile.id, bank=BANK, guarantor=GUARANTOR
    )


def voucher_toml() -> str:
    """The terms of the deal on vouchers, as its file."""
    cores = ", ".join(f'"{core}"' for core in CORES)
    return (_HEAD + _VOUCHERS).format(
        deal=VOUCHER_DEAL, mode="receivable", platform=CHAIN_PLATFORM, bank=BANK, cores=cores
    )


def voucher_terms() -> Terms:
    """The same, read."""
    return terms.read(tomllib.loads(voucher_toml()))


def deal_terms(profile: Profile) -> Terms:
    """The same, read."""
    return terms.read(tomllib.loads(deal_toml(profile)))
