# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose each secret link is: a ticket may be given to another customer, its link may not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic.operations import Operations

__all__ = ["REVISION", "upgrade"]

REVISION = "0020"


def upgrade(op: Operations) -> None:
    """Add the columns; a link of before is that of the customer whom its ticket has now."""
    op.add_column("portal_link", sa.Column("customer_id", sa.LargeBinary))
    op.add_column("portal_link", sa.Column("until_no", sa.BigInteger))
    op.execute(
        "UPDATE portal_link SET customer_id = (SELECT customer FROM ticket WHERE ticket.id = portal_link.ticket_id)"
    )
