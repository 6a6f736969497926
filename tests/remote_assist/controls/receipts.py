# SPDX-License-Identifier: GPL-3.0-or-later
"""Row 13 of the threats, receipts: what keeps one that was forged from passing for one that a customer signed."""

from __future__ import annotations

from tests.remote_assist.controls.base import Control, edit

__all__ = ["CONTROLS"]

_FORGED = "tests/remote_assist/test_receipt_forged.py"

CONTROLS = (
    Control(
        13,
        "the key that signed is the one that joined",
        (f"{_FORGED}::test_the_session_key_named_in_the_first_entry_must_be_the_one_that_signed",),
        edit("app.domain.session_record:read_joined", 'if data.binary("session_key", 32) != session_key:', "if False:"),
        "assert",
    ),
    Control(
        13,
        "a device certificate is of this key, organisation and time",
        (f"{_FORGED}::test_a_certificate_of_another_time_key_organisation_or_customer_proves_no_customer",),
        edit(
            "app.domain.session_record:read_joined",
            "if (certificate.device_key, certificate.org_id) != (key, org_id) or not certificate.valid_at(entry.at):",
            "if False:",
        ),
        "assert",
    ),
    Control(
        13,
        "only the organisation says whose a computer is",
        (f"{_FORGED}::test_a_certificate_that_another_key_signed_is_refused",),
        edit(
            "app.domain.documents:open_document",
            "if not verify(public_key, label, signed.document, signed.signature):",
            "if False:",
        ),
        "assert",
    ),
    Control(
        13,
        "a computer of another customer proves nothing about this one",
        (f"{_FORGED}::test_a_certificate_of_another_time_key_organisation_or_customer_proves_no_customer",),
        edit(
            "remote_assist.chain:_report",
            "device is not None and device.customer == invitation.requester_id",
            "device is not None",
        ),
        "assert",
    ),
    Control(
        13,
        "a key that nobody signed vouches for nothing",
        (f"{_FORGED}::test_a_record_written_anew_with_an_own_key_is_vouched_for_by_nobody",),
        edit(
            "remote_assist.chain:_report",
            "device is not None and device.customer == invitation.requester_id",
            "joined.device_key is not None or device is None",
        ),
        "assert",
    ),
    Control(
        13,
        "a session lies in the time of the agent's certificate",
        (f"{_FORGED}::test_a_session_outside_the_time_of_the_agents_certificate_is_refused",),
        edit(
            "remote_assist.receipt_facts:_check_times",
            "if not (certificate.valid_at(invitation.created) and certificate.valid_at(joined)):",
            "if False:",
        ),
        "assert",
    ),
    Control(
        13,
        "the last entry names the grants of the entries",
        (f"{_FORGED}::test_grants_that_the_last_entry_does_not_name_show",),
        edit(
            "remote_assist.receipt_facts:_check_end",
            "if named != [(span.scope, span.since) for span in _granted(entries)]:",
            "if False:",
        ),
        "assert",
    ),
    Control(
        13,
        "the last entry is of this ticket, customer and agent",
        (f"{_FORGED}::test_an_end_that_names_another_session_is_refused",),
        edit("remote_assist.receipt_facts:_check_end", "if data.get(name, value) != value:", "if False:"),
        "assert",
    ),
    Control(
        13,
        "nothing stands beside the record that no signature covers",
        (f"{_FORGED}::test_a_field_that_no_signature_covers_is_refused",),
        edit("remote_assist.chain:_verify", "if not fields.raw.keys() <= _FIELDS:", "if False:"),
        "assert",
    ),
    Control(
        13,
        "the agent's device signs only what its end saw",
        (f"{_FORGED}::test_the_agents_device_signs_only_what_its_end_saw",),
        edit("remote_assist.agent_record:FollowedRecord.may_sign", "self.agrees(number) and ", ""),
        "assert",
    ),
    Control(
        13,
        "a record ends before it is longer than any reader takes",
        (f"{_FORGED}::test_a_record_that_is_about_to_be_too_long_ends_the_session_while_it_can_still_be_read",),
        edit("remote_assist.customer_link:CustomerLink._on_tick", "if self._must_close:", "if False:"),
        "assert",
    ),
)
