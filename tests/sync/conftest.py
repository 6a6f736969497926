# SPDX-License-Identifier: GPL-3.0-or-later
"""A help desk with two agents' computers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.desk import Client, Desk

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "server")
    yield made
    made.close()


@pytest.fixture
def kim(desk: Desk, tmp_path: Path) -> Iterator[Client]:
    client = Client(desk, tmp_path / "kim", "kim")
    client.sync()
    yield client
    client.close()


@pytest.fixture
def lee(desk: Desk, tmp_path: Path) -> Iterator[Client]:
    client = Client(desk, tmp_path / "lee", "lee")
    client.sync()
    yield client
    client.close()
