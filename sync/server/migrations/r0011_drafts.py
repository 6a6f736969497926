# SPDX-License-Identifier: GPL-3.0-or-later
"""Drafts that follow their author to other devices, and the formatting of internal notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0011"


def upgrade(op: Operations) -> None:
    """Add the table of drafts and the notes' column."""
    op.create_table(
        "carried_draft",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("scope_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("fld", sa.Text, nullable=False),
        sa.Column("ticket", sa.LargeBinary),
        sa.Column("kind", sa.Text),
        sa.Column("body", sa.Text),
        sa.Column("marks", sa.Text),
        sa.Column("caret", sa.BigInteger),
        sa.Column("seen_seq", sa.BigInteger),
        sa.Column("seen_id", sa.LargeBinary),
        sa.Column("attachments", sa.Text),
        sa.Column("device", sa.Text),
        sa.Column("typed_at", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("created_by", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope_id", "seq", name="uq_carried_draft_scope_seq"),
    )
    op.create_index("ix_carried_draft_ticket", "carried_draft", ["ticket"])
    op.add_column("note", sa.Column("html", sa.Text))
