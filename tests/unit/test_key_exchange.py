# SPDX-License-Identifier: GPL-3.0-or-later
"""An organisation's new key counts where the old one vouches for it, and nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain.documents import BadDocument, SignedDocument, sign_document
from app.domain.key_exchange import (
    KEY_LABEL,
    STATEMENTS_MAX,
    KeyRefused,
    KeyStatement,
    PinnedKey,
    build_key_statement,
    follow,
    read_key_statement,
)
from app.domain.signed import b64

NOW = 1_760_000_000_000
ORG = "org"
A, B, C, FOREIGN = (Ed25519PrivateKey.from_private_bytes(letter * 32) for letter in (b"a", b"b", b"c", b"f"))


def public(key: Ed25519PrivateKey) -> bytes:
    """The public half."""
    return key.public_key().public_bytes_raw()


def said(
    old: Ed25519PrivateKey, new: Ed25519PrivateKey, serial: int = 1, at: int = NOW, org: str = ORG
) -> SignedDocument:
    """A statement as an organisation makes it."""
    return build_key_statement(old, KeyStatement(org, serial, public(old), public(new), at))


PINNED = PinnedKey(ORG, public(A))


def code_of(call: Callable[[], object]) -> str:
    """The word with which a new key is refused."""
    with pytest.raises(KeyRefused) as caught:
        call()
    return caught.value.code


def test_the_old_key_vouches_for_the_new_one_and_is_remembered() -> None:
    """The computer trusts the new key, and still knows which one it trusted until when."""
    after = follow(PINNED, [said(A, B)], NOW)
    assert (after.key, after.serial) == (public(B), 1)
    assert [(old.key, old.until, old.serial) for old in after.former] == [(public(A), NOW, 1)]


def test_a_computer_that_was_away_for_long_follows_every_step() -> None:
    """Two exchanges while it was off; one that had followed the first takes only the second."""
    told = [said(A, B, 1), said(B, C, 2)]
    assert follow(PINNED, told, NOW).key == public(C)
    assert [old.key for old in follow(PINNED, told, NOW).former] == [public(A), public(B)]
    assert follow(follow(PINNED, told[:1], NOW), told, NOW).key == public(C)


@pytest.mark.parametrize(
    "told",
    [
        [],
        [said(FOREIGN, B)],
        [said(B, C, 2)],
        [said(A, B, org="other")],
        [SignedDocument(said(A, B).document, said(A, C).signature)],
        [said(A, B, 1), said(B, A, 2)],
        [said(A, B, 2), said(B, C, 2)],
        [said(FOREIGN, B)] * STATEMENTS_MAX + [said(A, B)],
    ],
    ids=["none", "foreign", "step_missing", "organisation", "altered", "round", "serial", "too_many"],
)
def test_what_the_known_key_does_not_vouch_for_is_refused(told: list[SignedDocument]) -> None:
    """Another organisation's, a missing step, a changed word, a way back to a former key: the old key stays."""
    assert code_of(lambda: follow(PINNED, told, NOW)) == "key_refused"


def test_a_former_key_counts_no_more_once_it_was_left() -> None:
    """Whoever finds the old secret cannot lead a computer that has followed anywhere."""
    after = follow(PINNED, [said(A, B)], NOW)
    assert code_of(lambda: follow(after, [said(A, FOREIGN, 7)], NOW)) == "key_refused"


def test_a_key_of_later_is_not_taken_before_its_time() -> None:
    """Clocks may differ by five minutes."""
    minute = 60_000
    assert follow(PINNED, [said(A, B, at=NOW + 4 * minute)], NOW).key == public(B)
    assert code_of(lambda: follow(PINNED, [said(A, B, at=NOW + 6 * minute)], NOW)) == "key_not_yet"


def test_the_key_that_policy_names_is_the_only_one_that_may_come_and_needs_the_signature_too() -> None:
    """Policy decides which key; the old key's signature decides whether."""
    told = [said(A, B, 1), said(B, C, 2)]
    assert follow(PINNED, told, NOW, public(C)).key == public(C)
    assert code_of(lambda: follow(PINNED, told, NOW, public(B))) == "key_against_policy"
    assert code_of(lambda: follow(PINNED, told, NOW, public(A))) == "key_against_policy"
    assert code_of(lambda: follow(PINNED, [said(FOREIGN, B)], NOW, public(B))) == "key_refused"


GOOD: dict[str, Any] = json.loads(said(A, B).document)


@pytest.mark.parametrize(
    "changed",
    [{"v": 2}, {"v": None}, {"org_id": 7}, {"serial": 0}, {"serial": "1"}, {"serial": 1 << 60},
     {"old_key": b64(public(C))}, {"new_key": b64(public(A))}, {"new_key": b64(b"x" * 31)}, {"new_key": None},
     {"not_before": -1}, {"not_before": True}],
    ids=str,
)  # fmt: skip
def test_a_statement_with_a_wrong_field_is_none_though_well_signed(changed: dict[str, Any]) -> None:
    """Each field, by what the old key itself signed."""
    signed = sign_document(A, KEY_LABEL, GOOD | changed)
    with pytest.raises(BadDocument):
        read_key_statement(signed, public(A))
    assert code_of(lambda: follow(PINNED, [signed], NOW)) == "key_refused"


def test_no_other_signed_document_passes_as_a_statement() -> None:
    """The label is part of what is signed."""
    with pytest.raises(BadDocument, match="signature"):
        read_key_statement(sign_document(A, "deskside-cert-1", GOOD), public(A))


def test_an_unknown_field_is_kept_and_a_statement_that_says_nothing_new_is_not_made() -> None:
    """Later versions may add; a key never vouches for itself, nor for a key that another one is to vouch for."""
    assert read_key_statement(sign_document(A, KEY_LABEL, GOOD | {"more": 1}), public(A)).new_key == public(B)
    for wrong in (KeyStatement(ORG, 1, public(A), public(A), NOW), KeyStatement(ORG, 1, public(B), public(C), NOW)):
        with pytest.raises(BadDocument):
            build_key_statement(A, wrong)
