# SPDX-License-Identifier: GPL-3.0-or-later
"""Row 6: an agent, or an agent's program, that widens its rights."""

from __future__ import annotations

from tests.remote_assist.controls.base import Control, edit

_RA = "tests/remote_assist"
_MORE = f"{_RA}/test_more_access.py"
_HOSTILE = f"{_RA}/test_hostile.py"
_GRANTS = f"{_RA}/test_grants.py"
_SCOPES = f"{_RA}/test_any_scope.py"
_ORDER = f"{_RA}/test_any_order.py::test_whatever_happens_in_whatever_order_the_rules_hold"
_ALLOWED = f"{_GRANTS}::test_no_effect_without_its_grant_a_live_phase_the_number_and_a_picture_that_flows"

CONTROLS = (
    Control(
        6,
        "only a click of the customer on an open question grants",
        (f"{_MORE}::test_nothing_is_granted_that_nobody_asked_for_and_no_control_before_the_check_number",),
        edit(
            "remote_assist.customer_end:CustomerEnd.grant",
            "machine is None or scope not in self._scope_asks",
            "machine is None or self._scope_asks.setdefault(scope, 0)",
        ),
        "Scope",
    ),
    Control(
        6,
        "a request of the agent is a question and nothing more",
        (
            f"{_HOSTILE}::test_no_message_of_the_agent_widens_anything_in_any_phase",
            _ORDER,
        ),
        edit(
            "remote_assist.customer_scopes:CustomerScopes._on_request",
            "self._book.asked(scope)",
            "self._book.give(scope, self.view.phase); self._tell_grants()",
        ),
        "grant|POINTER|newest word|pointer",
    ),
    Control(
        6,
        "a scope that the invitation does not name cannot be granted",
        (
            f"{_MORE}::test_an_invitation_for_looking_only_offers_nothing_more",
            f"{_GRANTS}::test_a_forbidden_or_uninvited_scope_cannot_be_granted",
        ),
        edit("remote_assist.grants:GrantBook.possible", "scope not in self._possible or ", ""),
        "AskScope|possible|give",
    ),
    Control(
        6,
        "nothing is granted outside a live session",
        (f"{_GRANTS}::test_nothing_can_be_granted_outside_a_live_session",),
        edit("remote_assist.grants:GrantBook.possible", " or phase not in (Phase.UNVERIFIED, Phase.VERIFIED)", ""),
        "give|possible",
    ),
    Control(
        6,
        "the broker asks its own state before every effect",
        (
            f"{_MORE}::test_drawings_are_gone_at_once_when_the_grant_or_the_picture_is",
            _ORDER,
        ),
        edit("remote_assist.grants:GrantBook.allows", "if scope not in self._live or not flowing:", "if False:"),
        "shown|flowing|POINTER|Marks",
    ),
    Control(
        6,
        "a text of the agent needs its grant",
        (f"{_RA}/test_any_scope.py::test_an_agent_without_rules_gets_exactly_what_was_granted_and_only_while_it_is",),
        edit(
            "remote_assist.customer_clips:CustomerClips._clip_part",
            "if machine is None or not self._book.allows(_TAKES, machine.phase, flowing=machine.flowing):",
            "if machine is None:",
        ),
        "ClipArrived without",
    ),
    Control(
        6,
        "a pointer or drawing needs its grant",
        (f"{_RA}/test_any_scope.py::test_an_agent_without_rules_gets_exactly_what_was_granted_and_only_while_it_is",),
        edit(
            "remote_assist.customer_scopes:CustomerScopes._on_marks",
            "if not self._book.allows(Scope.POINTER, machine.phase, flowing=flowing):",
            "if False:",
        ),
        "MarksChanged without",
    ),
    Control(
        6,
        "an effect needs its grant",
        (_ALLOWED,),
        edit("remote_assist.grants:GrantBook.allows", "scope not in self._live or ", ""),
        "without its grant|taken back",
    ),
    Control(
        6,
        "an effect needs a picture that flows",
        (_ALLOWED,),
        edit("remote_assist.grants:GrantBook.allows", " or not flowing", ""),
        "while the picture is held",
    ),
    Control(
        6,
        "no picture without the customer's consent",
        (_ORDER,),
        edit(
            "remote_assist.customer_end:CustomerEnd.allow",
            'self._note(EntryType.CONSENT, "customer", {"scope": Scope.VIEW.value, "target_kind": chosen.kind})',
            "pass",
        ),
        "consent",
    ),
    Control(
        6,
        "no picture before its grant is on the record",
        (f"{_RA}/test_journey.py::test_no_picture_is_granted_before_its_grant_is_recorded", _ORDER),
        edit(
            "remote_assist.customer_link:CustomerLink._on_connected",
            'self._note(EntryType.GRANT, "customer", {"scope": Scope.VIEW.value, "target_kind": kind})',
            "pass",
        ),
        "grant",
    ),
    Control(
        6,
        "a grant that is taken back is taken from the child at once",
        (f"{_MORE}::test_taking_the_pointer_back_tells_the_child_at_once_and_leaves_looking",),
        edit(
            "remote_assist.customer_core:CustomerCore._tell_grants",
            "self._tell(child.Grants(self._book.seq, told))",
            "len(told) > 1 and self._tell(child.Grants(self._book.seq, told))",
        ),
        "told|Grants|pointer",
    ),
    Control(
        6,
        "ten messages outside the grants end the session",
        (f"{_HOSTILE}::test_ten_messages_outside_the_grants_end_the_session_with_few_entries",),
        edit(
            "remote_assist.customer_link:CustomerLink._on_violation",
            "if self._violations >= VIOLATIONS_MAX:",
            "if False:",
        ),
        "PROTOCOL",
    ),
    Control(
        6,
        "one malformed control message ends the session",
        (f"{_HOSTILE}::test_one_malformed_control_message_ends_the_session_at_either_end",),
        edit(
            "remote_assist.end_base:EndBase._on_recv",
            'if message.channel == "ctl" or message.channel not in wire.CHANNEL_SCOPE:',
            "if False:",
        ),
        "PROTOCOL",
    ),
    Control(
        6,
        "a scope may be asked for three times, and half a minute after a refusal",
        (
            f"{_MORE}::test_after_three_refusals_the_agent_may_not_ask_again_and_one_who_does_breaks_the_rules",
            f"{_GRANTS}::test_a_refused_scope_may_be_asked_again_after_thirty_seconds_and_thrice_at_most",
        ),
        edit("remote_assist.grants:GrantBook.may_ask", " or self._asked.get(scope, 0) >= ASK_MAX", ""),
        "AskScope|may_ask",
    ),
    Control(
        6,
        "only the customer lifts a pause",
        (f"{_RA}/test_journey.py::test_the_agent_may_pause_but_not_resume",),
        edit(
            "remote_assist.customer_link:CustomerLink._on_agent_pause",
            'self._on_violation("pause")',
            'self._resume("customer")',
        ),
        "paused",
    ),
    Control(
        6,
        "a message of the wrong end is malformed",
        (f"{_HOSTILE}::test_one_malformed_control_message_ends_the_session_at_either_end[message1]",),
        edit(
            "remote_assist.messages:_allowed",
            "if channel != right_channel or sender not in senders:",
            "if channel != right_channel:",
        ),
        "PROTOCOL",
    ),
    Control(
        6,
        "drawings have a number and a size",
        (f"{_MORE}::test_more_drawings_than_allowed_never_show",),
        edit(
            "remote_assist.marks:MarkBoard.add",
            " or (mark.id not in self._marks and len(self._marks) >= MARKS_MAX)",
            "",
        ),
        "64",
    ),
    Control(
        6,
        "the child drops what is not granted before anybody else sees it",
        (f"{_RA}/test_peer_children.py::test_what_an_agent_may_not_say_is_dropped_and_named",),
        edit("remote_assist.incoming:read", "(scope.value not in scopes or paused)", "False"),
        "Fault|violation|wait_until|assert",
        in_child=True,
    ),
    Control(
        6,
        "the child sends no picture without a grant",
        (f"{_RA}/test_peer_children.py::test_nothing_leaves_without_a_grant",),
        edit("remote_assist.sending:Gate.set", "all(self._flags.values())", "True"),
        "assert",
        in_child=True,
    ),
    Control(
        6,
        "what an agent says of a recording counts behind its grant alone",
        (f"{_SCOPES}::test_an_agent_without_rules_gets_exactly_what_was_granted_and_only_while_it_is[recording]",),
        edit("remote_assist.customer_recording:CustomerRecording._write_down", "not self._may_record or ", ""),
        "kept without a grant",
    ),
    Control(
        6,
        "a bundle leaves behind its grant alone",
        (f"{_SCOPES}::test_an_agent_without_rules_gets_exactly_what_was_granted_and_only_while_it_is[diagnostics]",),
        edit(
            "remote_assist.customer_diagnostics:CustomerDiagnostics.send_diagnostics",
            """machine is None or not self._diag_wanted or self._diag_out is not None:
        return self._flush()
    if not self._book.allows(Scope.DIAGNOSTICS, machine.phase, flowing=machine.flowing):""",
            "machine is None:",
        ),
        "DIAGNOSTICS",
    ),
    Control(
        6,
        "the agent's end orders a recording behind the grant alone",
        (f"{_SCOPES}::test_an_agent_without_rules_gets_exactly_what_was_granted_and_only_while_it_is[recording]",),
        (
            *edit("remote_assist.agent_recording:AgentRecording._act", "Scope.RECORDING not in self._grants", "False"),
            *edit(
                "remote_assist.agent_recording:AgentRecording._wish", "if Scope.RECORDING in self._grants:", "if True:"
            ),
        ),
        "without a grant",
    ),
    Control(
        6,
        "each flag alone closes the gate of pictures",
        (f"{_RA}/test_media.py::test_each_flag_alone_closes_the_gate",),
        edit("remote_assist.sending:Gate.set", "all(self._flags.values())", "any(self._flags.values())"),
        "open|count_frame",
    ),
)
