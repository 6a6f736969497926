# SPDX-License-Identifier: GPL-3.0-or-later
"""A short slice of `python -m tests.remote_assist.fuzz_transport`: every deed of it once, always the same."""

from __future__ import annotations

import pytest

from app.domain.assist import Role
from tests.remote_assist.fuzz_transport import Fuzz
from tests.remote_assist.hostile_packets import DEEDS
from tests.remote_assist.hostile_peer import HostilePeer

SEED = 20


@pytest.mark.slow
@pytest.mark.parametrize("role", [Role.CUSTOMER, Role.AGENT])
def test_whatever_a_peer_sends_the_child_lives_shows_good_pictures_again_and_lets_nothing_in(role: Role) -> None:
    """Memory is bounded too, and without a grant no picture leaves, whatever is asked for."""
    with HostilePeer(role) as peer:
        fuzz = Fuzz(peer, SEED)
        for name in sorted(DEEDS[role]):
            fuzz.round(name)
        if role is Role.CUSTOMER:
            fuzz.revoked()
        assert set(fuzz.done) == set(DEEDS[role])
