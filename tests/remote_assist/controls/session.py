# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows 14, 15, 17 and 18: a stolen laptop, an abused relay, silence taken as yes, a forgotten session."""

from __future__ import annotations

from tests.remote_assist.controls.base import Control, edit

_RA = "tests/remote_assist"
_MACHINE = f"{_RA}/test_session_machine.py"
_ALONE = f"{_MACHINE}::test_a_phase_left_alone_ends_at_its_time_and_not_before"
_JOURNEY = f"{_RA}/test_journey.py"
_MORE = f"{_RA}/test_more_access.py"
_FILES = f"{_RA}/test_session_files.py"
_WINDOWS = "tests/widgets/test_companion_windows.py"
_POINTING = "tests/widgets/test_pointing.py"
_TURN = "tests/server/test_turn.py"
_SM = "remote_assist.session:SessionMachine"
_WITHDRAWN = (
    "tests/server/test_devices.py"
    "::test_a_withdrawn_device_or_person_invites_nobody_and_their_certificate_counts_for_nothing"
)
_PROOFS = "tests/server/test_proofs.py"
_REVOKED = "tests/server/test_revoked_sessions.py"
_TICKET_ENDS = (
    "tests/server/test_ticket_ends_session.py"
    "::test_a_session_ends_at_both_ends_when_its_ticket_is_no_longer_one_to_share_for"
)
_SESSION_ENDS = f"{_REVOKED}::test_a_session_ends_at_both_ends_when_its_agent_is_let_in_no_more"

CONTROLS = (
    Control(
        14,
        "an invitation nobody opened is void after ten minutes",
        (f"{_JOURNEY}::test_an_unopened_invitation_expires_and_the_server_hears_of_it",),
        edit(f"{_SM}.__init__", "{_Timer.INVITED: now_ms + self.limits.invited_ms}", "{}"),
        "EXPIRED",
    ),
    Control(
        14,
        "what does not connect within half a minute ends",
        (_ALONE, f"{_JOURNEY}::test_no_connection_within_thirty_seconds_ends_as_unreachable"),
        edit(
            f"{_SM}.consented",
            "self._enter(Phase.CONNECTING, now, self.limits.connecting_ms)",
            "self._enter(Phase.CONNECTING, now)",
        ),
        "UNREACHABLE|ENDED|phase",
    ),
    Control(
        14,
        "an agent who does nothing for ten minutes is out",
        (f"{_MACHINE}::test_an_idle_agent_is_warned_at_nine_minutes_and_ends_at_ten",),
        edit(f"{_SM}._set_idle", "self._timers[_Timer.IDLE] = now + idle", "pass"),
        "assert",
    ),
    Control(
        14,
        "an hour after the consent it is over",
        (f"{_MACHINE}::test_an_hour_after_consent_it_is_over_whatever_happens",),
        edit(f"{_SM}.consented", "self._timers[_Timer.LIMIT] = now + self.limits.hard_ms", "pass"),
        "assert",
    ),
    Control(
        14,
        "a pause of five minutes ends",
        (f"{_MACHINE}::test_a_pause_of_five_minutes_ends",),
        edit(f"{_SM}.pause", "self._timers[_Timer.PAUSED] = self._now_ms + life", "pass"),
        "assert",
    ),
    Control(
        14,
        "a line that stays broken ends after half a minute",
        (f"{_JOURNEY}::test_a_line_that_stays_broken_ends_after_thirty_seconds",),
        edit(f"{_SM}._lose", "self._timers[_Timer.LOST] = self._now_ms + self.limits.lost_ms", "pass"),
        "LOST|assert",
    ),
    Control(
        14,
        "three seconds of silence stop the picture",
        (f"{_MACHINE}::test_three_seconds_of_silence_stop_the_picture_and_thirty_the_session",),
        edit(
            f"{_SM}._due",
            "return self._lose()",
            "return []",
        ),
        "assert",
    ),
    Control(
        14,
        "policy can only shorten",
        (f"{_MACHINE}::test_policy_can_only_shorten",),
        edit("remote_assist.limits:Limits.within", "hard_ms=min(", "hard_ms=max("),
        "assert",
    ),
    Control(
        14,
        "a session that the server revokes is over at once",
        (f"{_JOURNEY}::test_a_session_the_server_revokes_is_over_at_once",),
        edit("remote_assist.end_base:EndBase.revoked", 'self._end(reason, "system")', "pass"),
        "REVOKED|ENDED|assert",
    ),
    Control(
        14,
        "a device that is not let in registers no invitation, though its access token still lives",
        (_WITHDRAWN,),
        edit(
            "sync.server.sessions:Sessions.invite",
            "load_device(connection, who.device, who.subject, lock=True)",
            "pass",
        ),
        "403",
    ),
    Control(
        14,
        "the certificate of a device that is not let in stands on the signed list",
        (_WITHDRAWN,),
        edit("sync.server.revoked:revoked_names", ', device.c.state != "active"))', "))"),
        "serial|frozenset|assert",
    ),
    Control(
        14,
        "the certificate of a person who is not let in stands on the signed list",
        (_WITHDRAWN,),
        edit("sync.server.revoked:revoked_names", 'live, account.c.state != "active"', "sa.false()"),
        "serial|frozenset|assert",
    ),
    Control(
        14,
        "who proved too long ago who they are registers no invitation, whatever tokens the program renewed since",
        (
            f"{_PROOFS}::test_who_signed_in_a_working_day_ago_is_asked_again[sqlite]",
            f"{_PROOFS}::test_renewed_tokens_are_no_proof[sqlite]",
            f"{_PROOFS}::test_another_device_id_is_no_proof_either[sqlite]",
        ),
        edit(
            "sync.server.sessions:Sessions.invite",
            "check_proof(connection, now, who, self._reauthenticate_min, provider=self._provider)",
            "pass",
        ),
        "403",
    ),
    Control(
        14,
        "a proof of the future counts no more: the server's clock was set back",
        (f"{_PROOFS}::test_a_clock_that_was_set_back_makes_no_proof_younger[sqlite-300001-result1]",),
        edit("app.domain.proof:is_fresh", "-CLOCK_TOLERANCE_MS <=", "True or"),
        "403",
    ),
    Control(
        14,
        "passwords tried before an invitation are counted together with those of signing in",
        (f"{_PROOFS}::test_a_wrong_password_proves_nothing_and_too_many_must_wait[sqlite]",),
        edit("sync.server.web.auth_routes:_by_password", "limiter.failed(key, now)", "pass"),
        "429|204|retry-after",
    ),
    Control(
        14,
        "the provider must have asked this person just now",
        (f"{_PROOFS}::test_the_provider_must_have_asked_this_person_just_now[sqlite-claims2-result2]",),
        edit("sync.server.proofs:Proofs.by_provider", 'raise ProblemError(403, "proof_not_fresh")', "said = now"),
        "204|proof_not_fresh",
    ),
    Control(
        14,
        "an invitation being registered waits for a suspension, and is refused",
        (f"{_REVOKED}::test_an_invitation_that_is_being_registered_meanwhile_does_not_outlive_the_suspension",),
        edit("sync.server.sessions:Sessions.invite", "lock=True", "lock=False"),
        "403",
    ),
    Control(
        14,
        "the sessions of a device that is not let in end",
        (f"{_SESSION_ENDS}[sqlite-device revoked]",),
        edit("sync.server.devices:Devices.set_state", "revoke_sessions(connection, now, [id_])", "pass"),
        "assert",
    ),
    Control(
        14,
        "the sessions of a person who is not let in end",
        (f"{_SESSION_ENDS}[sqlite-account suspended]",),
        edit("sync.server.people:People.set_state", "revoke_sessions(cx, now, devices)", "pass"),
        "assert",
    ),
    Control(
        1,
        "a session ends with its ticket: closed, moved out of the agent's sight, or given to another customer",
        (f"{_TICKET_ENDS}[sqlite-solve-ticket_closed]", f"{_TICKET_ENDS}[sqlite-move-ticket_moved]"),
        edit("sync.server.rows:TxRows._follow_tickets", "follow_tickets(self._cx, now, changed)", "pass"),
        "assert",
    ),
    Control(
        1,
        "a session ends, and an invitation is void, when its customer is blocked",
        (
            f"{_TICKET_ENDS}[sqlite-block-requester_blocked]",
            "tests/server/test_ticket_ends_session.py"
            "::test_an_invitation_nobody_answered_is_void_when_its_customer_is_blocked[sqlite]",
        ),
        edit("sync.server.rows:TxRows._follow_customers", "follow_customers(self._cx, now, out)", "pass"),
        "assert",
    ),
    Control(
        14,
        "a certificate that was withdrawn registers no invitation",
        (
            "tests/server/test_ticket_ends_session.py"
            "::test_a_withdrawn_certificate_ends_its_sessions_and_the_device_gets_another_one[sqlite]",
        ),
        edit("sync.server.sessions:Sessions.invite", "_check_certificate(connection, serial)", "pass"),
        "400",
    ),
    Control(
        14,
        "both ends of such a session are told, and the server relays nothing more",
        (
            f"{_SESSION_ENDS}[sqlite-device suspended]",
            f"{_REVOKED}::test_a_browser_hears_that_the_session_ended[sqlite]",
        ),
        edit("sync.server.news:Telling.run", "await self._hub.tell_ended(notice.device)", "pass"),
        "assert",
    ),
    Control(
        14,
        "a customer's end that was away is told when it is back",
        (f"{_REVOKED}::test_a_customer_whose_line_was_away_hears_it_when_it_is_back[sqlite]",),
        edit("sync.server.sessions:Sessions.waiting", "sa.or_(open_, over)", "open_"),
        "assert",
    ),
    Control(
        14,
        "what the server was told of an end before keeps no session out of it",
        (f"{_REVOKED}::test_an_agent_who_said_before_that_it_was_over_keeps_nothing_by_it[sqlite]",),
        edit(
            "sync.server.session_ends:revoke_sessions",
            "table.c.state != _REVOKED",
            'table.c.state.not_in((_REVOKED, "ended"))',
        ),
        "assert",
    ),
    Control(
        14,
        "the Companion stops a session that the server revokes though the agent's program goes on",
        (
            "tests/widgets/test_companion_program.py"
            "::test_a_revoked_session_stops_here_though_the_agents_program_goes_on[revoked]",
        ),
        edit("app.entry.companion_session:CustomerSession.revoked", "self._perform(self._end.revoked(reason))", "pass"),
        "Timeout|timed out|waitUntil",
    ),
    Control(
        14,
        "certificates live a week at most",
        (f"{_RA}/test_invitation.py::test_certificates_live_a_week_at_most_and_only_the_organisation_makes_them",),
        edit(
            "app.domain.certificate:_check",
            "if not 0 < certificate.not_after - certificate.not_before <= CERTIFICATE_MAX_MS:",
            "if False:",
        ),
        "DID NOT RAISE",
    ),
    Control(
        15,
        "the relay's configuration denies every network that is not public",
        (f"{_TURN}::test_the_configuration_denies_every_network_that_is_not_public",),
        edit("sync.server.turn:coturn_configuration", '*(f"denied-peer-ip={block}" for block in DENIED_PEERS),', ""),
        "denied-peer-ip",
    ),
    Control(
        15,
        "a real relay refuses to relay into such a network",
        (f"{_RA}/test_coturn.py::test_nobody_is_relayed_into_a_network_that_is_not_public",),
        edit("sync.server.turn:coturn_configuration", '*(f"denied-peer-ip={block}" for block in DENIED_PEERS),', ""),
        "DID NOT RAISE|assert|Forbidden",
    ),
    Control(
        15,
        "one end holds four allocations at most",
        (f"{_RA}/test_coturn.py::test_one_end_holds_four_allocations_at_most",),
        edit("sync.server.turn:coturn_configuration", '"user-quota=4",', '"user-quota=400",'),
        "DID NOT RAISE|assert",
    ),
    Control(
        15,
        "credentials only after the consent stands on the ticket",
        (f"{_TURN}::test_before_the_consent_stands_on_the_ticket_there_are_none",),
        edit("sync.server.web.session_routes:_turn", "if not consented:", "if False:"),
        "409|assert",
    ),
    Control(
        15,
        "credentials only for the two ends",
        (f"{_TURN}::test_nobody_else_gets_any_and_after_the_end_nobody_does",),
        edit("sync.server.sessions:Sessions.role_of", "row is None or not _belongs(row, who) or ", ""),
        "404|assert",
    ),
    Control(
        15,
        "by the relay alone: no own address in a description",
        (f"{_RA}/test_sdp_rules.py::test_relay_only_leaves_no_own_address",),
        edit(
            "remote_assist.sdp_rules:clean_sdp", 'if not line.startswith("a=candidate:") or _kind(line) == "relay"', ""
        ),
        "assert",
    ),
    Control(
        15,
        "by the relay alone: no address that calls itself relayed further on",
        (f"{_RA}/test_sdp_rules.py::test_relay_only_leaves_no_address_that_calls_itself_relayed_further_on",),
        edit("remote_assist.sdp_rules:clean_sdp", '_kind(line) == "relay"', '" typ relay" in line'),
        "assert",
    ),
    Control(
        15,
        "a candidate of two kinds is refused",
        (f"{_RA}/test_sdp_rules.py::test_a_description_that_breaks_a_rule_is_refused",),
        edit("remote_assist.sdp_rules:_kind", ' or "typ" in match[2].lower().split(" ")', ""),
        "DID NOT RAISE",
    ),
    Control(
        15,
        "the address behind a relayed one is hidden too",
        (f"{_RA}/test_sdp_rules.py::test_relay_only_leaves_no_own_address",),
        edit("remote_assist.sdp_rules:_hidden", 'return _RELATED.sub(" raddr 0.0.0.0 rport 9", line)', "return line"),
        "10.0.0.7",
    ),
    Control(
        17,
        "a request left alone is refused",
        (f"{_JOURNEY}::test_a_prompt_left_alone_is_a_refusal", _ALONE),
        edit(
            f"{_SM}.opened",
            "self._enter(Phase.PROMPTED, now, self.limits.prompted_ms)",
            "self._enter(Phase.PROMPTED, now)",
        ),
        "REFUSED|ENDED|phase",
    ),
    Control(
        17,
        "Allow after the time is up allows nothing",
        (f"{_JOURNEY}::test_allowing_after_the_time_is_up_allows_nothing",),
        edit("remote_assist.customer_end:CustomerEnd.allow", "self._apply(machine.tick(self._now))", "pass"),
        "consent|REFUSED|assert",
    ),
    Control(
        17,
        "the window takes Allow away when the time is up",
        (f"{_WINDOWS}::test_time_that_runs_out_takes_allow_away",),
        edit("widgets.companion.request:RequestWindow._count", " and left_s > 0", ""),
        "isEnabled",
    ),
    Control(
        17,
        "a question for more access left alone is a no",
        (f"{_MORE}::test_a_no_and_silence_are_refusals_and_asking_again_takes_half_a_minute[silence]",),
        edit("remote_assist.customer_scopes:CustomerScopes._on_tick", "if now >= deadline:", "if False:"),
        "assert",
    ),
    Control(
        17,
        "a click after that time gives nothing",
        (f"{_MORE}::test_a_click_after_the_time_is_over_gives_nothing",),
        edit("remote_assist.customer_end:CustomerEnd.grant", "self._on_tick(self._now)", "pass"),
        "VIEW|POINTER",
    ),
    Control(
        17,
        "a click on taking a file after that time takes nothing",
        (f"{_FILES}::test_a_click_on_a_files_question_after_the_time_is_over_moves_nothing[take]",),
        edit("remote_assist.customer_files:CustomerFiles.take_file", "self._on_tick(self._now)", "pass"),
        "assert",
    ),
    Control(
        17,
        "a click on sending a file after that time sends nothing",
        (f"{_FILES}::test_a_click_on_a_files_question_after_the_time_is_over_moves_nothing[give]",),
        edit("remote_assist.customer_files:CustomerFiles.give_file", "self._on_tick(self._now)", "pass"),
        "assert",
    ),
    Control(
        17,
        "time that is over cannot allow, in the window either",
        (f"{_POINTING}::test_the_question_counts_down_and_time_that_is_over_cannot_allow",),
        edit("widgets.companion.timed:TimedQuestion._count", "left > 0 and ", ""),
        "isEnabled",
    ),
    Control(
        17,
        "unverified, and nobody says go on: it ends",
        (
            f"{_JOURNEY}::test_three_minutes_without_the_number_ask_the_customer_and_silence_ends",
            f"{_MACHINE}::test_after_three_minutes_unverified_the_customer_is_asked_once_and_silence_ends",
        ),
        edit(f"{_SM}._due", "self._timers[_Timer.ASKED_UNVERIFIED] = due + self.limits.question_ms", "pass"),
        "assert|KeyError",
    ),
    Control(
        17,
        "every half hour, and nobody says go on: it ends",
        (f"{_MACHINE}::test_every_thirty_minutes_the_customer_must_say_go_on",),
        edit(f"{_SM}._due", "self._timers[_Timer.ASKED_CONTINUE] = due + self.limits.question_ms", "pass"),
        "assert",
    ),
    Control(
        17,
        "a question that is closed is answered by stop",
        (f"{_WINDOWS}::test_a_question_in_mid_session_stops_by_default",),
        edit(
            "widgets.companion.session:QuestionWindow.closeEvent",
            "self.answered.emit(False)",
            "self.answered.emit(True)",
        ),
        "assert|False",
    ),
    Control(
        17,
        "the request's default is no",
        (f"{_WINDOWS}::test_dont_allow_has_the_focus_and_escape_and_closing_refuse",),
        edit("widgets.companion.request:RequestWindow.__init__", "self.no.setFocus()", "self.yes.setFocus()"),
        "hasFocus",
    ),
    Control(
        18,
        "Stop reaches the child before anything else is done",
        (f"{_JOURNEY}::test_stop_tells_the_child_first_and_kills_it_if_it_is_frozen",),
        edit("remote_assist.end_base:EndBase._leave", "self._before_end()", "self._before_end(); self._out.reverse()"),
        "ToChild|first",
    ),
    Control(
        18,
        "a child that does not confirm within 80 ms is killed",
        (
            f"{_JOURNEY}::test_stop_tells_the_child_first_and_kills_it_if_it_is_frozen",
            f"{_JOURNEY}::test_stop_with_a_dead_child_and_no_network_still_ends_and_records",
        ),
        edit("remote_assist.end_base:EndBase._leave", "self._kill_at = self._now + CHILD_END_MS", "pass"),
        "assert",
    ),
    Control(
        18,
        "a child whose windows fall silent holds the picture, and ends after half a minute",
        (
            f"{_RA}/test_window_watch.py::test_silence_holds_the_picture_once_and_a_sign_of_life_lets_it_go_on",
            f"{_RA}/test_window_watch.py::test_silence_for_half_a_minute_is_the_end",
        ),
        edit("remote_assist.window_watch:WindowWatch.passed", "min(ms, _COUNTED_MOST_MS)", "0"),
        "assert",
    ),
    Control(
        18,
        "a closed gate stops the packets that already wait",
        (f"{_RA}/test_media.py::test_a_closed_gate_stops_packets_that_already_wait",),
        edit("remote_assist.pacer:Pacer._send_media", "if not self._gate.open:", "if False:"),
        "assert",
    ),
    Control(
        18,
        "taking back looking ends the session",
        (f"{_JOURNEY}::test_the_grants_shown_are_the_same_at_both_ends_and_empty_at_the_end",),
        edit("remote_assist.customer_core:CustomerCore._before_end", "self._out.append(GrantsChanged(()))", "pass"),
        "assert",
    ),
    Control(
        18,
        "the bar cannot be closed",
        (f"{_WINDOWS}::test_the_bar_says_who_looks_at_what_and_stop_is_first",),
        edit("widgets.companion.bar:SharingBar.closeEvent", "event.ignore()", "event.accept()"),
        "isVisible|assert",
    ),
    Control(
        18,
        "the key stops from anywhere",
        ("tests/unit/test_stop_key.py::test_the_key_stops_from_anywhere_and_other_keys_do_nothing",),
        edit("app.desktop.hotkey:StopKey._listen", "self._pressed()", "pass"),
        "wait_until|pressed|assert",
    ),
    Control(
        18,
        "the key stops whatever else is held",
        (
            "tests/unit/test_stop_key.py::test_the_key_stops_whatever_else_is_held",
            "tests/unit/test_stop_key.py::test_no_lock_of_any_layout_is_left_out",
        ),
        edit("app.desktop.hotkey:StopKey._grab", "range(1 << len(others))", "range(4)"),
        "wait_until|pressed|assert",
    ),
    Control(
        18,
        "a key that another program holds is told",
        ("tests/unit/test_stop_key.py::test_a_key_that_another_program_holds_is_told",),
        edit("app.desktop.hotkey:StopKey._grab", "bool(keycode) and refused.get_error() is None", "True"),
        "start",
    ),
    Control(
        18,
        "closing the companion stops first",
        (
            "tests/widgets/test_companion_program.py::test_closing_the_companion_in_mid_session_stops_first_and_hands_the_record_in",
        ),
        edit("app.entry.companion_session:CustomerSession.shut_down", "self.stop()", "pass"),
        "assert|waitUntil|Timeout",
    ),
)
