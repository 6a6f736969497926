# SPDX-License-Identifier: GPL-3.0-or-later
"""Canned replies and macros of people, teams and everybody."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0006"


def upgrade(op: Operations) -> None:
    """Add the table of templates."""
    texts = ("kind", "name_ko", "name_en", "folder", "body_ko", "body_en", "actions", "share")
    op.create_table(
        "template",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("scope_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("fld", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in texts),
        sa.Column("team", sa.LargeBinary),
        sa.Column("owner", sa.LargeBinary),
        sa.Column("position", sa.BigInteger),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("created_by", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope_id", "seq", name="uq_template_scope_seq"),
    )
