# SPDX-License-Identifier: GPL-3.0-or-later
"""What is already known when help is asked for, when customers like to be called, and what a merge of two moved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0007"


def upgrade(op: Operations) -> None:
    """Add the table of fact cards, the customer's call times and the server's own record of merges."""
    op.add_column("customer", sa.Column("call_times", sa.Text))
    texts = ("product", "model", "serial", "os", "app_version", "last_error", "error_code", "warranty_until")
    op.create_table(
        "fact_card",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("scope_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("fld", sa.Text, nullable=False),
        sa.Column("ticket", sa.LargeBinary),
        sa.Column("asset", sa.LargeBinary),
        *(sa.Column(name, sa.Text) for name in texts),
        sa.Column("collected_at", sa.BigInteger),
        sa.Column("consent", sa.Boolean),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("created_by", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope_id", "seq", name="uq_fact_card_scope_seq"),
    )
    op.create_index("ix_fact_card_ticket", "fact_card", ["ticket"])
    op.create_table(
        "merge_move",
        sa.Column("customer_id", sa.LargeBinary, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "kind", "key"),
    )
