"""Terms: what the parties of a deal sign (deal.toml), frozen and in integers.

The same terms have one canonical JSON and so one digest, whatever file they were written in.
`load` reads a file and reports every problem at once.
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from ledger.consortium import Consortium, Id, unreadable
from ledger.errors import Problem, TermsInvalid, ValueInvalid
from ledger.money import CURRENCY_DECIMALS, DayCount, currency_decimals
from ledger.nesting import read_json
from ledger.problems import missing, placed, problems_of, toml_lines, unknown
from ledger.receivable import Receivable
from ledger.rules import Rule, rules_of, stricter
from ledger.tables import (
    Claim,
    Currency,
    Deposit,
    Fee,
    Funder,
    Limits,
    LossLayer,
    Mode,
    Period,
    Table,
    Tier,
)
from ledger.terms_checks import cross_checks, member_checks, mentions

MAX_FUNDERS = 8
MAX_TIERS = 8
MAX_LAYERS = 8


class Terms(Table):
    """The terms of a deal. Equal terms have equal digests."""

    id: Id
    mode: Annotated[Mode, Field(strict=False)]
    rules: Annotated[tuple[str, ...], Field(strict=False)] = ()
    """Ids of the rule packs that apply besides `limits`."""
    currency: Currency
    day_count: Annotated[DayCount, Field(strict=False)]
    servicer: Id
    disbursed_by: Id
    collected_by: Id
    funding: Annotated[
        tuple[Funder, ...], Field(strict=False, min_length=1, max_length=MAX_FUNDERS)
    ]
    interest: Annotated[tuple[Tier, ...], Field(strict=False, max_length=MAX_TIERS)] = ()
    penalty: Annotated[tuple[Tier, ...], Field(strict=False, max_length=MAX_TIERS)] = ()
    fee: Fee | None = None
    deposit: Deposit | None = None
    loss: Annotated[tuple[LossLayer, ...], Field(strict=False, max_length=MAX_LAYERS)] = ()
    claim: Claim | None = None
    limits: Limits = Limits()
    period: Period | None = None
    receivable: Receivable | None = None
    """Vouchers; there in every deal of mode `receivable`."""

    @model_validator(mode="before")
    @classmethod
    def _of_mode(cls, data: Any) -> Any:
        """A mode that is about vouchers has them, whether its table is written out or not."""
        if isinstance(data, dict) and data.get("mode") == Mode.RECEIVABLE:
            return {**data, "receivable": data.get("receivable") or Receivable()}
        return data

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = cross_checks(dict(self))
        if problems:
            raise TermsInvalid(problems)
        return self

    @property
    def lead(self) -> str:
        """The first funder, who takes rounding residue (尾差归主办行)."""
        return self.funding[0].party

    @property
    def funders(self) -> tuple[str, ...]:
        """The funders in order."""
        return tuple(funder.party for funder in self.funding)

    @property
    def shares_ppm(self) -> tuple[int, ...]:
        """The funders' shares in order; together 1 000 000."""
        return tuple(funder.share_ppm for funder in self.funding)

    @property
    def parties(self) -> tuple[str, ...]:
        """Every party in its order on the chain: the funders, then all others.

        The others follow in the order in which the tables name them in the description of the
        file, not in the order of lines in one file: two files of the same terms have one digest
        and must have one order.
        """
        return tuple(dict.fromkeys([*self.funders, *(party for _, party in mentions(dict(self)))]))

    @property
    def decimals(self) -> int:
        """Decimals of the currency's minor unit."""
        return CURRENCY_DECIMALS[self.currency]

    @property
    def canonical(self) -> bytes:
        """Canonical JSON: names and integers of this model, keys sorted, no spaces, UTF-8.

        What is None is left out, so that a later optional field changes no digest.
        """
        document = self.model_dump(mode="json", exclude_none=True)
        return json.dumps(
            document, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()

    @property
    def digest(self) -> bytes:
        """32 bytes, keccak256 of `canonical`: what every party signs."""
        from eth_hash.auto import keccak

        return keccak(self.canonical)

    @property
    def pack_rules(self) -> list[Rule]:
        """The rules of the deal's packs that bind a deal like this, on one day or another."""
        vouchers = self.receivable is not None
        return rules_of(self.rules, funders=len(self.funding), vouchers=vouchers)

    def limits_at(self, day: date) -> Limits:
        """The stricter of the deal's limits and those of its rule packs on a day."""
        return stricter(self.limits, (rule for rule in self.pack_rules if rule.holds_on(day)))


def load(file: Path, *, consortium: Consortium | None = None) -> Terms:
    """Read and check a deal.toml. Raises `TermsInvalid` with all problems."""
    try:
        document = file.read_bytes().decode("utf-8-sig")
        return read(tomllib.loads(document), consortium=consortium, file=str(file))
    except TermsInvalid as error:
        problems = placed(error.problems, toml_lines(document))
        raise TermsInvalid(problems, file=str(file)) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise TermsInvalid([unreadable(error, str(file))]) from None


def read(
    data: dict[str, Any], *, consortium: Consortium | None = None, file: str = "deal.toml"
) -> Terms:
    """Check a parsed deal.toml; with `consortium`, that its parties are members.

    Raises `TermsInvalid` with all problems: a table that cannot be read does not hide what is
    wrong between the others.
    """
    tables, problems = _readable_tables(data, file)
    found = cross_checks(tables)
    if consortium is not None:
        found += member_checks(tables, consortium)
    problems += [replace(problem, file=file) for problem in found]
    if problems:
        raise TermsInvalid(problems, file=file)
    return Terms(**tables)


def from_canonical(document: bytes) -> Terms:
    """The terms of a canonical JSON. Raises `TermsInvalid`."""
    try:
        return Terms.model_validate(read_json(document), by_alias=False, by_name=True)
    except ValueError as error:
        details = problems_of(error) if isinstance(error, ValidationError) else ()
        raise TermsInvalid(details or [Problem(what=str(error))]) from None


def _readable_tables(data: dict[str, Any], file: str) -> tuple[dict[str, Any], list[Problem]]:
    """Every table that is valid by itself or absent by right; the problems of the others."""
    tables: dict[str, Any] = {}
    problems: list[Problem] = []
    context = {"decimals": _decimals(data)}
    for name, field in Terms.model_fields.items():
        if name not in data:
            if field.is_required():
                problems.append(missing(name, file))
            else:
                tables[name] = field.default
            continue
        adapter: TypeAdapter[Any] = TypeAdapter(field.rebuild_annotation())
        try:
            tables[name] = adapter.validate_python(
                data[name], context=context, by_alias=True, by_name=False
            )
        except ValidationError as error:
            problems += problems_of(error, file=file, within=(name,))
    problems += [unknown(name, file) for name in data if name not in Terms.model_fields]
    return tables, problems


def _decimals(data: dict[str, Any]) -> int:
    """Decimals of the file's currency; the most there are while the currency is unknown."""
    try:
        return currency_decimals(str(data.get("currency", "")))
    except ValueInvalid:
        return max(CURRENCY_DECIMALS.values())
