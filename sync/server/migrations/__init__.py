# SPDX-License-Identifier: GPL-3.0-or-later
"""Migrations of the server's database: ordinary imported modules, so that a frozen build needs no files beside it.

Each revision module has REVISION and `upgrade(op)` written with alembic's operations. A revision that was released is
never edited; the newest one is the last of `REVISIONS`.
"""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from app.domain.errors import StoreUnavailable
from sync.server.migrations import (
    r0001_initial,
    r0002_merging,
    r0003_machinery,
    r0004_views,
    r0005_clocks,
    r0006_templates,
    r0007_customers,
    r0008_promises,
    r0009_proofs,
    r0010_read_marks,
    r0011_drafts,
    r0012_surveys,
    r0013_portal,
    r0014_publishing,
    r0015_session_keys,
    r0018_callbacks,
    r0019_known,
    r0020_link_customers,
)

__all__ = ["REVISIONS", "migrate"]

REVISIONS: tuple[tuple[str, Callable[[Operations], None]], ...] = (
    (r0001_initial.REVISION, r0001_initial.upgrade),
    (r0002_merging.REVISION, r0002_merging.upgrade),
    (r0003_machinery.REVISION, r0003_machinery.upgrade),
    (r0004_views.REVISION, r0004_views.upgrade),
    (r0005_clocks.REVISION, r0005_clocks.upgrade),
    (r0006_templates.REVISION, r0006_templates.upgrade),
    (r0007_customers.REVISION, r0007_customers.upgrade),
    (r0008_promises.REVISION, r0008_promises.upgrade),
    (r0009_proofs.REVISION, r0009_proofs.upgrade),
    (r0010_read_marks.REVISION, r0010_read_marks.upgrade),
    (r0011_drafts.REVISION, r0011_drafts.upgrade),
    (r0012_surveys.REVISION, r0012_surveys.upgrade),
    (r0013_portal.REVISION, r0013_portal.upgrade),
    (r0014_publishing.REVISION, r0014_publishing.upgrade),
    (r0015_session_keys.REVISION, r0015_session_keys.upgrade),
    (r0018_callbacks.REVISION, r0018_callbacks.upgrade),
    (r0019_known.REVISION, r0019_known.upgrade),
    (r0020_link_customers.REVISION, r0020_link_customers.upgrade),
)

_VERSION = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.Text, primary_key=True))


def migrate(connection: sa.Connection) -> None:
    """Bring the database to the newest revision, inside the caller's transaction.

    Raises StoreUnavailable("store_too_new") when a newer program has written it.
    """
    _VERSION.create(connection, checkfirst=True)
    current = connection.execute(sa.select(_VERSION.c.version_num)).scalar()
    known = [name for name, _ in REVISIONS]
    if current is not None and current not in known:
        raise StoreUnavailable("store_too_new", version=current)
    op = Operations(MigrationContext.configure(connection))
    start = 0 if current is None else known.index(current) + 1
    for _, upgrade in REVISIONS[start:]:
        upgrade(op)
    if start < len(known):
        connection.execute(_VERSION.delete())
        connection.execute(_VERSION.insert().values(version_num=known[-1]))
