"""Generate the references that the code itself can tell: CLI, contracts, SDK, exported tables.

python docs/generate.py            write docs/reference/{cli,contracts,sdk,export-tables}.md
python docs/generate.py --check    exit 1 if one differs from what the code says
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
ARTIFACTS = ROOT / "ledger" / "artifacts"
CONTRACTS = (
    "Members", "Deals", "Journal", "Loans", "Servicing", "Guarantees", "Accruals", "Settlements",
    "Lists", "Exposures", "Vouchers", "Financing", "Payments", "Pools",
)  # fmt: skip
RUNTIME_BYTES_MAX = 24_576
_NOTE = "<!-- Written by docs/generate.py. Change the code it reads, then run it again. -->"
_SHARED = (
    "ledger", "member", "json", "lang", "passphrase_file", "lock_timeout_seconds", "rpc",
    "token_file", "help",
)  # fmt: skip
_SDK_EXTRA = {"Ledger": "ledger", "Submitted": "posting", "RejectedRow": "errors"}
"""Names that users of the SDK meet though `ledger` does not export them."""
_SDK_FUNCTIONS = (
    ("consortium", "load"),
    ("founding", "found"),
    ("terms", "load"),
    ("files", "read"),
    ("deposits", "pay"),
    ("deposits", "release"),
    ("deposits", "deposit_ledger"),
    ("cover", "layers_used"),
    ("cover", "open_claims"),
    ("periods", "close"),
    ("periods", "period"),
    ("statements", "recompute"),
    ("position", "position"),
    ("sealing", "business_day"),
    ("own_books", "own_books"),
    ("settlements", "pair"),
    ("dues", "dues"),
    ("transfers", "transfers"),
    ("vouchers/limits", "set_limit"),
    ("lists", "change"),
    ("lists", "history"),
    ("figures", "declare"),
    ("figures", "declare_group"),
    ("figures", "exposures"),
    ("membership", "add_key"),
    ("membership", "replace_key"),
    ("membership", "revoke_key"),
    ("enrolling", "enrol"),
    ("membership", "admit"),
    ("membership", "expel"),
    ("membership", "replace_checker"),
    ("actions", "meaning"),
    ("replay/replaying", "replay"),
    ("importing", "import_chain"),
    ("disclosed", "take_disclosed"),
    ("proofs/key_history", "members_file"),
    ("proofs/entries", "prove"),
    ("proofs/verifying", "verify"),
    ("exports/sources", "source"),
    ("exports/writing", "write"),
    ("reports/kinds", "report"),
)


def cli_reference() -> str:
    """docs/reference/cli.md."""
    from ledger.messages import set_language

    set_language("en")
    import click

    from ledger.cli.root import pledger

    parts = [
        "# Command line",
        _NOTE,
        "`pledger NOUN VERB`. What a command does is in its section; what all share is here.",
        "## Options of every command",
        _options(pledger, keep=_SHARED),
        "Give them before or after the command; the innermost counts. A command that writes also"
        " takes `--dry-run`: it validates and executes against the present state, changes nothing,"
        " and its verdict equals the real run's. Exit codes and errors: [errors.md](errors.md)."
        " JSON documents: [entries-and-files.md](entries-and-files.md#json-documents).",
    ]
    context = click.Context(pledger, info_name="pledger")
    for path, command in _commands(pledger, context, "pledger"):
        arguments = [p.make_metavar(context) for p in command.params if _is_argument(p)]
        usage = " ".join([path, "[OPTIONS]", *arguments])
        parts += [f"## `{path}`", command.help or "", f"    {usage}"]
        own = _options(command, drop=_SHARED)
        if own:
            parts.append(own)
    return "\n\n".join(parts) + "\n"


def _commands(group: Any, context: Any, path: str) -> Iterator[tuple[str, Any]]:
    import click

    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            if hasattr(command, "default"):
                yield f"{path} {name}", command.default
            yield from _commands(command, context, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def _is_argument(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument")


def _options(command: Any, *, keep: tuple[str, ...] = (), drop: tuple[str, ...] = ()) -> str:
    rows = []
    for parameter in command.params:
        if _is_argument(parameter) or parameter.name in drop:
            continue
        if keep and parameter.name not in keep:
            continue
        flag = ", ".join(parameter.opts)
        if not parameter.is_flag:
            choices = getattr(parameter.type, "choices", None)
            flag += " " + ("|".join(choices) if choices else parameter.metavar or "TEXT")
        required = " Required." if parameter.required else ""
        rows.append((f"`{flag}`", (parameter.help or "") + required))
    return _table(("option", "means"), rows) if rows else ""


def contracts_reference() -> str:
    """docs/reference/contracts.md."""
    parts = [
        "# Contracts",
        _NOTE,
        "What the compiler found in the sources, from the artifacts that the package ships"
        " (`ledger/artifacts/*.json`). Packed words are drawn in"
        " [events-and-packing.md](events-and-packing.md), reasons for refusal in"
        " [reasons.md](reasons.md), invariants and where each is checked in"
        " [invariants.md](invariants.md).",
    ]
    for name in CONTRACTS:
        parts += _contract(json.loads((ARTIFACTS / f"{name}.json").read_text("utf-8")))
    return "\n\n".join(parts) + "\n"


def _contract(artifact: dict[str, Any]) -> list[str]:
    name, devdoc = artifact["contract"], artifact["devdoc"]
    source = artifact["sources"][f"{name}.vy"]
    bytes_used = len(artifact["runtime"]) // 2 - 1
    parts = [
        f"## {name}",
        artifact["userdoc"].get("notice", _header_notice(source)),
        _table(
            ("", ""),
            [
                ("units", devdoc["custom:units"]),
                ("how to stop it", devdoc["custom:stop"]),
                (
                    "compiled",
                    f"{artifact['compiler']}, EVM {artifact['evm_version']},"
                    f" {bytes_used} of at most {RUNTIME_BYTES_MAX} bytes",
                ),
            ],
        ),
        f"### Invariants of {name}",
        "\n".join(f"- **{letter}** {rule}" for letter, rule in invariants(devdoc)),
    ]
    comments = _comments(source)
    functions = [item for item in artifact["abi"] if item["type"] == "function"]
    getters = {item["name"]: item for item in functions if item["name"] in _public(source)}
    parts.append(f"### Functions of {name}")
    for item in functions:
        if item["name"] not in getters:
            parts.append(_function(item, artifact))
    parts.append(f"### Events of {name}")
    for item in artifact["abi"]:
        if item["type"] == "event":
            parts.append(_event(item, comments))
    layout = artifact["storage_layout"]["storage_layout"]
    parts += [f"### Storage of {name}", _storage(layout, getters, comments)]
    return parts


def invariants(devdoc: dict[str, Any]) -> list[tuple[str, str]]:
    """Letter and rule of each `@custom:invariant` of a contract."""
    text = " ".join(devdoc["custom:invariant"].split())
    found = re.split(r"(?:^|\s)([A-Z]\d)\s", text)[1:]
    return list(zip(found[::2], (rule.strip() for rule in found[1::2]), strict=True))


def _header_notice(source: str) -> str:
    found = re.search(r"@notice (.*?)\n@", source, re.DOTALL)
    assert found, "a contract without @notice"
    return " ".join(found[1].split())


def _function(item: dict[str, Any], artifact: dict[str, Any]) -> str:
    name = item["name"]
    signature = f"{name}({','.join(_type(field) for field in item['inputs'])})"
    user = artifact["userdoc"].get("methods", {}).get(signature, {})
    dev = artifact["devdoc"].get("methods", {}).get(signature, {})
    inputs = ", ".join(f"{field['name']}: {_shown_type(field)}" for field in item["inputs"])
    view = " (view)" if item["stateMutability"] in ("view", "pure") else ""
    about = " ".join(text for text in (user["notice"], dev.get("details", "")) if text)
    lines = [f"#### `{name}({inputs})`{view}", about]
    rows = [
        (f"`{field['name']}`", _cells(field, dev.get("params", {}).get(field["name"], "")))
        for field in item["inputs"]
    ]
    returned = dev.get("returns", {}).get("_0")
    if returned:
        rows.append(("returns", _cells(item["outputs"][0], returned)))
    if rows:
        lines.append(_table(("parameter", "means"), rows))
    return "\n\n".join(line for line in lines if line)


def _event(item: dict[str, Any], comments: dict[str, str]) -> str:
    rows = [
        (
            f"`{field['name']}`",
            _shown_type(field) + (", indexed" if field["indexed"] else ""),
            comments.get(f"{item['name']}.{field['name']}", ""),
        )
        for field in item["inputs"]
    ]
    about = comments.get(item["name"], "")
    parts = [f"#### `{item['name']}`", about, _table(("field", "type", ""), rows)]
    return "\n\n".join(part for part in parts if part)


def _storage(layout: dict[str, Any], getters: dict[str, Any], comments: dict[str, str]) -> str:
    rows = []
    for name, place in sorted(layout.items(), key=lambda pair: pair[1]["slot"]):
        getter = ""
        if name in getters:
            getter = f"`{name}({', '.join(_type(field) for field in getters[name]['inputs'])})`"
        about = comments.get(name, "")
        rows.append((str(place["slot"]), f"`{name}`", f"`{place['type']}`", getter, about))
    return _table(("slot", "variable", "type", "getter", ""), rows)


def _public(source: str) -> set[str]:
    return set(re.findall(r"^(\w+): public\(", source, re.MULTILINE))


def _comments(source: str) -> dict[str, str]:
    """What the comment lines right above a declaration say; fields as `Event.field`."""
    found: dict[str, str] = {}
    pending: list[str] = []
    block = ""
    for line in source.splitlines():
        text = line.strip()
        if not line.startswith(" "):
            block = ""
        if text.startswith("# ----"):
            pending = []
        elif text.startswith("#"):
            pending.append(text.removeprefix("#").strip())
        else:
            opened = re.match(r"(?:event|struct) (\w+):", line)
            declared = re.match(r"(\w+): ", text)
            name = opened[1] if opened else declared[1] if declared else ""
            if name and pending:
                found[f"{block}.{name}" if block else name] = " ".join(pending)
            block = opened[1] if opened else block
            pending = []
    return found


def _type(field: dict[str, Any]) -> str:
    kind: str = field["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(map(_type, field['components']))}){kind.removeprefix('tuple')}"


def _shown_type(field: dict[str, Any]) -> str:
    return str(field.get("internalType", field["type"])).replace("tuple", "struct")


def _cells(field: dict[str, Any], text: str) -> str:
    """The meaning, and the fields of a struct behind it."""
    if not field["type"].startswith("tuple"):
        return text
    fields = ", ".join(f"`{inner['name']}: {_shown_type(inner)}`" for inner in field["components"])
    return f"{text} Fields: {fields}."


def sdk_reference() -> str:
    """docs/reference/sdk.md."""
    init = ast.parse((ROOT / "ledger" / "__init__.py").read_text("utf-8"))
    home = next(
        ast.literal_eval(node.value)
        for node in init.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_HOME"
    )
    parts = [
        "# SDK",
        _NOTE,
        "`import ledger` loads nothing; a public name loads its module on first use. Amounts are"
        " integers in minor units, rates integers in parts per million, dates `datetime.date`."
        " Errors: [errors.md](errors.md).",
    ]
    for name, module in sorted((_SDK_EXTRA | home).items()):
        where = "ledger" if name in home else f"ledger.{module}"
        parts += _public_name(name, where, _tree(module))
    parts.append("## Functions")
    for module, name in _SDK_FUNCTIONS:
        (node,) = (
            item
            for item in _tree(module).body
            if isinstance(item, ast.FunctionDef) and item.name == name
        )
        parts.append(_method(node, prefix="ledger." + module.partition("/")[0] + "."))
    return "\n\n".join(parts) + "\n"


def _tree(module: str) -> ast.Module:
    return ast.parse((ROOT / "ledger" / f"{module}.py").read_text("utf-8"))


def _public_name(name: str, where: str, tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return [f"## `{where}.{name}`", ast.get_docstring(node) or "", *_members(node)]
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == name:
            return [f"## `{where}.{name}`", f"    {ast.unparse(node)}"]
    raise AssertionError(f"{name} is not in its module")


def _members(node: ast.ClassDef) -> list[str]:
    rows, parts = [], []
    for at, item in enumerate(node.body):
        after = node.body[at + 1] if at + 1 < len(node.body) else None
        if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
            if "ClassVar" not in ast.unparse(item.annotation):
                rows.append((f"`{item.target.id}`", _annotation(item.annotation), _text_of(after)))
        elif isinstance(item, ast.FunctionDef) and not item.name.startswith("_"):
            parts.append(_method(item))
    fields = [_table(("field", "type", ""), rows)] if rows else []
    return fields + parts


class _Plain(ast.NodeTransformer):
    """`Annotated[X, ...]` as X."""

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        """Unwrap."""
        self.generic_visit(node)
        if ast.unparse(node.value) == "Annotated" and isinstance(node.slice, ast.Tuple):
            return node.slice.elts[0]
        return node


def _annotation(node: ast.expr) -> str:
    return f"`{' '.join(ast.unparse(_Plain().visit(node)).split())}`"


def _method(node: ast.FunctionDef, *, prefix: str = "") -> str:
    kinds = {ast.unparse(decorator) for decorator in node.decorator_list}
    doc = " ".join((ast.get_docstring(node) or "").split())
    if "property" in kinds:
        return f"**`{node.name}`** (property) — {doc}"
    arguments = re.sub(r"^(self|cls)(, )?", "", ast.unparse(node.args))
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"**`{prefix}{node.name}({arguments}){result}`** — {doc}"


def _text_of(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return " ".join(str(node.value.value).split())
    return ""


def tables_reference() -> str:
    """Every table of `pledger book export` with its columns."""
    from ledger.exports.schema import SCHEMA_VERSION, TABLES

    parts = [
        "# Exported tables",
        _NOTE,
        "The tables of `pledger book export --format sqlite` and `--format parquet`: the same rows"
        " in both ([how to use them](../how-to/use-other-tools.md)). Amounts end in `_minor`:"
        " integers in minor units of the deal's currency, of postings and balances debit above 0."
        " `_ppm` is parts per million. Dates are ISO text in SQLite and dates in Parquet; truth"
        " values are 0 and 1 in SQLite. `PRAGMA user_version` is the version of these tables,"
        f" {SCHEMA_VERSION}: under one version a column keeps its meaning.",
    ]
    for table in TABLES:
        keys = {own: f"{other}.{theirs}" for own, other, theirs in _single_keys(table)}
        rows = [
            (
                f"`{one.name}`",
                one.type.value + (", may be empty" if one.null else ""),
                f"`{keys[one.name]}`" if one.name in keys else "",
                one.description,
            )
            for one in table.columns
        ]
        many = [f"`{', '.join(own)}` lead to `{other}`" for own, other, _ in table.references]
        key = f"Key: `{', '.join(table.key)}`." + (f" {'; '.join(many)}." if many else "")
        parts += [
            f"## `{table.name}`",
            f"{table.description} {key}",
            _table(("column", "type", "leads to", "holds"), rows),
        ]
    return "\n\n".join(parts) + "\n"


def _single_keys(table: Any) -> Iterator[tuple[str, str, str]]:
    for one in table.columns:
        if one.references:
            yield one.name, *one.references.split(".")


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(re.sub(r" +\|", " |", line) for line in lines)


PAGES = {
    "cli": cli_reference,
    "contracts": contracts_reference,
    "sdk": sdk_reference,
    "export-tables": tables_reference,
}
"""Page of docs/reference to what writes it."""


def main(arguments: list[str]) -> int:
    """Write or check; returns the exit code."""
    stale = []
    for name, write in PAGES.items():
        path, text = DOCS / "reference" / f"{name}.md", write()
        if "--check" not in arguments:
            path.write_text(text, "utf-8")
        elif not path.exists() or path.read_text("utf-8") != text:
            stale.append(name)
    for name in stale:
        print(f"docs/reference/{name}.md is not what the code says", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
