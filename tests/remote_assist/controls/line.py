# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: E501  # quotes lines of the product as they stand
"""Rows 4, 5, 12 and 16: somebody in the middle, foreign certificates, old packets, a session made weaker."""

from __future__ import annotations

from tests.remote_assist.controls.base import Control, edit

_RA = "tests/remote_assist"
_SDP = f"{_RA}/test_sdp_rules.py::test_a_description_that_breaks_a_rule_is_refused"
_HOSTILE = f"{_RA}/test_hostile.py"
_CANARY = f"{_RA}/test_aiortc_canary.py"
_ENVELOPE = f"{_RA}/test_envelope.py"
_OTHER = f"{_HOSTILE}::test_a_description_with_another_certificate_than_the_handshake_is_refused"
_COVERED = (
    "tests/widgets/test_companion_program.py"
    "::test_the_window_with_the_check_numbers_is_covered_where_it_will_stand_before_it_shows"
)

CONTROLS = (
    Control(
        4,
        "the number covers both certificates and both keys",
        (f"{_RA}/test_middle.py::test_a_middle_with_the_organisations_key_is_told_apart_by_the_number",),
        edit(
            "remote_assist.handshake:_derive",
            "return HKDF(SHA256(), size, salt=transcript, info=info).derive(shared)",
            'return HKDF(SHA256(), size, salt=b"", info=info).derive(b"same" * 8)',
        ),
        "the two numbers agree",
    ),
    Control(
        4,
        "the customer's end commits before it sees the agent's values",
        (
            f"{_RA}/test_middle.py::test_grinding_one_side_yields_nothing",
            f"{_RA}/test_handshake.py::test_a_reveal_that_was_not_committed_to_is_refused",
        ),
        edit(
            "remote_assist.handshake:AgentHandshake.finish",
            "if not hmac.compare_digest(_commitment(self._binding, customer), self._commitment):",
            "if False:",
        ),
        "looked for was taken|DID NOT RAISE",
    ),
    Control(
        4,
        "the window with the check numbers is covered before it shows",
        (_COVERED,),
        edit("app.entry.companion_asking:AskingSession._ask_number", "self._cover_own_windows()", "pass"),
        "IndexError|assert",
    ),
    Control(
        4,
        "what is covered is the window with the check numbers, although it does not show yet",
        (_COVERED,),
        edit(
            "app.entry.companion_sharing:SharingSession._early",
            "return self.check, *self._questions",
            "return *self._questions",
        ),
        "IndexError|assert",
    ),
    Control(
        4,
        "control, clipboard, files and diagnostics need the confirmed number",
        (
            f"{_RA}/test_middle.py::test_a_middle_gets_nothing_but_looking_before_the_number_is_confirmed",
            f"{_RA}/test_grants.py::test_only_looking_pointing_and_recording_are_possible_unverified",
        ),
        edit(
            "remote_assist.grants:GrantBook.possible",
            "return phase is Phase.VERIFIED or not rule.verified",
            "return True",
        ),
        "nobody compared the number|possible",
    ),
    Control(
        4,
        "a wrong number ends the session",
        (f"{_RA}/test_journey.py::test_a_wrong_check_number_ends_the_session_at_both_ends_with_an_alarm",),
        edit("remote_assist.customer_link:CustomerLink._picked", "if right:", "if True:"),
        "SAS_MISMATCH|ENDED",
    ),
    Control(
        4,
        "neither end alone makes a session verified",
        (f"{_RA}/test_session_machine.py::test_one_confirmation_alone_does_not_verify",),
        edit(
            "remote_assist.session:SessionMachine._verify_if_both",
            "self._chosen and self._claimed",
            "self._chosen or self._claimed",
        ),
        "VERIFIED",
    ),
    Control(
        4,
        "the offer names the certificate of the handshake",
        (f"{_OTHER}[offer]",),
        edit(
            "remote_assist.agent_core:AgentCore._on_offer",
            "if body.epoch == 0 and facts.fingerprint != self._customer_fingerprint:",
            "if False:",
        ),
        "PROTOCOL",
    ),
    Control(
        4,
        "the answer names the certificate of the handshake",
        (f"{_OTHER}[answer]",),
        edit(
            "remote_assist.customer_end:CustomerEnd._on_answer",
            "if body.epoch == 0 and facts.fingerprint != self._agent_fingerprint:",
            "if False:",
        ),
        "PROTOCOL",
    ),
    Control(
        4,
        "the session child connects to that certificate and no other",
        (f"{_RA}/test_peer_children.py::test_a_description_with_another_certificate_is_refused",),
        edit("remote_assist.peer:Peer.remote", ".fingerprint != fingerprint:", ".fingerprint is None:"),
        "faults|wait_until|Fault",
        in_child=True,
    ),
    Control(
        5,
        "one fingerprint in a description, of SHA-256",
        (_SDP,),
        edit(
            "remote_assist.sdp_rules:_fingerprint",
            "if len(found) != 1 or not (match := _FINGERPRINT.fullmatch(found.pop())):",
            "found = {line for line in found if 'sha-256' in line}\n    if not (match := _FINGERPRINT.fullmatch(sorted(found)[0])):",
        ),
        "DID NOT RAISE",
    ),
    Control(
        5,
        "hashes that the library adds do not leave",
        (
            f"{_RA}/test_sdp_rules.py::test_own_foreign_hashes_are_taken_out_before_sending",
            f"{_HOSTILE}::test_a_child_that_breaks_the_rules_of_descriptions_is_not_sent_on",
        ),
        edit("remote_assist.sdp_rules:clean_sdp", " if not line.lower().startswith(_FOREIGN_HASHES)", ""),
        "fingerprint|ENDED",
    ),
    Control(
        5,
        "a child's own description is checked before it leaves",
        (f"{_HOSTILE}::test_a_child_that_breaks_the_rules_of_descriptions_is_not_sent_on",),
        edit(
            "remote_assist.end_base:EndBase._check_local_sdp",
            "facts = check_sdp(sdp, message.type, browser=self._browser)",
            "facts = SdpFacts(self._fingerprints[message.epoch], 0)",
        ),
        "Phase",
    ),
    Control(
        12,
        "a packet behind the picture is dropped and resets nothing (patch P2)",
        (f"{_CANARY}::test_an_old_duplicate_stalls_nothing",),
        edit("remote_assist.aiortc_patches:MarkerJitterBuffer.add", "if behind < MISORDER_MAX:", "if False:"),
        "buffer.add|False, None",
    ),
    Control(
        16,
        "no session without retransmission",
        (f"{_RA}/test_sdp_rules.py::test_without_retransmission_there_is_no_session",),
        edit(
            "remote_assist.sdp_rules:_check_video",
            'if not any(re.fullmatch(r"a=rtpmap:\\d+ rtx/90000", line, re.IGNORECASE) for line in video):',
            "if False:",
        ),
        "DID NOT RAISE",
    ),
    Control(
        16,
        "offers and answers are sealed, always",
        (f"{_ENVELOPE}::test_an_offer_before_the_keys_or_in_the_open_is_refused",),
        edit(
            "remote_assist.envelope:EnvelopeReader._opened",
            "if not self._sealed_seen and outer.t not in _ALWAYS_SEALED:",
            "if not self._sealed_seen:",
        ),
        "DID NOT RAISE|PeerMisbehaved",
    ),
    Control(
        16,
        "after one sealed envelope an open one is no longer taken",
        (f"{_ENVELOPE}::test_after_one_sealed_envelope_an_open_one_is_no_longer_taken",),
        edit("remote_assist.envelope:EnvelopeReader._opened", "if not self._sealed_seen and ", "if "),
        "DID NOT RAISE",
    ),
    Control(
        16,
        "no offer is written before the keys are known",
        (f"{_ENVELOPE}::test_an_offer_before_the_keys_or_in_the_open_is_refused",),
        edit("remote_assist.envelope:EnvelopeWriter.write", "if self._sealing:", "if self._sealing and self._seal:"),
        "DID NOT RAISE",
    ),
    Control(
        16,
        "an envelope of another version is no envelope",
        (f"{_ENVELOPE}::test_every_changed_field_makes_an_envelope_worthless[outer0]",),
        edit("remote_assist.envelope:EnvelopeReader.read", "outer.v != 1 or ", ""),
        "DID NOT RAISE",
    ),
    Control(
        16,
        "a document of another version is refused",
        (
            f"{_RA}/test_invitation.py::test_a_bad_invitation_is_never_shown_and_tells_its_sender_nothing[unknown_version]",
        ),
        edit("app.domain.documents:open_document", 'if fields.integer("v") != version:', "if False:"),
        "PROMPTED|view",
    ),
    Control(
        16,
        "a document counts only with its signature",
        (f"{_RA}/test_invitation.py::test_a_bad_invitation_is_never_shown_and_tells_its_sender_nothing[unsigned]",),
        edit(
            "app.domain.documents:open_document",
            "if not verify(public_key, label, signed.document, signed.signature):",
            "if False:",
        ),
        "PROMPTED|view",
    ),
    Control(
        16,
        "a greeting of another protocol is no greeting",
        (f"{_HOSTILE}::test_one_malformed_control_message_ends_the_session_at_either_end[message3]",),
        edit("remote_assist.end_link:EndLink._on_hello", "hello.proto != PROTO or ", ""),
        "PROTOCOL",
    ),
    Control(
        16,
        "nobody is asked for the number before the handshake, and no connection counts before it",
        (f"{_RA}/test_journey.py::test_a_connection_before_the_handshake_is_no_connection",),
        edit("remote_assist.end_base:EndBase._on_recv", "not self._keyed or ", ""),
        "assert",
    ),
)
