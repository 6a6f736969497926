# SPDX-License-Identifier: GPL-3.0-or-later
"""The first tables. Frozen: what was released does not change here, a later revision changes it.

Written in a short form, one line of `name:type` a table; `?` may be empty, `*` has an index, `!` is unique.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0001"

_ENTITIES = {
    "ticket": (
        "number:int* provisional:text aliases:text subject:text state:bytes* priority:int kind:text "
        "channel:text customer:bytes* organisation:bytes asset:bytes team:bytes* owner:bytes* tier:int "
        "language:text snooze_until:int incident:bytes merged_into:bytes close_reason:text facts:bytes "
        "msg_seq:int last_in_no:int last_out_no:int last_at:int* preview:text created_at:int created_by:bytes"
    ),
    "message": (
        "ticket:bytes* origin_ticket:bytes direction:text author_kind:text author:bytes channel:text "
        "body:text html:text body_hash:bytes quoted_ranges:text participants:text attachments:text "
        "header_message_id:text automatic:bool occurred_at:int sent_at:int seen_seq:int msg_no:int "
        "created_at:int created_by:bytes"
    ),
    "note": (
        "ticket:bytes* origin_ticket:bytes author:bytes body:text mentions:text attachments:text "
        "replaces:bytes created_at:int created_by:bytes"
    ),
    "history_event": (
        "subject_type:int subject:bytes* kind:text data:text acted_at:int recorded_at:int actor_kind:text "
        "actor:bytes created_at:int created_by:bytes"
    ),
    "membership": "subject:bytes* kind:text member:bytes* present:bool created_at:int created_by:bytes",
    "tag": "name:text colour:text retired:bool created_at:int created_by:bytes",
    "state": "category:text name_ko:text name_en:text position:int active:bool created_at:int created_by:bytes",
    "user": (
        "login:text name:text public_name:text signature:text roles:text teams:text active:bool "
        "created_at:int created_by:bytes"
    ),
    "team": "name_ko:text name_en:text calendar:bytes created_at:int created_by:bytes",
    "customer": (
        "name:text preferred_name:text honorific:text language:text zone:text tier:text organisation:bytes* "
        "blocked_reason:text merged_into:bytes created_at:int created_by:bytes"
    ),
    "contact_address": (
        "customer:bytes* kind:text value:text* label:text is_primary:bool verified_at:int bad_since:int "
        "created_at:int created_by:bytes"
    ),
    "organisation": "name:text domains:text tier:text note:text created_at:int created_by:bytes",
    "asset": (
        "owner:bytes* product:text model:text serial:text* purchased_on:text warranty_until:text status:text "
        "created_at:int created_by:bytes"
    ),
    "entitlement": (
        "owner:bytes* plan:text included_ko:text included_en:text valid_from:text valid_until:text "
        "options_after_ko:text options_after_en:text supersedes:bytes created_at:int created_by:bytes"
    ),
    "calendar": "name:text zone:text week:text holidays:text exceptions:text created_at:int created_by:bytes",
    "calendar_spans": "calendar:bytes spans:text from_s:int to_s:int created_at:int created_by:bytes",
    "session_record": (
        "ticket:bytes* sid:bytes* entry_no:int kind:text entry:text entry_hash:bytes at:int created_at:int "
        "created_by:bytes"
    ),
    "conflict": (
        "subject_type:int subject:bytes* field:text kind:text base:text mine:text theirs:text author:bytes "
        "hlc:int status:text created_at:int created_by:bytes"
    ),
    "support_contact": "name_ko:text name_en:text phone:text mail:text calendar:bytes created_at:int created_by:bytes",
}

# table: (primary key, columns)
_SYSTEM = {
    "scope": ("id", "id:text kind:text head:int floor:int n:int xsum:int"),
    "account": ("id", "id:bytes login:text! pw_hash:text? oidc_sub:text?! state:text"),
    "device": (
        "id",
        "id:bytes account_id:bytes code:text! name:text state:text lmid:int lmid_seen:int offset_ms:int "
        "proto:int schema:int hello_at:int last_seen:int",
    ),
    "refresh": ("hash", "hash:bytes family:bytes* device_id:bytes parent:bytes? state:text expires:int"),
    "scope_access": ("account_id scope_id", "account_id:bytes scope_id:text role:text granted_at:int"),
    "mutation_result": ("device_id mid", "device_id:bytes mid:int hash:bytes st:text code:text? data:text? at:int"),
    "ingest": ("key", "key:text result:text at:int"),
    "scope_exit": ("scope_id seq", "scope_id:text seq:int type:int id:bytes to_scope:text?"),
    "text_base": ("no", "no:int entity_id:bytes field:text rev:int? device_id:bytes? mid:int? body:text at:int"),
    "counter": ("name", "name:text value:int"),
    "effect": ("id", "id:bytes kind:text payload:text state:text tries:int not_before:int"),
    "blob": ("sha256", "sha256:bytes size:int have:int state:text media_type:text"),
    "blob_ref": ("sha256 type entity_id", "sha256:bytes type:int entity_id:bytes"),
    "snapshot": (
        "id",
        "id:bytes scope_id:text at_seq:int n:int xsum:int bytes:int sha256:bytes state:text created:int",
    ),
    "epoch": ("no", "no:int id:bytes started_at:int reason:text system_id:text? timeline:int?"),
    "epoch_head": ("no scope_id", "no:int scope_id:text head:int"),
    "enrolment": ("code_hash", "code_hash:bytes customer_id:bytes expires:int used_at:int? companion_id:bytes?"),
    "companion": ("id", "id:bytes customer_id:bytes* pubkey:bytes name:text state:text last_seen:int"),
    "session": (
        "sid",
        "sid:bytes iid:bytes! ticket_id:bytes* customer_id:bytes agent_device:bytes companion_id:bytes? "
        "invitation:bytes signature:bytes join_secret:bytes? code_hash:bytes?! state:text created:int "
        "hard_s:int ends:int",
    ),
    "certificate": ("serial", "serial:text account_id:bytes device_id:bytes not_after:int revoked_at:int?"),
    "setting": ("name", "name:text value:text"),
}

_TYPES: dict[str, type[sa.types.TypeEngine[Any]]] = {
    "text": sa.Text,
    "int": sa.BigInteger,
    "bytes": sa.LargeBinary,
    "bool": sa.Boolean,
}


def upgrade(op: Operations) -> None:
    """Make every table of version 1."""
    for name, words in _ENTITIES.items():
        own = [_column(word, nullable=True) for word in words.split()]
        common: list[sa.schema.SchemaItem] = [
            sa.Column("id", sa.LargeBinary, nullable=False),
            sa.Column("scope_id", sa.Text, nullable=False),
            sa.Column("seq", sa.BigInteger, nullable=False),
            sa.Column("deleted", sa.Boolean, nullable=False),
            sa.Column("deleted_at", sa.BigInteger),
            sa.Column("rev", sa.BigInteger, nullable=False),
            sa.Column("fld", sa.Text, nullable=False),
        ]
        keys: list[sa.schema.SchemaItem] = [
            sa.PrimaryKeyConstraint("id"),
            sa.UniqueConstraint("scope_id", "seq", name=f"uq_{name}_scope_seq"),
        ]
        op.create_table(name, *common, *own, *keys)
        _indexes(op, name, words)
    for name, (key, words) in _SYSTEM.items():
        columns = [_column(word, nullable="?" in word) for word in words.split()]
        unique = [sa.UniqueConstraint(_name(word)) for word in words.split() if "!" in word]
        op.create_table(name, *columns, sa.PrimaryKeyConstraint(*key.split()), *unique)
        _indexes(op, name, words)


def _name(word: str) -> str:
    return word.partition(":")[0]


def _column(word: str, *, nullable: bool) -> sa.Column[Any]:
    kind = word.partition(":")[2].rstrip("?*!")
    return sa.Column(_name(word), _TYPES[kind](), nullable=nullable, autoincrement=False)


def _indexes(op: Operations, table: str, words: str) -> None:
    for word in words.split():
        if "*" in word:
            op.create_index(f"ix_{table}_{_name(word)}", table, [_name(word)])
