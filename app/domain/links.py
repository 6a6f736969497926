# SPDX-License-Identifier: GPL-3.0-or-later
"""The links of Deskside, `deskside://…`, and the join page: how they are built and read. A link only shows something.

    deskside://ticket/<id>                   16 bytes hex; an agent's program shows the ticket
    deskside://enrol/agent/<server>          an agent's program asks to sign in there
    deskside://enrol/<server>#<code>         <server>: `host[:port]` for https, else the URL percent-encoded whole
    deskside://invite/<iid>#<join secret>    16 bytes hex, 32 bytes base64url without padding
    https://<server>/join#<iid>.<join secret>    the same, for a browser

The part behind `#` is the secret one: it is never sent to a server as part of an address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote, urlsplit

from app.domain.ids import TicketId
from app.domain.signed import b64, unb64

__all__ = [
    "BadLink",
    "EnrolLink",
    "InviteLink",
    "Opener",
    "PageLink",
    "TicketLink",
    "normalise_code",
    "opener_of",
    "parse_agent_enrol",
    "parse_enrol",
    "parse_invite",
    "parse_server",
    "parse_ticket",
    "without_secret",
]

_SCHEME = "deskside"
_MAX_LINK = 2048
_MAX_TOLD = 80
_ID = re.compile(r"[0-9a-fA-F]{32}")
_DIGITS = re.compile(r"[0-9]{10}")
_TOKEN = re.compile(r"[A-Za-z0-9_-]{22,64}")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class BadLink(Exception):
    """This is not a link of Deskside, or part of it is missing. The text is for logs."""


class Opener(StrEnum):
    """The program that a link belongs to."""

    AGENT = "agent"
    COMPANION = "companion"


@dataclass(frozen=True, slots=True)
class TicketLink:
    """A ticket, as one agent tells another."""

    ticket: TicketId

    def to_text(self) -> str:
        """Return the link."""
        return f"{_SCHEME}://ticket/{self.ticket.hex()}"


@dataclass(frozen=True, slots=True)
class EnrolLink:
    """Where to enrol a companion and with which code. `server` is a URL without path: `https://help.example:8443`."""

    server: str
    code: str

    @property
    def insecure(self) -> bool:
        """True for plain http to another machine: whoever is on the way can read and change everything."""
        parts = urlsplit(self.server)
        return parts.scheme == "http" and parts.hostname not in _LOOPBACK

    def to_text(self) -> str:
        """Return the link."""
        secure = self.server.startswith("https://")
        place = self.server.removeprefix("https://") if secure else quote(self.server, safe="")
        return f"{_SCHEME}://enrol/{place}#{self.code}"


@dataclass(frozen=True, slots=True)
class InviteLink:
    """Which invitation to fetch, and the secret that proves that this link was handed over by the agent."""

    iid: bytes
    join_secret: bytes

    def to_text(self) -> str:
        """Return the link."""
        return f"{_SCHEME}://invite/{self.iid.hex()}#{b64(self.join_secret)}"


@dataclass(frozen=True, slots=True)
class PageLink:
    """The same invitation for a customer who has only a browser. `server` is a URL without path.

    Both parts stand behind `#`: neither reaches a log of the server or of a proxy before it.
    """

    server: str
    iid: bytes
    join_secret: bytes

    def to_text(self) -> str:
        """Return the address."""
        return f"{self.server}/join#{self.iid.hex()}.{b64(self.join_secret)}"


def parse_server(text: str) -> str:
    """Return a server's URL without path from `host`, `host:port` or a URL. Raises BadLink."""
    url = text.strip().rstrip("/")
    if "://" not in url:
        url = f"https://{url}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadLink("not an address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query or parts.fragment:
        raise BadLink("not a server address")
    if parts.username is not None or parts.password is not None or re.search(r"[\s\x00-\x1f\\%]", url):
        raise BadLink("not a server address")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None else "")


def normalise_code(text: str) -> str:
    """Return an enrolment code as the server knows it: ten digits without spaces or hyphens, or a token as it is.

    Raises BadLink for anything else.
    """
    compact = re.sub(r"[\s-]", "", text)
    if _DIGITS.fullmatch(compact):
        return compact
    if _TOKEN.fullmatch(text.strip()):
        return text.strip()
    raise BadLink("not a code")


def parse_enrol(text: str) -> EnrolLink:
    """Read an enrolment link. Raises BadLink."""
    place, secret = _split(text, "enrol")
    return EnrolLink(parse_server(unquote(place)), normalise_code(secret))


def parse_invite(text: str) -> InviteLink:
    """Read an invitation link. Raises BadLink."""
    place, secret = _split(text, "invite")
    try:
        link = InviteLink(bytes.fromhex(place), unb64(secret))
    except ValueError as error:
        raise BadLink("not hex or base64url") from error
    if len(link.iid) != 16 or len(link.join_secret) != 32:
        raise BadLink("wrong length")
    return link


def parse_ticket(text: str) -> TicketLink:
    """Read a ticket's link. Raises BadLink."""
    place, secret = _cut(text, "ticket")
    if secret or not _ID.fullmatch(place):
        raise BadLink("not a ticket's id")
    return TicketLink(TicketId(bytes.fromhex(place)))


def parse_agent_enrol(text: str) -> str:
    """Return the server at which a link asks an agent to sign in, as `parse_server` does. Raises BadLink."""
    place, secret = _cut(text, "enrol")
    kind, mark, server = place.partition("/")
    if kind.lower() != Opener.AGENT or not mark or secret:
        raise BadLink("not an agent's enrolment link")
    return parse_server(unquote(server))


def opener_of(text: str) -> Opener | None:
    """Return which program a link belongs to; None for what is no link of Deskside, or not a whole one."""
    readers = (
        (parse_ticket, Opener.AGENT), (parse_agent_enrol, Opener.AGENT), (parse_enrol, Opener.COMPANION),
        (parse_invite, Opener.COMPANION),
    )  # fmt: skip
    for read, opener in readers:
        try:
            read(text)
        except BadLink:
            continue
        return opener
    return None


def without_secret(text: str) -> str:
    """Return a link as it may stand in a log: short, in one line, and without what follows `#`."""
    place = text.strip().partition("#")[0][:_MAX_TOLD]
    return "".join(c if c.isprintable() else "?" for c in place)


def _cut(text: str, kind: str) -> tuple[str, str]:
    head = f"{_SCHEME}://{kind}/"
    link = text.strip()
    # schemes are case-insensitive (RFC 3986), and some mail programs capitalise the start of a line
    if len(link) > _MAX_LINK or link[: len(head)].lower() != head:
        raise BadLink(f"not an {kind} link")
    place, _mark, secret = link[len(head) :].partition("#")
    return place.rstrip("/"), secret


def _split(text: str, kind: str) -> tuple[str, str]:
    place, secret = _cut(text, kind)
    if not place or not secret:
        raise BadLink("a part is missing")
    return place, secret
