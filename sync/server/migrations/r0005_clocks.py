# SPDX-License-Identifier: GPL-3.0-or-later
"""SLA policies, versions of calendars, and what a ticket keeps of its clock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0005"


def upgrade(op: Operations) -> None:
    """Add the table of policies and the columns of the clock."""
    for name in ("sla_policy", "sla_calendar"):
        op.add_column("ticket", sa.Column(name, sa.LargeBinary))
    for name in ("next_due", "next_warn"):
        op.add_column("ticket", sa.Column(name, sa.BigInteger))
        op.create_index(f"ix_ticket_{name}", "ticket", [name])
    op.add_column("ticket", sa.Column("due_target", sa.Text))
    op.add_column("calendar", sa.Column("supersedes", sa.LargeBinary))
    numbers = ("first_s", "next_s", "resolution_s", "warn_percent", "warn_min_s", "change_grace_s")
    op.create_table(
        "sla_policy",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("scope_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("fld", sa.Text, nullable=False),
        *(sa.Column(name, sa.Text) for name in ("name_ko", "name_en", "match")),
        sa.Column("position", sa.BigInteger),
        sa.Column("calendar", sa.LargeBinary),
        *(sa.Column(name, sa.BigInteger) for name in numbers),
        sa.Column("pauses", sa.Text),
        sa.Column("active", sa.Boolean),
        sa.Column("supersedes", sa.LargeBinary),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("created_by", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope_id", "seq", name="uq_sla_policy_scope_seq"),
    )
