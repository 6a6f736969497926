# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the threat table that a customer's browser holds back: what the join page checks, and what it never does."""

from __future__ import annotations

from tests.remote_assist.controls.base import Control, edit

_TESTS = "tests/remote_assist/test_join_modules.py"
_PAGE = "resources/join"
_FAILS = "assert"


def _in_page(row: int, what: str, test: str, file: str, old: str, new: str) -> Control:
    return Control(row, f"join page: {what}", (f"{_TESTS}::{test}",), edit(f"{_PAGE}/{file}.js", old, new), _FAILS)


def _invitation(what: str, old: str, new: str) -> Control:
    test = "test_an_invitation_is_shown_once_and_only_if_everything_is_right"
    return _in_page(2, what, test, "documents", old, new)


CONTROLS = (
    _invitation(
        "signatures are checked",
        'if (!(await verify(publicKey, this.signature, lp(label, this.document)))) throw new Bad("signature");',
        "",
    ),
    _invitation("a withdrawn certificate counts no more", "!== pin.orgId || revoked) throw", "!== pin.orgId) throw"),
    _invitation(
        "the certificate is of the organisation one trusts", "certificate.orgId !== pin.orgId || !valid", "!valid"
    ),
    _invitation(
        "an invitation opens once",
        'if (!seen(hex(invitation.iid), invitation.notAfter + DAY_MS, now)) throw new Bad("used");',
        "",
    ),
    _invitation("an invitation for Companions alone is refused", '!invitation.modes.includes("browser") || ', ""),
    _in_page(
        4,
        "a public key that gives only zeros is refused",
        "test_a_public_key_that_gives_only_zeros_is_refused",
        "keys",
        'const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: other }, own, 256));\n'
        "  if (equal(shared, new Uint8Array(32))) throw",
        'const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: other }, own, 256)'
        ".catch(() => new ArrayBuffer(32)));\n  if (false) throw",
    ),
    _in_page(
        4,
        "none of the three numbers is marked by its place",
        "test_three_numbers_are_shown_and_one_of_them_is_right",
        "handshake",
        "numbers.splice(random(1)[0] % (numbers.length + 1), 0, other)",
        "numbers.push(other)",
    ),
    _in_page(
        6,
        "only words that are scopes may be asked for",
        "test_the_page_takes_no_message_that_is_none",
        "requests",
        "ALL_SCOPES.includes(message.scope)",
        'typeof message.scope === "string"',
    ),
    _in_page(
        18,
        "a pause wins over a picture that is about to leave",
        "test_a_pause_wins_over_a_picture_that_is_only_about_to_leave",
        "peer",
        "while (this.shown !== this.wanted)",
        "while (false)",
    ),
    _in_page(
        16,
        "an envelope that was read is not read again",
        "test_envelopes_of_both_languages_open_each_other",
        "envelope",
        'if (outer.n <= this.last) throw new Dropped("seen before");',
        "",
    ),
    _in_page(
        13,
        "a reason that is no word ends the session as malformed",
        "test_the_page_takes_no_message_that_is_none",
        "requests",
        'message.t === "end" && typeof message.reason === "string"',
        'message.t === "end"',
    ),
    _in_page(
        13,
        "a full record ends the session",
        "test_the_page_ends_a_session_before_its_record_is_longer_than_any_reader_takes",
        "chain",
        "return this.entries.length >= FULL_ENTRIES || this.size >= FULL_CHARS;",
        "return false;",
    ),
    _in_page(
        13,
        "the length of the record counts, not its number of entries alone",
        "test_the_page_ends_a_session_before_its_record_is_longer_than_any_reader_takes",
        "chain",
        " || this.size >= FULL_CHARS",
        "",
    ),
    _in_page(
        17,
        "silence on the line holds the picture back",
        "test_no_order_of_events_lets_a_picture_leave_the_page_where_the_companion_would_send_none",
        "machine",
        "return this.live && !this.paused && !this.lost;",
        "return this.live && !this.paused;",
    ),
    _in_page(
        17,
        "a question to which nobody answers ends the session",
        "test_no_order_of_events_lets_a_picture_leave_the_page_where_the_companion_would_send_none",
        "machine",
        "this.timers.set(question, at + this.limits.question);",
        "",
    ),
    _in_page(
        6,
        "no picture before the connection is proved",
        "test_no_order_of_events_lets_a_picture_leave_the_page_where_the_companion_would_send_none",
        "machine",
        'return this.phase === "unverified" || this.phase === "verified";',
        'return this.phase === "connecting" || this.phase === "unverified" || this.phase === "verified";',
    ),
)
