# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that support owes, and how many of them a team makes in one half hour."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0018"


def upgrade(op: Operations) -> None:
    """Add the table of callbacks and the team's column."""
    op.add_column("team", sa.Column("callback_capacity", sa.BigInteger))
    op.create_table(
        "callback",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("scope_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("fld", sa.Text, nullable=False),
        *(sa.Column(name, sa.LargeBinary) for name in ("ticket", "origin_ticket", "arrived_via", "customer")),
        sa.Column("phone", sa.Text),
        *(sa.Column(name, sa.BigInteger) for name in ("slot_start", "slot_end")),
        sa.Column("state", sa.Text),
        sa.Column("assignee", sa.LargeBinary),
        *(sa.Column(name, sa.BigInteger) for name in ("attempts", "attempted_at")),
        sa.Column("reached", sa.Boolean),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("created_by", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope_id", "seq", name="uq_callback_scope_seq"),
    )
    for name in ("ticket", "customer", "slot_start", "state"):
        op.create_index(f"ix_callback_{name}", "callback", [name])
