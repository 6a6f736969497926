# SPDX-License-Identifier: GPL-3.0-or-later
"""An application that is lent to one test after another keeps nothing of the one before."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

from litestar.testing import TestClient

from tests.server.lent_app import Lender
from tests.server.world import World


def test_it_serves_one_server_at_a_time_and_afterwards_the_next_with_its_own_parts(desk: World) -> None:
    """Two servers at once are two applications; a server that is put together otherwise gets another one."""
    lender = Lender()
    first, second = lender.app(desk.parts), lender.app(desk.parts)
    assert first is not second
    assert TestClient(first).get("/ready").json()["broker"] == "none"
    lender.all_back()
    assert lender.app(replace(desk.parts, join_page=not desk.parts.join_page)) not in (first, second)
    away = cast("Any", SimpleNamespace(broker="away"))
    again = lender.app(replace(desk.parts, hub=away))
    assert again in (first, second)
    assert TestClient(again).get("/ready").json()["broker"] == "away"
