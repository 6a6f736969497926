# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to the two questions: is it solved, and were you treated well."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0012"


def upgrade(op: Operations) -> None:
    """Add the table of answers."""
    op.create_table(
        "survey_answer",
        sa.Column("id", sa.LargeBinary, nullable=False),
        sa.Column("scope_id", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("deleted_at", sa.BigInteger),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("fld", sa.Text, nullable=False),
        *(sa.Column(name, sa.LargeBinary) for name in ("ticket", "origin_ticket", "arrived_via")),
        sa.Column("answered_at", sa.BigInteger),
        sa.Column("solved", sa.Boolean),
        sa.Column("treated_well", sa.Boolean),
        sa.Column("comment", sa.Text),
        sa.Column("told_to", sa.LargeBinary),
        sa.Column("created_at", sa.BigInteger),
        sa.Column("created_by", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scope_id", "seq", name="uq_survey_answer_scope_seq"),
    )
    op.create_index("ix_survey_answer_ticket", "survey_answer", ["ticket"])
