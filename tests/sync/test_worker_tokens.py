# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from app.domain.errors import NoKeyring
from app.entry.sync_worker_tokens import KeyringTokens, ReplicaTokens
from tests.sync.desk import Client


class Secrets:
    """A key store that can be locked."""

    def __init__(self) -> None:
        self.held: dict[str, bytes] = {}
        self.locked = False

    def get(self, name: str) -> bytes | None:
        self._ask()
        return self.held.get(name)

    def put(self, name: str, value: bytes) -> None:
        self._ask()
        self.held[name] = value

    def remove(self, name: str) -> None:
        self._ask()
        self.held.pop(name, None)

    def _ask(self) -> None:
        if self.locked:
            raise NoKeyring


def test_a_token_kept_aside_while_the_key_store_refused_is_the_newest(kim: Client) -> None:
    """The one in the key store is spent; shown again the server would take it for stolen."""
    secrets = Secrets()
    tokens = KeyringTokens(secrets, ReplicaTokens(kim.replica))
    tokens.save("first")
    secrets.locked = True
    tokens.save("second")
    secrets.locked = False
    assert tokens.load() == "second"
    tokens.save("third")
    assert (tokens.load(), secrets.held) == ("third", {"refresh_token": b"third"})
