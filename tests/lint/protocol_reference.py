# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes docs/protocol-reference.md: mutations, entities, codes and derived ids, from the code that runs them."""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from app.domain import wire_words as words
from app.domain.changes import CHANGES, VERSIONS, AnyChange
from app.domain.entities import (
    CUSTOMER,
    CUSTOMER_BUCKETS,
    ENTITIES,
    MEMBERSHIP,
    SCHEMA,
    TEMPLATE,
    TICKET,
    VIEW,
    Entity,
    Field,
    Home,
    Kind,
    Policy,
)
from app.domain.states import ALLOWED
from sync import protocol
from sync.server.rows import _MAX_ROW_BYTES as _ROW_BYTES

__all__ = ["REFUSING", "problems_in_code", "reference_page", "refusals_in_code"]

ROOT = Path(__file__).resolve().parents[2]
_TYPES = {"bytes": "id", "str": "text", "int": "int", "bool": "bool", "Any": "any value"}
_KINDS = {
    Kind.APPEND: "only added", Kind.MUTABLE: "edited", Kind.SERVER: "made by the server", Kind.VERSIONED: "versions",
}  # fmt: skip
_HOMES = {
    Home.REF: "`ref`", Home.TICKET: "`team:…` of its ticket", Home.CUSTOMER: "`cust:…` of its customer",
    Home.USER: "`user:…`", Home.CHOSEN: "`user:…`, `team:…` or `ref`, as the row says",
}  # fmt: skip
# where a mutation may be refused; accounts and administration refuse elsewhere, with words of their own
REFUSING = (
    *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "app/domain").glob("changes*.py")),
    "app/domain/attachments.py", "app/domain/executor.py", "app/domain/states.py", "sync/server/apply.py",
    "sync/server/push.py", "sync/server/losses.py", "sync/server/rows.py",
)  # fmt: skip


def _table(head: str, rows: Iterable[Iterable[str]]) -> list[str]:
    columns = [part.strip() for part in head.split("|")]
    lines = [f"| {' | '.join(columns)} |", "|" + "---|" * len(columns)]
    return [*lines, *(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows), ""]


def _sentence(text: str | None) -> str:
    """The docstring without the mutation's name in front, on one line."""
    flat = " ".join((text or "").split())
    flat = re.sub(r"^(`[a-z.]+`(?: and )?)+: ", "", flat)
    return flat[:1].upper() + flat[1:]


def _type(annotation: str, name: str) -> str:
    optional = " or null" if annotation.endswith("| None") else ""
    base = annotation.removesuffix("| None").strip()
    if base.startswith("tuple["):
        return "list of ids" if "bytes" in base else "list of maps"
    if base.startswith("dict"):
        return "map"
    return ("32 bytes" if name == "entry_hash" else _TYPES.get(base, base)) + optional


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default is dataclasses.MISSING:
        return "yes"
    if field.default is None:
        return "null"
    return {(): "empty", "": "empty"}.get(field.default, f"`{str(field.default).lower()}`")


def _arguments(name: str, kind: type[AnyChange]) -> Iterator[tuple[str, str, str, str]]:
    for field in dataclasses.fields(kind):
        about = words.ARGUMENTS.get(f"{name}.{field.name}", words.ARGUMENTS.get(field.name, ""))
        yield f"`{field.name}`", _type(str(field.type), field.name), _default(field), about


def _mutations() -> Iterator[str]:
    for name, (version, kind) in CHANGES.items():
        newest = VERSIONS.get(name, version)
        yield f"### `{name}`, version {version}" + ("" if newest == version else f" or {newest}")
        yield ""
        yield _sentence(kind.__doc__)
        yield ""
        yield f"Base: {words.BASES[name]}." if name in words.BASES else "Base: none."
        yield ""
        yield from _table("argument | type | default, or needed | what", _arguments(name, kind))


def _edited_by(entity: Entity, field: Field) -> str:
    if field.policy is Policy.TEXT:
        return "`text.edit`"
    if entity is TICKET and field.name == "team":
        return "`ticket.move`"
    if field.policy is Policy.SERVER:
        return ""
    if entity is MEMBERSHIP:
        return "`member.add`, `member.remove`"
    if entity is VIEW:
        return "`view.set`"
    if entity is TEMPLATE:
        return "`template.set`"
    return {TICKET.number: "`ticket.set`", CUSTOMER.number: "`customer.set`"}.get(entity.number, "")


def _field(entity: Entity, field: Field) -> str:
    by = _edited_by(entity, field)
    policy = f", {field.policy.value}" if by and field.policy in (Policy.ASK, Policy.TEXT) else ""
    return f"`{field.name}` {field.type.value}" + (f" ({by}{policy})" if by else "")


def _entities() -> list[str]:
    rows = []
    for entity in ENTITIES:
        fields = ", ".join(_field(entity, field) for field in entity.fields)
        owner = f", by `{entity.parent}`" if entity.parent else ""
        rows.append((str(entity.number), entity.name, _KINDS[entity.kind], _HOMES[entity.home] + owner, fields))
    return _table("number | name | kind | scope | columns (edited by)", rows)


def _simple(head: str, found: Mapping[str, str]) -> list[str]:
    return _table(head, ((f"`{code}`", text) for code, text in found.items()))


def _limits() -> list[str]:
    sizes = {
        "mutations of a push": protocol.PUSH_MAX_MUTATIONS,
        "bytes of all texts, ids and numbers of one row (else `text_too_long`)": _ROW_BYTES,
        "bytes of a push, inflated": protocol.PUSH_MAX_BYTES,
        "bytes of any request, inflated": protocol.INFLATED_MAX_BYTES,
        "bytes of a frame that the server makes": protocol.FRAME_MAX_BYTES,
        "bytes of a frame that a reader must take": 4 * protocol.FRAME_MAX_BYTES,
        "bytes of a pull, as asked by default": protocol.PULL_MAX_BYTES,
        "bytes of a message on `/live`": protocol.LIVE_MAX_BYTES,
    }
    return _table("what | at most", ((name, f"{size:,}") for name, size in sizes.items()))


def _messages() -> list[str]:
    """Every struct of a request, an answer or a frame, with the types of its fields."""
    kinds = (
        protocol.Login, protocol.Tokens, protocol.Refresh, protocol.NewDevice, protocol.Wiped, protocol.Hello,
        protocol.HelloAnswer, protocol.ScopeInfo, protocol.SnapshotRef, protocol.Push, protocol.Mutation,
        protocol.PushAnswer, protocol.Result, protocol.Pull, protocol.Begin, protocol.Results, protocol.Rows,
        protocol.Exits, protocol.Mark, protocol.More, protocol.Sums, protocol.ScopeSum, protocol.Finish,
        protocol.SnapEnd, protocol.Problem,
    )  # fmt: skip
    rows = []
    for kind in kinds:
        fields = (
            f"`{f.encode_name}` {_plain(f.type)}" + ("" if f.required else "?") for f in msgspec.structs.fields(kind)
        )
        tag = kind.__struct_config__.tag
        rows.append((kind.__name__ + (f" (`f`: `{tag}`)" if tag else ""), ", ".join(fields)))
    return _table("message | fields (`?`: may be left out)", rows)


def _plain(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) and "[" not in str(annotation) else str(annotation)
    text = re.sub(r"typing\.|sync\.protocol\.|Annotated\[str, .*\]", lambda m: "str" if m[0][0] == "A" else "", text)
    return text.replace(" | None", " or null").replace("NoneType", "null")


def _states() -> list[str]:
    rows = ((old.value, ", ".join(sorted(new.value for new in after)) or "–") for old, after in ALLOWED.items())
    return _table("category | may be followed by", rows)


_TYPES_HELP = (
    "Texts are UTF-8 without NUL and without lone surrogates, numbers signed 64-bit, ids 16 bytes; texts without "
    "a limit of their own have at most 64 letters, lists at most 1000 parts. Arguments of another type than here, "
    "and missing ones, are refused as `malformed`."
)
_COLUMNS_HELP = (
    f"A customer's bucket is `cust:` and the last byte of its id modulo {CUSTOMER_BUCKETS}; a team's and a user's "
    "scope has the id in hex. `bool` is a boolean, `time` ms, `json` a text of canonical JSON, `bytes` and `id` "
    "binary. A column is null when it has no value. Where two edits of a column meet the later intent wins, "
    "unless `ask` or `text` stands there; "
    "`state` asks where solved or closed is wanted."
)
_CONFLICT_HELP = (
    "Codes of `conflict`: `stale_reply` and `deleted` (the change is held), none for lost values, whose "
    "`data.fields` lists {field, open}. `data` of a new ticket has its `number`."
)


def _changing() -> list[str]:
    return [
        "## Mutations", "", _TYPES_HELP, "", *_mutations(),
        "## Entities", "", _COLUMNS_HELP, "", *_entities(),
        "## States", "", "By category, for agents; `closed` is reopened by roles lead and admin only.", "", *_states(),
    ]  # fmt: skip


def _telling() -> list[str]:
    kinds = ((f"`{kind}`", *about) for kind, about in words.CONFLICT_KINDS.items())
    ids = ((row, *about) for row, about in words.DERIVED_IDS.items())
    return [
        "## Results", "", "Codes of `rejected`:", "", *_simple("code | means", words.REFUSALS), _CONFLICT_HELP, "",
        "## Conflict rows", "", *_table("kind | holds | settled by", kinds), *_simple("status | means", words.STAGES),
        "`reason` of what is held, in `data` of the result and in `theirs`:", "",
        *_simple("reason | means", words.HELD_REASONS),
        "## Derived ids", "", "UUIDv5 (RFC 9562): the namespace's 16 bytes, the name as UTF-8. Ids in a name are hex.",
        "",
        *_table("row | namespace | name", ids),
    ]  # fmt: skip


def reference_page(made: str) -> str:
    """Return the page."""
    problems = (
        (f"`{code}`", ", ".join(map(str, statuses)), what, do) for code, (statuses, what, do) in words.PROBLEMS.items()
    )
    head = f"Words and numbers of [protocol.md](protocol.md): protocol {protocol.PROTO}, schema {SCHEMA}."
    parts = [
        "# Protocol reference", "", made, head, "", *_changing(), *_telling(),
        "## Problems", "", *_table("code | status | means | the client", problems),
        "## Messages", "", *_messages(), "## Limits", "", *_limits(),
    ]  # fmt: skip
    return "\n".join(parts).rstrip() + "\n"


def _calls(path: str, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse((ROOT / path).read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name:
            yield node


def refusals_in_code() -> set[str]:
    """Return every literal word with which a mutation can be refused."""
    found = {
        call.args[0].value
        for path in REFUSING
        for call in _calls(path, "Refused")
        if call.args and isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }
    return found | {"unknown_mutation", "malformed", "error", "stale_reply", "deleted"}


def problems_in_code() -> set[tuple[int, str]]:
    """Return every literal (status, code) that the server answers."""
    out = set()
    for path in sorted((ROOT / "sync/server").rglob("*.py")):
        for call in _calls(path.relative_to(ROOT).as_posix(), "ProblemError"):
            said = [arg.value for arg in call.args if isinstance(arg, ast.Constant)]
            if len(said) == len(call.args) == 2:
                out.add((int(str(said[0])), str(said[1])))
    return out
