# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's tables: one per entity of the registry, and the system tables of docs/sync.md.

The same on SQLite and PostgreSQL. Ids are 16-byte binaries, times Unix milliseconds, JSON canonical text (so that
what a reader gets is byte for byte what was written).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from app.domain.entities import ENTITIES, Entity, FieldType

__all__ = ["ENTITY_TABLES", "METADATA", "SYSTEM"]

METADATA = sa.MetaData()

_TYPES: Mapping[FieldType, type[sa.types.TypeEngine[Any]]] = {
    FieldType.ID: sa.LargeBinary,
    FieldType.TEXT: sa.Text,
    FieldType.INT: sa.BigInteger,
    FieldType.TIME: sa.BigInteger,
    FieldType.BOOL: sa.Boolean,
    FieldType.JSON: sa.Text,
    FieldType.BYTES: sa.LargeBinary,
}


def _entity_table(entity: Entity) -> sa.Table:
    columns: list[sa.schema.SchemaItem] = [
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("scope_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("fld", sa.Text, nullable=False),
    ]
    # "subject", "kind", "state" and the like are ordinary names; "owner" and "user" are quoted by SQLAlchemy
    columns += [sa.Column(f.name, _TYPES[f.type]()) for f in entity.fields]
    indexes = [sa.Index(f"ix_{entity.name}_{f.name}", f.name) for f in entity.fields if f.index]
    unique = sa.UniqueConstraint("scope_id", "seq", name=f"uq_{entity.name}_scope_seq")
    return sa.Table(entity.name, METADATA, *columns, unique, *indexes)


ENTITY_TABLES: Mapping[int, sa.Table] = {e.number: _entity_table(e) for e in ENTITIES}


def _table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
    return sa.Table(name, METADATA, *columns)


def _id(name: str, *, pk: bool = False, null: bool = False) -> sa.Column[bytes]:
    return sa.Column(name, sa.LargeBinary, primary_key=pk, nullable=null and not pk)


def _int(name: str, *, pk: bool = False, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=pk, nullable=null and not pk, autoincrement=False)


def _text(name: str, *, pk: bool = False, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=pk, nullable=null and not pk)


class SYSTEM:
    """Tables that are the server's own and never synced."""

    # n and xsum cover the rows that are not deleted
    scope = _table("scope", _text("id", pk=True), _text("kind"), _int("head"), _int("floor"), _int("n"), _int("xsum"))
    account = _table(
        "account", _id("id", pk=True), sa.Column("login", sa.Text, nullable=False, unique=True),
        _text("pw_hash", null=True), sa.Column("oidc_sub", sa.Text, unique=True), _text("state"),
    )  # fmt: skip
    device = _table(
        "device", _id("id", pk=True), _id("account_id"), sa.Column("code", sa.Text, nullable=False, unique=True),
        _text("name"), _text("state"), _int("lmid"), _int("lmid_seen"), _int("offset_ms"), _int("proto"),
        _int("schema"), _int("hello_at"), _int("last_seen"), _text("wipe_token", null=True),
        _int("wiped_at", null=True), _id("replaces", null=True), _int("proved_at", null=True),
    )  # fmt: skip
    refresh = _table(
        "refresh", _id("hash", pk=True), sa.Column("family", sa.LargeBinary, nullable=False, index=True),
        _id("device_id"), _id("parent", null=True), _text("state"), _int("expires"),
    )  # fmt: skip
    scope_access = _table(
        "scope_access", _id("account_id", pk=True), _text("scope_id", pk=True), _text("role"), _int("granted_at")
    )
    mutation_result = _table(
        "mutation_result", _id("device_id", pk=True), _int("mid", pk=True), _id("hash"), _text("st"),
        _text("code", null=True), _text("data", null=True), _int("at"),
    )  # fmt: skip
    ingest = _table("ingest", _text("key", pk=True), _text("result"), _int("at"))
    scope_exit = _table(
        "scope_exit", _text("scope_id", pk=True), _int("seq", pk=True), _int("type"), _id("id"),
        _text("to_scope", null=True), _int("at", null=True),
    )  # fmt: skip
    text_base = _table(
        "text_base", _int("no", pk=True), _id("entity_id"), _text("field"), _int("rev", null=True),
        _id("device_id", null=True), _int("mid", null=True), _text("body"), _int("at"),
    )  # fmt: skip
    counter = _table("counter", _text("name", pk=True), _int("value"))
    effect = _table(
        "effect", _id("id", pk=True), _text("kind"), _text("payload"), _text("state"), _int("tries"),
        _int("not_before"),
    )  # fmt: skip
    blob = _table(
        "blob", _id("sha256", pk=True), _int("size"), _int("have"), _text("state"), _text("media_type"),
        _id("account_id", null=True), _int("at", null=True),
    )  # fmt: skip
    blob_ref = _table("blob_ref", _id("sha256", pk=True), _int("type", pk=True), _id("entity_id", pk=True))
    snapshot = _table(
        "snapshot", _id("id", pk=True), _text("scope_id"), _int("at_seq"), _int("n"), _int("xsum"), _int("bytes"),
        _id("sha256"), _text("state"), _int("created"),
    )  # fmt: skip
    epoch = _table(
        "epoch", _int("no", pk=True), _id("id"), _int("started_at"), _text("reason"), _text("system_id", null=True),
        _int("timeline", null=True),
    )  # fmt: skip
    epoch_head = _table("epoch_head", _int("no", pk=True), _text("scope_id", pk=True), _int("head"))
    enrolment = _table(
        "enrolment", _id("code_hash", pk=True), _id("customer_id"), _int("expires"), _int("used_at", null=True),
        _id("companion_id", null=True),
    )  # fmt: skip
    companion = _table(
        "companion", _id("id", pk=True), sa.Column("customer_id", sa.LargeBinary, nullable=False, index=True),
        _id("pubkey"), _text("name"), _text("state"), _int("last_seen"),
    )  # fmt: skip
    session = _table(
        "session", _id("sid", pk=True), sa.Column("iid", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("ticket_id", sa.LargeBinary, nullable=False, index=True), _id("customer_id"), _id("agent_device"),
        _id("companion_id", null=True), _id("invitation"), _id("signature"), _id("join_secret", null=True),
        sa.Column("code_hash", sa.LargeBinary, unique=True), _text("state"), _int("created"), _int("hard_s"),
        _int("ends"), _id("session_key", null=True),
    )  # fmt: skip
    # what of the server's own went with a merged customer, so that an unmerge takes it back
    merge_move = _table("merge_move", _id("customer_id", pk=True), _text("kind", pk=True), _id("key", pk=True))
    certificate = _table(
        "certificate", _text("serial", pk=True), _id("account_id"), _id("device_id"), _int("not_after"),
        _int("revoked_at", null=True), _id("device_key", null=True),
    )  # fmt: skip
    # scopes that a device is to load again, until it starts to
    resync = _table("resync", _id("device_id", pk=True), _text("scope_id", pk=True), _int("at"))
    # what an administrator did and the processes with live sockets must tell devices: see notices.py
    notice = _table("notice", _id("id", pk=True), _id("device_id"), _text("kind"), _int("at"))
    # secret links of the portal; of each only the hash, whose it is, and the last message before the ticket left them
    portal_link = _table(
        "portal_link", _id("hash", pk=True), sa.Column("ticket_id", sa.LargeBinary, nullable=False, index=True),
        _int("created"), _id("customer_id", null=True), _int("until_no", null=True),
    )  # fmt: skip
    setting = _table("setting", _text("name", pk=True), _text("value"))
