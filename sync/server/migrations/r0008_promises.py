# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises to customers, and what a complaint is closed with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0008"


def upgrade(op: Operations) -> None:
    """Add the table of promises and the ticket's columns of a complaint."""
    for name in ("root_cause", "follow_up"):
        op.add_column("ticket", sa.Column(name, sa.Text))
    op.add_column("ticket", sa.Column("follow_up_at", sa.BigInteger))
    op.add_column("ticket", sa.Column("follow_up_owner", sa.LargeBinary))
    op.create_index("ix_ticket_follow_up_owner", "ticket", ["follow_up_owner"])
    op.create_table(
        "promise",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("scope_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("fld", sa.Text, nullable=False),
        *(sa.Column(name, sa.LargeBinary) for name in ("ticket", "origin_ticket", "arrived_via", "author")),
        sa.Column("text", sa.Text),
        sa.Column("due_at", sa.BigInteger),
        sa.Column("waits", sa.Boolean),
        sa.Column("made_in", sa.LargeBinary),
        sa.Column("closed_by", sa.LargeBinary),
        sa.Column("closed_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("created_by", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope_id", "seq", name="uq_promise_scope_seq"),
    )
    for name in ("ticket", "author", "due_at"):
        op.create_index(f"ix_promise_{name}", "promise", [name])
