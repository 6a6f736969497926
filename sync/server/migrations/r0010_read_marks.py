# SPDX-License-Identifier: GPL-3.0-or-later
"""Up to which message each person has read each ticket."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0010"


def upgrade(op: Operations) -> None:
    """Add the table of read marks."""
    op.create_table(
        "read_mark",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("scope_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("fld", sa.Text, nullable=False),
        sa.Column("ticket", sa.LargeBinary),
        sa.Column("seen_no", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("created_by", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope_id", "seq", name="uq_read_mark_scope_seq"),
    )
    op.create_index("ix_read_mark_ticket", "read_mark", ["ticket"])
