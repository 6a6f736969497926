# SPDX-License-Identifier: GPL-3.0-or-later
"""Invitations: only this organisation's, this customer's, now, once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.assist import EndReason, Phase
from app.domain.certificate import RevocationList, build_revocations, read_certificate, read_revocations
from app.domain.documents import BadDocument, SignedDocument, sign_document
from app.domain.invitation import Invitation, build_invitation, read_invitation, ticket_line
from remote_assist.actions import Alarm, SendEnvelope, ShowPrompt, StartChild
from remote_assist.customer_end import CustomerEnd, CustomerIdentity
from remote_assist.invitation import (
    InvitationChecker,
    OrganisationPin,
    OwnTicket,
    ReplayCache,
    mask_mail,
)
from tests.remote_assist.world import UTC_START_MS, SeededBytes, World, private_key, public

Open = Callable[[World], tuple[SignedDocument, bytes]]


def resigned(world: World, key_seed: str = "agent device", **changes: object) -> tuple[SignedDocument, bytes]:
    """The world's invitation with other values, signed by the agent's (or another) key."""
    signed, secret = world.invitation
    invitation, _ = read_invitation(signed, public(world.org_key))
    values = {name: getattr(invitation, name) for name in Invitation.__dataclass_fields__} | changes
    return build_invitation(private_key(key_seed), Invitation(**values)), secret


def wrong_organisation_key(world: World) -> tuple[SignedDocument, bytes]:
    world.checker.pin = OrganisationPin("org-1", "Hanbit Support", public(private_key("impostor")))
    return world.invitation


def foreign_organisation(world: World) -> tuple[SignedDocument, bytes]:
    world.checker.pin = OrganisationPin("org-2", "Hanbit Support", public(world.org_key))
    return world.invitation


def signed_by_another_device(world: World) -> tuple[SignedDocument, bytes]:
    return resigned(world, "stolen")


def expired(world: World) -> tuple[SignedDocument, bytes]:
    world.fake_clock.ms += 600_000
    return world.invitation


def not_yet_made(world: World) -> tuple[SignedDocument, bytes]:
    world.fake_clock.ms -= 301_000
    return world.invitation


def certificate_run_out(world: World) -> tuple[SignedDocument, bytes]:
    now = world.clock.utc_ms()
    old = world.certificate(not_before=now - 900_000, not_after=now - 400_000)
    return resigned(world, agent_cert=old)


def certificate_revoked(world: World) -> tuple[SignedDocument, bytes]:
    world.revoked = frozenset({"c-1"})
    return world.invitation


def old_revocation_list(world: World) -> tuple[SignedDocument, bytes]:
    stale = RevocationList("org-1", world.clock.utc_ms() - 25 * 3600 * 1000, frozenset())
    world.checker = InvitationChecker(world.pin, world.replay, revocations=lambda: stale)
    world.customer_end = CustomerEnd(CustomerIdentity("app", "linux"), world.clock, world.checker)
    return world.invitation


def ticket_of_somebody_else(world: World) -> tuple[SignedDocument, bytes]:
    return resigned(world, ticket_id="b" * 32)


def wider_scope_than_the_certificate(world: World) -> tuple[SignedDocument, bytes]:
    return resigned(world, scopes_max=("view", "unattended"))


def without_looking(world: World) -> tuple[SignedDocument, bytes]:
    return resigned(world, scopes_max=())


def for_the_browser_only(world: World) -> tuple[SignedDocument, bytes]:
    return resigned(world, modes=("browser",))


def wrong_join_secret(world: World) -> tuple[SignedDocument, bytes]:
    return world.invitation[0], b"x" * 32


def opened_before(world: World) -> tuple[SignedDocument, bytes]:
    world.checker.check(*world.invitation, world.clock.utc_ms())
    return world.invitation


def unknown_version(world: World) -> tuple[SignedDocument, bytes]:
    signed, secret = world.invitation
    newer = signed.document.replace(b'"v":1', b'"v":2', 1)
    return SignedDocument(newer, world.agent_key.sign(_covered(newer))), secret


def unsigned(world: World) -> tuple[SignedDocument, bytes]:
    signed, secret = world.invitation
    return SignedDocument(signed.document, bytes(64)), secret


def _covered(document: bytes) -> bytes:
    label = b"deskside-invitation-1"
    return len(label).to_bytes(2, "big") + label + len(document).to_bytes(2, "big") + document


BAD: list[Open] = [
    wrong_organisation_key,
    foreign_organisation,
    signed_by_another_device,
    expired,
    not_yet_made,
    certificate_run_out,
    certificate_revoked,
    old_revocation_list,
    ticket_of_somebody_else,
    wider_scope_than_the_certificate,
    without_looking,
    for_the_browser_only,
    wrong_join_secret,
    opened_before,
    unknown_version,
    unsigned,
]


@pytest.mark.parametrize("bad", BAD, ids=[bad.__name__ for bad in BAD])
def test_a_bad_invitation_is_never_shown_and_tells_its_sender_nothing(bad: Open) -> None:
    """Whatever is wrong: the same end, an alarm, no prompt, no child, not one envelope."""
    world = World()
    world.invite()
    signed, secret = bad(world)
    actions = world.customer_end.open(signed, secret)
    view = world.customer_end.view
    assert (view.phase, view.reason) == (Phase.ENDED, EndReason.BAD_INVITATION)
    assert not [a for a in actions if isinstance(a, ShowPrompt | SendEnvelope | StartChild)]
    assert [a.code for a in actions if isinstance(a, Alarm)] == ["bad_invitation"]


def test_a_good_invitation_shows_agent_organisation_key_ticket_and_subject() -> None:
    """Everything a person needs to tell a friend from a stranger."""
    world = World()
    world.to_prompt()
    prompt = world.customer.last(ShowPrompt).prompt
    assert (prompt.agent_name, prompt.organisation, prompt.ticket_no) == ("Kim Jiwoo", "Hanbit Support", "4182")
    assert (prompt.subject, prompt.scope.value, prompt.hard_limit_s) == ("Printer stops after page 2", "view", 3600)
    assert prompt.key_mark == world.pin.key_mark
    assert prompt.expires_ms == world.fake_clock.ms + 120_000


def test_a_used_invitation_is_remembered_a_day_past_its_end_and_over_a_restart() -> None:
    """The memory may be stored."""
    cache = ReplayCache()
    assert cache.first_use(b"i" * 16, 1_000, 0)
    again = ReplayCache(cache.entries)
    assert not again.first_use(b"i" * 16, 1_000, 24 * 3600 * 1000)
    assert again.first_use(b"j" * 16, 1_000, 25 * 3600 * 1000)
    assert set(again.entries) == {(b"j" * 16).hex()}


def test_without_a_server_in_reach_an_old_revocation_list_does_not_stop_help() -> None:
    """The list must be young only while it could be fetched."""
    world = World()
    world.invite()
    checker = InvitationChecker(world.pin, ReplayCache(), server_reachable=lambda: False)
    assert checker.check(*world.invitation, world.clock.utc_ms())


def test_no_invitation_can_be_made_for_a_ticket_without_a_requester() -> None:
    """Invariant: no session without an open ticket whose requester is the customer."""
    world = World()
    with pytest.raises(BadDocument):
        world.agent_end.invite(world.request(requester_id=""))


def test_an_address_is_masked_so_that_only_its_owner_knows_it() -> None:
    """The invitation carries no usable mail address."""
    assert mask_mail("minsu@example.com") == "m***@example.com"
    assert mask_mail("nothing") == "***"


def test_certificates_live_a_week_at_most_and_only_the_organisation_makes_them() -> None:
    """And their validity allows five minutes of clock error."""
    world = World()
    certificate = read_certificate(world.certificate(), public(world.org_key))
    assert certificate.valid_at(certificate.not_after + 299_999)
    assert not certificate.valid_at(certificate.not_after + 300_000)
    with pytest.raises(BadDocument):
        world.certificate(not_after=UTC_START_MS + 9 * 86_400_000)
    with pytest.raises(BadDocument):
        read_certificate(world.certificate(), public(private_key("impostor")))


def test_a_revocation_list_is_read_back_and_a_forged_one_refused() -> None:
    """Signed by the organisation key."""
    key = private_key("organisation")
    made = RevocationList("org-1", 5, frozenset({"c-9"}))
    signed = build_revocations(key, made)
    assert read_revocations(signed, public(key)) == made
    with pytest.raises(BadDocument):
        read_revocations(signed, public(private_key("impostor")))


@given(st.text(max_size=300))
def test_no_text_makes_reading_a_signed_document_fall_over(text: str) -> None:
    """Only BadDocument comes out."""
    with pytest.raises(BadDocument):
        read_invitation(SignedDocument.from_text(text), bytes(32))


@pytest.mark.parametrize("document", [b"", b"[]", b"{", b"{}", b'{"agent_cert":1}', b"[" * 20_000, b"\xff"])
def test_no_json_makes_reading_an_invitation_fall_over(document: bytes) -> None:
    """Only BadDocument comes out."""
    with pytest.raises(BadDocument):
        read_invitation(SignedDocument(document, bytes(64)), bytes(32))


def test_a_document_travels_whole_or_in_parts() -> None:
    """Both forms give the same bytes."""
    signed = sign_document(private_key("x"), "label", {"v": 1, "name": "김지우"})
    assert SignedDocument.from_text(signed.to_text()) == signed
    assert SignedDocument.from_parts(*signed.parts) == signed


def test_two_sessions_never_share_ids_or_secrets() -> None:
    """Each invitation has its own."""
    made = []
    for seed in ("a", "b"):
        world = World()
        world.agent_end._random = SeededBytes(seed)
        world.invite()
        made.append(read_invitation(world.invitation[0], public(world.org_key))[0])
    assert made[0].iid != made[1].iid
    assert made[0].sid != made[1].sid
    assert made[0].join_hash != made[1].join_hash


@pytest.mark.parametrize("field", ["subject", "ticket_no"])
@pytest.mark.parametrize(
    "text", ["Printer\n✔ Safe mode: nothing is sent", "a\u202eb", "a\u2028b", "x" * 121, " a", "a\tb"]
)
def test_a_subject_of_several_lines_or_turned_round_is_no_invitation(field: str, text: str) -> None:
    """The customer reads it in the request, in the summary and beside the receipt: it is one clean line or nothing."""
    world = World()
    world.invite()
    with pytest.raises(BadDocument, match="subject"):
        resigned(world, **{field: text})
    assert ticket_line(text) == ticket_line(ticket_line(text))


def test_a_request_names_the_ticket_as_the_customers_own_program_knows_it() -> None:
    """Whatever the agent signed; in one clean line, so that nothing of the ticket looks like words of the window."""
    world = World()
    world.invite()
    signed, secret = world.invitation
    ticket = read_invitation(signed, public(world.org_key))[0].ticket_id
    known = {ticket: OwnTicket("7", "Printer\n✔ stops")}
    checker = InvitationChecker(
        world.pin,
        ReplayCache(),
        own_tickets=lambda: known,
        revocations=lambda: RevocationList("org-1", now, frozenset()),
    )
    now = world.clock.utc_ms()
    checked = checker.check(signed, secret, now)
    assert (checked.invitation.ticket_no, checked.invitation.subject) == ("7", "Printer ✔ stops")
    assert checked.signed == signed


def test_an_older_list_of_revoked_certificates_does_not_replace_a_newer_one() -> None:
    """Whoever plays one again brings nobody back; one of the same moment or later counts."""
    old, new = RevocationList("org-1", 5, frozenset()), RevocationList("org-1", 6, frozenset({"c-1"}))
    assert (new.followed_by(old), old.followed_by(new)) == (new, new)
