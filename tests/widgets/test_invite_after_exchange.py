# SPDX-License-Identifier: GPL-3.0-or-later
"""An agent whose certificate counts no more invites all the same: the program fetches another one without a word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.domain.certificate import read_certificate
from app.domain.documents import BadDocument, SignedDocument
from app.domain.invitation import read_invitation
from sync.server.bootstrap import prepare
from sync.server.key_exchange import exchange_key
from sync.server.keys import ServerKeys
from sync.server.problems import ProblemError
from sync.server.schema import SYSTEM
from sync.server.sessions import Sessions
from tests.widgets.test_proof_card import Seat
from widgets.foundation import Theme


@pytest.fixture
def seat(tmp_path: Path, theme: Theme, qtbot: QtBot) -> Iterator[Seat]:
    """A seat that has a certificate of the organisation's first key, and a proof that is new."""
    made = Seat(tmp_path, theme, qtbot)
    made.store.write(lambda cx: cx.execute(SYSTEM.device.update().values(proved_at=made.world.clock.ms)))
    yield made
    made.close()


def _exchange(seat: Seat, folder: Path) -> ServerKeys:
    """The organisation has another key, as after a restart of its server."""
    folder.mkdir()
    exchange_key(seat.store, folder, seat.world.keys, seat.world.clock())
    keys = ServerKeys.load(folder)
    sessions = seat.world.parts.sessions
    sessions._keys, sessions._organisation = keys, prepare(seat.store, keys, seat.world.clock(), seat.world.rng)
    return keys


def test_after_an_exchange_of_the_key_the_first_invitation_goes_out(seat: Seat, tmp_path: Path) -> None:
    """It is signed for with the new key; the refused one is registered nowhere."""
    keys = _exchange(seat, tmp_path / "keys")
    assert seat.desk._identity is not None
    seat.flow.start(seat.desk)
    assert seat.registered() == 1
    assert seat.desk.sessions[-1].info.invited is not None
    with seat.store.read() as cx:
        row = cx.execute(SYSTEM.session.select()).mappings().one()
    signed = SignedDocument(bytes(row["invitation"]), bytes(row["signature"]))
    invitation, _certificate = read_invitation(signed, keys.organisation_public)
    with pytest.raises(BadDocument):
        read_certificate(invitation.agent_cert, seat.world.keys.organisation_public)


def test_an_invitation_that_is_refused_for_another_cause_is_tried_no_third_time(
    seat: Seat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once more with another certificate, and not again."""

    def refuse(*_: object) -> None:
        raise ProblemError(400, "invitation")

    monkeypatch.setattr(Sessions, "_checked", refuse)
    seat.link.calls.clear()
    seat.flow.start(seat.desk)
    assert [path.rpartition("/")[2] for _m, path, _b in seat.link.calls][:3] == [
        "invitations", "certificate", "invitations"
    ]  # fmt: skip
    assert sum(path.endswith("/invitations") for _m, path, _b in seat.link.calls) == 2
    assert seat.registered() == 0
