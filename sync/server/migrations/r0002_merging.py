# SPDX-License-Identifier: GPL-3.0-or-later
"""Merged tickets: by which of them a message or note came, and an index to find them; time entries."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0002"


def upgrade(op: Operations) -> None:
    """Add what merging, splitting and time entries need."""
    for table in ("message", "note"):
        op.add_column(table, sa.Column("arrived_via", sa.LargeBinary))
    op.create_index("ix_ticket_merged_into", "ticket", ["merged_into"])
    op.create_table(
        "time_entry",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("scope_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("fld", sa.Text, nullable=False),
        *(sa.Column(name, sa.LargeBinary) for name in ("ticket", "origin_ticket", "arrived_via", "author")),
        sa.Column("started_at", sa.BigInteger),
        sa.Column("duration_s", sa.BigInteger),
        sa.Column("kind", sa.Text),
        sa.Column("billable", sa.Boolean),
        sa.Column("note", sa.Text),
        sa.Column("corrects", sa.LargeBinary),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("created_by", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope_id", "seq", name="uq_time_entry_scope_seq"),
    )
    op.create_index("ix_time_entry_ticket", "time_entry", ["ticket"])
