"""Columns: what the tables that analysts get are made of."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Type(StrEnum):
    """What a column holds."""

    INTEGER = "integer"
    TEXT = "text"
    DATE = "date"
    BOOLEAN = "boolean"


class Column(NamedTuple):
    """A column of a table."""

    name: str
    type: Type
    description: str
    null: bool = False
    """Whether it may be empty."""
    references: str = ""
    """`TABLE.COLUMN` of which it holds a value."""


class Table(NamedTuple):
    """A table."""

    name: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    references: tuple[tuple[tuple[str, ...], str, tuple[str, ...]], ...] = ()
    """Keys of several columns: own columns, table, its columns."""
    label: str = ""
    """The column by which people know a row."""


DEAL = Column("deal", Type.TEXT, "The deal.", references="deals.deal")
BLOCK = Column("block", Type.INTEGER, "The block that it is in.")
VERSION = Column("version", Type.INTEGER, "The version of the deal's terms.")
OF_VERSION = (("deal", "version"), "versions", ("deal", "version"))


def minor(name: str, description: str, *, null: bool = False) -> Column:
    """A column of amounts."""
    return Column(f"{name}_minor", Type.INTEGER, description, null)


def party(name: str, description: str, *, null: bool = False) -> Column:
    """A column of members."""
    return Column(name, Type.TEXT, description, null, "members.member")
