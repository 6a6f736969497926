# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed JSON documents: the signature covers the exact bytes, and nothing is parsed before it was checked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.signed import b64, sign, unb64, verify

__all__ = ["MAX_DOCUMENT_BYTES", "BadDocument", "Fields", "SignedDocument", "open_document", "sign_document"]

MAX_DOCUMENT_BYTES = 32 * 1024
_SIGNATURE_BYTES = 64


class BadDocument(Exception):
    """A signed document was refused. The text is for logs; people and the other side get one answer for all reasons."""


@dataclass(frozen=True, slots=True)
class SignedDocument:
    """The exact bytes of a document and the Ed25519 signature over them. Nothing in it is trusted yet."""

    document: bytes
    signature: bytes

    def to_text(self) -> str:
        """Return the form in which a document travels: two base64url parts with a dot between them."""
        return f"{b64(self.document)}.{b64(self.signature)}"

    @classmethod
    def from_text(cls, text: str) -> SignedDocument:
        """Undo `to_text`. Raises BadDocument for anything else or for more than MAX_DOCUMENT_BYTES."""
        if len(text) > MAX_DOCUMENT_BYTES * 4 // 3 + 128:
            raise BadDocument("too long")
        body, dot, signature = text.partition(".")
        try:
            signed = cls(unb64(body), unb64(signature))
        except ValueError as error:
            raise BadDocument("not a signed document") from error
        if not dot or len(signed.signature) != _SIGNATURE_BYTES or len(signed.document) > MAX_DOCUMENT_BYTES:
            raise BadDocument("not a signed document")
        return signed

    @classmethod
    def from_parts(cls, document: str | bytes, signature: str | bytes) -> SignedDocument:
        """Join what JSON messages carry apart: the exact document and its signature (raw, or base64url text).

        Raises BadDocument.
        """
        try:
            raw_signature = unb64(signature) if isinstance(signature, str) else signature
            raw = document.encode() if isinstance(document, str) else document
        except ValueError as error:
            raise BadDocument("not a signed document") from error
        if len(raw_signature) != _SIGNATURE_BYTES or len(raw) > MAX_DOCUMENT_BYTES:
            raise BadDocument("not a signed document")
        return cls(raw, raw_signature)

    @property
    def parts(self) -> tuple[str, str]:
        """The exact document as text and the signature as base64url: the counterpart of `from_parts`."""
        return self.document.decode(errors="replace"), b64(self.signature)


def sign_document(key: Ed25519PrivateKey, label: str, fields: Mapping[str, Any]) -> SignedDocument:
    """Write the fields as JSON and sign exactly those bytes. Raises BadDocument when they are too many."""
    document = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    if len(document) > MAX_DOCUMENT_BYTES:
        raise BadDocument("too long")
    return SignedDocument(document, sign(key, label, document))


def open_document(signed: SignedDocument, label: str, public_key: bytes, version: int = 1) -> Fields:
    """Check the signature first and parse second. Raises BadDocument; a document of another version is refused."""
    if not verify(public_key, label, signed.document, signed.signature):
        raise BadDocument("signature")
    fields = Fields.parse(signed.document)
    if fields.integer("v") != version:
        raise BadDocument("version")
    return fields


class Fields:
    """Typed reading of a parsed JSON object; every method raises BadDocument. Unknown fields stay in `raw`."""

    def __init__(self, raw: Mapping[str, Any]) -> None:
        self.raw = raw

    @classmethod
    def parse(cls, document: bytes) -> Fields:
        """Parse bytes that must hold one JSON object."""
        try:
            raw = json.loads(document.decode())
        except (ValueError, RecursionError) as error:
            raise BadDocument("not JSON") from error
        if not isinstance(raw, dict):
            raise BadDocument("not an object")
        return cls(raw)

    def text(self, name: str, limit: int = 300) -> str:
        """Return a text of at most `limit` characters."""
        value = self.raw.get(name)
        if not isinstance(value, str) or len(value) > limit:
            raise BadDocument(name)
        return value

    def integer(self, name: str, low: int = 0, high: int = 1 << 53) -> int:
        """Return a whole number within the bounds; true and false are no numbers."""
        value = self.raw.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise BadDocument(name)
        return value

    def flag(self, name: str) -> bool:
        """Return true or false."""
        value = self.raw.get(name)
        if not isinstance(value, bool):
            raise BadDocument(name)
        return value

    def binary(self, name: str, size: int) -> bytes:
        """Return exactly `size` bytes that were written as base64url."""
        try:
            raw = unb64(self.text(name, size * 2 + 8))
        except ValueError as error:
            raise BadDocument(name) from error
        if len(raw) != size:
            raise BadDocument(name)
        return raw

    def texts(self, name: str, most: int = 64) -> tuple[str, ...]:
        """Return a list of at most `most` short texts."""
        value = self.raw.get(name)
        if not isinstance(value, list) or len(value) > most:
            raise BadDocument(name)
        if not all(isinstance(item, str) and len(item) <= 64 for item in value):
            raise BadDocument(name)
        return tuple(value)

    def inner(self, name: str) -> Fields:
        """Return an object inside this one."""
        value = self.raw.get(name)
        if not isinstance(value, dict):
            raise BadDocument(name)
        return Fields(value)
