# SPDX-License-Identifier: GPL-3.0-or-later
"""What customers read: articles and announcements, version by version."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0014"


def upgrade(op: Operations) -> None:
    """Add the tables of articles and announcements."""
    _table(
        op,
        "article",
        [
            sa.Column("article", sa.LargeBinary),
            *(sa.Column(name, sa.Text) for name in ("title_ko", "title_en", "body_ko", "body_en", "folder")),
            *(sa.Column(name, sa.Text) for name in ("audience", "state", "review_on")),
        ],
    )
    _table(
        op,
        "announcement",
        [
            sa.Column("announcement", sa.LargeBinary),
            *(sa.Column(name, sa.Text) for name in ("text_ko", "text_en", "places")),
            *(sa.Column(name, sa.BigInteger) for name in ("from_at", "until_at")),
            sa.Column("urgency", sa.Text),
            sa.Column("withdrawn", sa.Boolean),
        ],
    )
    op.create_index("ix_article_article", "article", ["article"])
    op.create_index("ix_announcement_announcement", "announcement", ["announcement"])


def _table(op: Operations, name: str, own: list[sa.Column[Any]]) -> None:
    op.create_table(
        name,
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("scope_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("fld", sa.Text, nullable=False),
        *own,
        sa.Column("supersedes", sa.LargeBinary),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("created_by", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope_id", "seq", name=f"uq_{name}_scope_seq"),
    )
