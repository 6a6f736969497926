# SPDX-License-Identifier: GPL-3.0-or-later
"""Bugs that can be planted into the product while a world runs, to prove that the simulator would find them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from unittest.mock import patch

from tests.sync.sim import plants_blobs, plants_client, plants_server
from tests.sync.sim.plants_registry import PLANTS

__all__ = ["PLANTS", "planted", "plants_blobs", "plants_client", "plants_server"]


@contextlib.contextmanager
def planted(name: str) -> Iterator[None]:
    """Let the product have this bug while the block runs."""
    with contextlib.ExitStack() as stack:
        for owner, attribute, instead in PLANTS[name].make():
            stack.enter_context(patch.object(owner, attribute, instead, create=True))
        yield
