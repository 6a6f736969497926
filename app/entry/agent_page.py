# SPDX-License-Identifier: GPL-3.0-or-later
"""Where customers without the Companion join: whether this server has the page, and the address for an invitation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from app.domain.invitation import BROWSER_MODE, COMPANION_MODE
from app.domain.links import BadLink, PageLink, parse_invite

__all__ = ["JoinPage"]

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class JoinPage:
    """One server's page. A browser's cryptography works on pages that came encrypted or from its own computer."""

    def __init__(self) -> None:
        self.server: Callable[[], str] = lambda: ""
        self._offered = False

    def learn(self, answer: Mapping[str, Any]) -> None:
        """Read from the answer with the certificate whether the server has the page."""
        self._offered = answer.get("join_page") is True

    @property
    def modes(self) -> tuple[str, ...]:
        """How invitations may be opened."""
        return (COMPANION_MODE, BROWSER_MODE) if self._works else (COMPANION_MODE,)

    def address(self, link: str) -> str:
        """Return the page's address for an invitation's link, or "" when there is no page."""
        if not self._works:
            return ""
        try:
            invite = parse_invite(link)
        except BadLink:
            return ""
        return PageLink(self.server().rstrip("/"), invite.iid, invite.join_secret).to_text()

    @property
    def _works(self) -> bool:
        parts = urlsplit(self.server())
        return self._offered and (parts.scheme == "https" or parts.hostname in _LOOPBACK)
