# SPDX-License-Identifier: GPL-3.0-or-later
"""An organisation's new key: the statement that its old key signs, and how a computer follows such statements. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.certificate import CLOCK_TOLERANCE_MS
from app.domain.documents import BadDocument, SignedDocument, open_document, sign_document
from app.domain.errors import WorldError
from app.domain.signed import b64, verify

__all__ = [
    "KEY_LABEL",
    "STATEMENTS_MAX",
    "FormerKey",
    "KeyRefused",
    "KeyStatement",
    "PinnedKey",
    "build_key_statement",
    "follow",
    "read_key_statement",
]

KEY_LABEL = "deskside-key-1"
STATEMENTS_MAX = 64  # as many exchanges does a server tell of, and a computer look at
_SERIAL_MAX = 1_000_000


class KeyRefused(WorldError):
    """A new key of the organisation was not taken; the old one stays.

    `code`: key_refused (the key that is known here does not vouch for it), key_not_yet (it counts later),
    key_against_policy (policy on this computer names another one).
    """

    code = "key_refused"


@dataclass(frozen=True, slots=True)
class KeyStatement:
    """From `not_before` on (UTC milliseconds) `new_key` speaks for the organisation. `serial` counts from 1."""

    org_id: str
    serial: int
    old_key: bytes
    new_key: bytes
    not_before: int


@dataclass(frozen=True, slots=True)
class FormerKey:
    """A key that was trusted until a moment (UTC milliseconds); `serial` of the statement that ended it."""

    key: bytes
    until: int
    serial: int


@dataclass(frozen=True, slots=True)
class PinnedKey:
    """The key that a computer trusts, the last statement that led to it (0: none), and what it trusted before."""

    org_id: str
    key: bytes
    serial: int = 0
    former: tuple[FormerKey, ...] = ()


def build_key_statement(old: Ed25519PrivateKey, statement: KeyStatement) -> SignedDocument:
    """Sign a statement with the old key. Raises BadDocument when it says nothing new or names another old key."""
    _check(statement)
    if statement.old_key != old.public_key().public_bytes_raw():
        raise BadDocument("old_key")
    fields = {
        "v": 1, "org_id": statement.org_id, "serial": statement.serial, "old_key": b64(statement.old_key),
        "new_key": b64(statement.new_key), "not_before": statement.not_before,
    }  # fmt: skip
    return sign_document(old, KEY_LABEL, fields)


def read_key_statement(signed: SignedDocument, old_key: bytes) -> KeyStatement:
    """Verify with the old key and parse. Raises BadDocument."""
    fields = open_document(signed, KEY_LABEL, old_key)
    statement = KeyStatement(
        org_id=fields.text("org_id", 64),
        serial=fields.integer("serial", 1, _SERIAL_MAX),
        old_key=fields.binary("old_key", 32),
        new_key=fields.binary("new_key", 32),
        not_before=fields.integer("not_before"),
    )
    _check(statement)
    if statement.old_key != old_key:
        raise BadDocument("old_key")
    return statement


def follow(pinned: PinnedKey, told: Iterable[SignedDocument], now_ms: int, fixed: bytes | None = None) -> PinnedKey:
    """Return the key that statements, oldest first, lead to from the pinned one. Raises KeyRefused.

    Each step is signed by the key of the step before, has a greater serial, and leads to no key that was trusted once.
    What other keys signed is passed over unread: to a computer that followed some steps already they are history.
    `fixed` is the key that policy names: it alone may be the last step, and without a statement it may not either.
    """
    at = pinned
    for n, signed in enumerate(told):
        if n >= STATEMENTS_MAX:
            raise KeyRefused
        if verify(at.key, KEY_LABEL, signed.document, signed.signature):
            at = _step(at, signed, now_ms)
    if at is pinned:
        raise KeyRefused
    if fixed is not None and at.key != fixed:
        raise KeyRefused("key_against_policy")
    return at


def _step(at: PinnedKey, signed: SignedDocument, now_ms: int) -> PinnedKey:
    try:
        statement = read_key_statement(signed, at.key)
    except BadDocument as error:
        raise KeyRefused from error
    if statement.org_id != at.org_id or statement.serial <= at.serial:
        raise KeyRefused
    if statement.new_key in {former.key for former in at.former}:
        raise KeyRefused
    if statement.not_before > now_ms + CLOCK_TOLERANCE_MS:
        raise KeyRefused("key_not_yet")
    former = (*at.former, FormerKey(at.key, now_ms, statement.serial))
    return PinnedKey(at.org_id, statement.new_key, statement.serial, former)


def _check(statement: KeyStatement) -> None:
    if len(statement.new_key) != 32 or statement.new_key == statement.old_key:
        raise BadDocument("new_key")
    if not 1 <= statement.serial <= _SERIAL_MAX:
        raise BadDocument("serial")
