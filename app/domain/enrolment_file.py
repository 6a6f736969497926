# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a Companion may learn whom to trust, best first, and the file that says so beside the program. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from app.domain.errors import WorldError
from app.domain.links import BadLink, EnrolLink, normalise_code, parse_server
from app.domain.signed import b64, unb64

__all__ = ["FILE_NAME", "SIZE_MAX", "Origin", "Preset", "enrolment_file", "read_enrolment_file"]

FILE_NAME: Final = "deskside-enrolment.json"
SIZE_MAX: Final = 16 * 1024
_KIND: Final = "deskside-enrolment"
_VERSION: Final = 1
_KEY_BYTES: Final = 32


class Origin(StrEnum):
    """Who says whom this computer trusts, best first."""

    POLICY = "policy"
    FILE = "file"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Preset:
    """A server, the organisation's key as b64url ("" where nobody named one), and a code to use once ("" for none)."""

    origin: Origin
    server: str
    key: str = ""
    code: str = ""

    @classmethod
    def of_policy(cls, server: str, key: str) -> Preset | None:
        """Return what policy fixes; None where it fixes nothing. Raises WorldError `enrol_policy_broken`."""
        if not server and not key:
            return None
        try:
            return cls(Origin.POLICY, parse_server(server), _key(key) if key else "")
        except (BadLink, ValueError) as error:
            raise WorldError("enrol_policy_broken") from error

    def with_code_of(self, other: Preset | None) -> Preset:
        """Return this with the code of a file that names the same server and no other key."""
        if other is None or other.server != self.server or (self.key and self.key != other.key):
            return self
        return Preset(self.origin, self.server, self.key, other.code)

    @property
    def link(self) -> EnrolLink | None:
        """What is looked up by itself; None without a code."""
        return EnrolLink(self.server, self.code) if self.code else None


def enrolment_file(link: EnrolLink, key: bytes) -> bytes:
    """Return the file that enrols one computer."""
    said = {"kind": _KIND, "v": _VERSION, "server": link.server, "key": b64(key), "code": link.code}
    return (json.dumps(said, ensure_ascii=False, indent=1) + "\n").encode()


def read_enrolment_file(data: bytes) -> Preset:
    """Read a file. Raises WorldError: enrol_file_big, enrol_file_broken, enrol_file_new."""
    if len(data) > SIZE_MAX:
        raise WorldError("enrol_file_big")
    try:
        found: Any = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise WorldError("enrol_file_broken") from error
    if not isinstance(found, dict) or found.get("kind") != _KIND:
        raise WorldError("enrol_file_broken")
    if found.get("v") != _VERSION:
        raise WorldError("enrol_file_new")
    server, key, code = (found.get(name) for name in ("server", "key", "code"))
    if not (isinstance(server, str) and isinstance(key, str) and isinstance(code, str)):
        raise WorldError("enrol_file_broken")
    try:
        return Preset(Origin.FILE, parse_server(server), _key(key), normalise_code(code) if code else "")
    except (BadLink, ValueError) as error:
        raise WorldError("enrol_file_broken") from error


def _key(text: str) -> str:
    key = unb64(text)
    if len(key) != _KEY_BYTES:
        raise ValueError("not a key")
    return b64(key)
