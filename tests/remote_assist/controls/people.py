# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows 1 to 3: a caller who talks somebody into sharing, an impostor, somebody who guesses codes."""

from __future__ import annotations

from tests.remote_assist.controls.base import Control, edit

_RA = "tests/remote_assist"
_GIVEN = "tests/server/test_portal_given.py"
_INVITE = f"{_RA}/test_invitation.py"
_BAD = f"{_INVITE}::test_a_bad_invitation_is_never_shown_and_tells_its_sender_nothing"
_WINDOWS = "tests/widgets/test_companion_windows.py"
_SERVER = "tests/server/test_sessions.py"
_TICKETS = f"{_SERVER}::test_invitations_need_a_live_ticket_that_the_agent_sees_and_its_own_requester"
_CHECK = "remote_assist.invitation:InvitationChecker.check"
_CERTIFICATE = "remote_assist.invitation:InvitationChecker._check_certificate"
_READ = "app.domain.invitation:read_invitation"
_REQUEST = "widgets.companion.request:RequestWindow"
_NAMES = f"{_WINDOWS}::test_the_request_names_who_asks_for_which_ticket_and_what_is_not_included"
_RESTARTED = (
    "tests/widgets/test_companion_program.py"
    "::test_an_invitation_opened_before_the_companion_was_started_anew_is_refused"
)
_SHOWN = r"Phase\.PROMPTED|view\.phase"  # the prompt came up although it should not


def _refused(case: str, what: str, target: str, old: str, new: str = "if False:") -> Control:
    return Control(2, what, (f"{_BAD}[{case}]",), edit(target, old, new), _SHOWN)


CONTROLS = (
    Control(
        1,
        "number and subject in an invitation are those of the ticket",
        (f"{_SERVER}::test_an_invitation_says_of_the_ticket_what_stands_on_it",),
        edit(
            "sync.server.sessions:_check_ticket",
            'if said != (str(row.number), ticket_line(row.subject or "")):',
            "if False:",
        ),
        "200",
    ),
    Control(
        1,
        "an invitation stands on the link of its ticket's customer, not of who had the ticket before",
        (
            f"{_GIVEN}::test_the_first_writers_link_shows_nothing_of_the_one_it_was_given_to[sqlite]",
            f"{_GIVEN}::test_nothing_is_written_in_the_name_of_the_one_it_was_given_to[sqlite]",
        ),
        edit("sync.server.portal.views:find_ticket", "None if customer == holder else bytes(row.id)", "None"),
        "assert",
    ),
    Control(
        1,
        "what a request says of its ticket is one line without hidden characters",
        (f"{_INVITE}::test_a_subject_of_several_lines_or_turned_round_is_no_invitation",),
        edit("app.domain.invitation:_check", "if any(ticket_line(text) != text for", "if any(False for"),
        "DID NOT RAISE",
    ),
    Control(
        1,
        "the customer is shown the own record of the ticket, where there is one",
        (f"{_INVITE}::test_a_request_names_the_ticket_as_the_customers_own_program_knows_it",),
        edit(_CHECK, "if isinstance(own, Mapping):", "if False:"),
        "assert",
    ),
    Control(
        2,
        "an older list of revoked certificates does not replace a newer one",
        (f"{_INVITE}::test_an_older_list_of_revoked_certificates_does_not_replace_a_newer_one",),
        edit("app.domain.certificate:RevocationList.followed_by", "if other.made >= self.made", "if True"),
        "assert",
    ),
    Control(
        2,
        "a Companion does not take an older list of revoked certificates after a newer one",
        (
            "tests/widgets/test_companion_program.py::test_an_older_list_of_withdrawn_certificates_that_is_played_again_lets_nobody_back_in",
        ),
        edit(
            "app.entry.companion_invitations:Invitations.take_revocations",
            "made if self.revocations is None else self.revocations.followed_by(made)",
            "made",
        ),
        "Timeout|timed out|waitUntil|assert",
    ),
    Control(
        1,
        "a blocked customer is not invited",
        (f"{_SERVER}::test_a_blocked_customer_is_not_invited",),
        edit("sync.server.sessions:_check_ticket", " or known.blocked_reason", ""),
        "requester|KeyError",
    ),
    Control(
        1,
        "one live invitation for a ticket",
        (f"{_SERVER}::test_a_new_invitation_ends_the_earlier_one_of_its_ticket",),
        edit(
            "sync.server.sessions:Sessions.invite",
            "replace_invitations(connection, now, bytes.fromhex(invitation.ticket_id))",
            "pass",
        ),
        "404|200",
    ),
    Control(
        2,
        "few keys of a device, so that the list of what is revoked stays readable",
        (f"{_SERVER}::test_a_device_gets_certificates_for_few_keys_and_for_its_own_as_often_as_it_asks",),
        edit("sync.server.sessions:Sessions.certificate", "check_keys(connection, now, who.device, key)", "pass"),
        "429",
    ),
    Control(
        2,
        "a person with many revoked certificates is named whole on the list",
        (f"{_SERVER}::test_a_person_with_many_revoked_certificates_is_named_whole",),
        edit("sync.server.revoked:revoked_names", "if total <= MOST_NAMES:", "if True:"),
        "500",
    ),
    Control(
        1,
        "the agent's program makes no invitation for a ticket without a requester",
        (f"{_INVITE}::test_no_invitation_can_be_made_for_a_ticket_without_a_requester",),
        edit("app.domain.invitation:_check", "not invitation.requester_id or ", ""),
        "DID NOT RAISE",
    ),
    Control(
        1,
        "the server registers none for a ticket whose requester is somebody else",
        (_TICKETS,),
        edit("sync.server.sessions:_check_ticket", " or invitation.requester_id != bytes(row.customer).hex()", ""),
        r"== 'requester'",
    ),
    Control(
        1,
        "the server registers none for a closed ticket",
        (_TICKETS,),
        edit(
            "sync.server.sessions:_check_ticket", "if row.deleted or Category(row.category) not in LIVE:", "if False:"
        ),
        r"== 'ticket'",
    ),
    Control(
        1,
        "the server registers none for a ticket that the agent may not see",
        (_TICKETS,),
        edit("sync.server.sessions:_check_ticket", " or row.scope_id not in scopes_of(connection, who.subject)", ""),
        r"== 'scope'",
    ),
    Control(
        1,
        "the request names the organisation with its key",
        (_NAMES,),
        edit(f"{_REQUEST}._who", "mark=prompt.key_mark", "mark=''"),
        "7F3A 21C0",
    ),
    Control(
        1,
        "the request names ticket and subject",
        (_NAMES,),
        edit(f"{_REQUEST}._who", "subject=prompt.subject)", "subject='')"),
        "Printer stops",
    ),
    Control(
        1,
        "the warning of the first use cannot be skipped for five seconds",
        (f"{_WINDOWS}::test_the_warning_of_the_first_use_cannot_be_skipped",),
        edit(
            "widgets.companion.request:ScamWindow.__init__", "self.yes.setEnabled(False)", "self.yes.setEnabled(True)"
        ),
        "isEnabled",
    ),
    Control(
        1,
        "the first request is preceded by the warning",
        ("tests/widgets/test_companion_program.py::test_the_first_request_is_preceded_by_the_warning",),
        edit("app.entry.companion_asking:AskingSession._show_warning", "if self._deps.scam_read():", "if True:"),
        "scam|waitUntil|Timeout",
    ),
    Control(
        1,
        "Allow sleeps for a second: no click meant for something else",
        (f"{_WINDOWS}::test_allow_sleeps_for_a_second_and_while_there_is_no_preview",),
        edit(f"{_REQUEST}._count", "now - self._opened_ms >= ALLOW_WAIT_MS and ", ""),
        "isEnabled",
    ),
    Control(
        1,
        "Allow sleeps while nothing is seen of what would be shared",
        (f"{_WINDOWS}::test_allow_sleeps_for_a_second_and_while_there_is_no_preview",),
        edit(f"{_REQUEST}._count", "self.preview.has_picture() and ", ""),
        "isEnabled",
    ),
    Control(
        1,
        "Enter never gives a consent",
        (f"{_WINDOWS}::test_enter_never_allows_but_a_click_does",),
        edit("widgets.companion.request:ConsentButton.keyPressEvent", "event.accept()", "self.click()"),
        "allowed",
    ),
    _refused(
        "wrong_organisation_key",
        "the certificate is signed by the pinned key",
        "app.domain.documents:open_document",
        "if not verify(public_key, label, signed.document, signed.signature):",
        'if label != "deskside-cert-1" and not verify(public_key, label, signed.document, signed.signature):',
    ),
    Control(
        2,
        "certificate, list of revoked ones and invitation are of the organisation of the pin",
        (f"{_BAD}[foreign_organisation]",),
        (
            *edit(_CERTIFICATE, "certificate.org_id != self.pin.org_id or ", ""),
            *edit(_CERTIFICATE, "revoked.org_id != self.pin.org_id or ", ""),
            *edit(_CHECK, "if invitation.org_id != self.pin.org_id:", "if False:"),
        ),
        _SHOWN,
    ),
    _refused(
        "signed_by_another_device",
        "the invitation is signed by the certified device",
        _READ,
        "open_document(signed, INVITATION_LABEL, certificate.device_key)",
        "Fields.parse(signed.document)",
    ),
    _refused("expired", "an invitation lives ten minutes", _CHECK, " < invitation.not_after", ""),
    _refused(
        "not_yet_made", "an invitation is not of the future", _CHECK, "invitation.created - CLOCK_TOLERANCE_MS <= ", ""
    ),
    _refused("certificate_run_out", "a certificate runs out", _CERTIFICATE, " or not certificate.valid_at(now_ms)", ""),
    _refused(
        "certificate_revoked",
        "a revoked certificate counts for nothing",
        _CERTIFICATE,
        " or revoked.names(certificate)",
        "",
    ),
    _refused(
        "old_revocation_list",
        "the list of revoked certificates is not older than a day",
        _CERTIFICATE,
        "if old and self._server_reachable():",
    ),
    _refused(
        "ticket_of_somebody_else",
        "the ticket is the customer's own",
        _CHECK,
        "if own is not None and invitation.ticket_id not in own:",
    ),
    _refused(
        "wider_scope_than_the_certificate",
        "no wider scope than the certificate's",
        _READ,
        "if not set(invitation.scopes_max) <= set(certificate.scopes_max):",
    ),
    _refused(
        "wrong_join_secret",
        "who joins holds the secret",
        _CHECK,
        "if not hmac.compare_digest(join_hash(join_secret), invitation.join_hash):",
    ),
    _refused(
        "opened_before",
        "an invitation opens once",
        _CHECK,
        "if not self.replay.first_use(invitation.iid, invitation.not_after, now_ms):",
    ),
    Control(
        2,
        "which invitations were opened is read again at the next start",
        (_RESTARTED,),
        edit(
            "app.entry.companion_invitations:Invitations.load",
            "self._replay = ReplayCache(opened.invitations)",
            "self._replay = ReplayCache()",
        ),
        _SHOWN,
    ),
    Control(
        2,
        "which invitations were opened is kept on the disk",
        (_RESTARTED,),
        edit(
            "app.entry.companion_invitations:Invitations._remember_invitations", "store.save_invitations(seen)", "None"
        ),
        _SHOWN,
    ),
    Control(
        2,
        "a bad invitation is refused in silence: its sender learns nothing",
        (_BAD,),
        edit(
            "remote_assist.customer_end:CustomerEnd.open",
            'self._out.append(Alarm("bad_invitation", str(error)))',
            'self._start_child(); self._out.append(Alarm("bad_invitation", str(error)))',
        ),
        "StartChild",
    ),
    Control(
        2,
        "envelopes count only with the certified agent's signature",
        (f"{_RA}/test_envelope.py::test_replayed_reordered_and_foreign_envelopes_are_ignored",),
        edit(
            "remote_assist.envelope:EnvelopeReader.read",
            "self._key.verify(unb64(outer.sig), covered + lp(outer.body))",
            "pass",
        ),
        "DroppedEnvelope|DID NOT RAISE",
    ),
    Control(
        2,
        "an envelope is read once",
        (f"{_RA}/test_hostile.py::test_recorded_envelopes_played_again_do_nothing",),
        edit("remote_assist.envelope:EnvelopeReader.read", "if outer.n <= self._last_n:", "if False:"),
        r"== \[\]|before",
    ),
    Control(
        2,
        "a companion without enrolment trusts nobody on first use",
        ("tests/widgets/test_companion_program.py::test_a_key_that_is_not_the_one_shown_is_not_pinned",),
        edit("app.entry.companion_enrol:EnrolController._confirm", "if answer.organisation != shown:", "if False:"),
        "key_changed|waitUntil|Timeout",
    ),
    Control(
        3,
        "five wrong codes block the sender",
        (
            f"{_SERVER}::test_five_wrong_codes_block_the_sender_but_not_links",
            "tests/server/test_guessing.py::test_whoever_guesses_however_has_few_tries_and_learns_nothing",
        ),
        edit("sync.server.limits:CodeLimits.wrong", "self._of_sender.failed(sender, now)", "pass"),
        r"== 404|tries",
    ),
    Control(
        3,
        "sixty wrong codes from everywhere leave each sender two tries, each neighbourhood ten",
        (
            "tests/server/test_guessing.py::test_whoever_guesses_however_has_few_tries_and_learns_nothing",
            "tests/server/test_guessing.py::test_a_flood_of_wrong_codes_from_everywhere_keeps_nobody_with_a_right_one_out",
            "tests/server/test_guessing.py::test_a_neighbourhood_of_many_addresses_is_one_guesser_in_a_flood",
        ),
        edit("sync.server.limits:CodeLimits.wrong", "self._of_all.failed(kind, now)", "pass"),
        r"tries",
    ),
    Control(
        3,
        "guesses are counted one by one, also when they come at once",
        ("tests/server/test_guessing.py::test_many_guesses_at_once_are_no_more_tries",),
        edit("sync.server.web.customer_routes:guess", "async with parts.guesses:", "if True:"),
        "tries",
    ),
    Control(
        3,
        "a blocked sender waits as long as one who guessed wrong",
        ("tests/server/test_guessing.py::test_every_refusal_takes_the_same_time",),
        edit(
            "sync.server.web.customer_routes:guess",
            "    await asyncio.sleep(",
            "    if not parts.codes.refuses(kind, address, parts.clock()): await asyncio.sleep(",
        ),
        "waited",
    ),
    Control(
        3,
        "a code opens one invitation once",
        (f"{_SERVER}::test_an_invitation_is_handed_out_by_code_once_and_by_link",),
        edit("sync.server.sessions:Sessions.redeem", '{"code_hash": None} if ask.code is not None else {}', "{}"),
        "== 404",
    ),
    Control(
        3,
        "used, expired and ended codes answer as wrong ones",
        (f"{_SERVER}::test_wrong_used_expired_and_ended_all_look_the_same",),
        edit("sync.server.sessions:Sessions.redeem", ' or now >= row["ends"]', ""),
        "404",
    ),
)
