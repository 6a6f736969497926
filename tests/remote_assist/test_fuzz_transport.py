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


@pytest.mark.slow
def test_a_session_that_is_connected_anew_many_times_keeps_its_size() -> None:
    """A computer that goes from network to network: each connection gives back the pictures and the encoder it had."""
    with HostilePeer(Role.CUSTOMER) as peer:
        sizes = []
        for _ in range(24):
            peer.connect()
            peer.grant("view")
            assert peer.shows_pictures()
            sizes.append(peer.memory_mb)
        assert max(sizes[-3:]) < max(sizes[:4]) + 80, sizes
