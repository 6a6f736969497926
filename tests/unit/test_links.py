# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that people click, type and forward."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ids import TicketId
from app.domain.links import (
    BadLink,
    EnrolLink,
    InviteLink,
    Opener,
    TicketLink,
    normalise_code,
    opener_of,
    parse_agent_enrol,
    parse_enrol,
    parse_invite,
    parse_server,
    parse_ticket,
    without_secret,
)

TOKEN = "a" * 32


@pytest.mark.parametrize(
    ("server", "text"),
    [
        ("https://help.example.com", f"deskside://enrol/help.example.com#{TOKEN}"),
        ("https://help.example.com:8443", f"deskside://enrol/help.example.com:8443#{TOKEN}"),
        ("http://127.0.0.1:4711", f"deskside://enrol/http%3A%2F%2F127.0.0.1%3A4711#{TOKEN}"),
        ("https://[::1]:1", f"deskside://enrol/[::1]:1#{TOKEN}"),
    ],
)
def test_an_enrolment_link_names_server_and_code(server: str, text: str) -> None:
    """Built and read back."""
    assert EnrolLink(server, TOKEN).to_text() == text
    assert parse_enrol(text) == EnrolLink(server, TOKEN)
    assert parse_enrol(f"  DESKSIDE://Enrol/{text.partition('enrol/')[2]}\n").server == server


def test_plain_http_to_another_machine_is_marked() -> None:
    """The companion warns before it trusts such a link."""
    assert EnrolLink("http://10.0.0.5:80", TOKEN).insecure
    assert not EnrolLink("http://127.0.0.1:80", TOKEN).insecure
    assert not EnrolLink("https://10.0.0.5", TOKEN).insecure


def test_codes_may_be_typed_with_spaces() -> None:
    """Ten digits, however they are grouped."""
    assert normalise_code(" 123 456-7890 ") == "1234567890"
    for bad in ("123", "12345678901", "abc def"):
        with pytest.raises(BadLink):
            normalise_code(bad)


@pytest.mark.parametrize(
    "bad", ["", "ftp://x", "https://x/path", "https://a b", "https://u:p@x", "https://x:99999", "%"]
)
def test_a_server_is_host_and_port_and_nothing_else(bad: str) -> None:
    """No path, no user, no odd scheme."""
    with pytest.raises(BadLink):
        parse_server(bad)


def test_an_invitation_link_carries_id_and_secret() -> None:
    """Built and read back; wrong lengths are refused."""
    link = InviteLink(b"i" * 16, b"s" * 32)
    assert parse_invite(link.to_text()) == link
    for bad in (link.to_text()[:-2], link.to_text().replace("invite", "enrol"), "deskside://invite/zz#aa", "x"):
        with pytest.raises(BadLink):
            parse_invite(bad)


@given(st.text(max_size=80))
def test_any_text_is_a_link_or_refused(text: str) -> None:
    """Never another error."""
    for parse in (parse_enrol, parse_invite, parse_server):
        for prefix in ("", "deskside://enrol/", "deskside://invite/"):
            try:
                parse(prefix + text)
            except BadLink:
                continue


def test_each_link_belongs_to_one_program() -> None:
    """Tickets and sign-ins to the agent's, invitations and enrolments to the Companion; the rest to neither."""
    ticket = TicketLink(TicketId(bytes(range(16)))).to_text()
    assert opener_of(ticket) is Opener.AGENT
    assert parse_ticket(ticket.upper()).ticket == bytes(range(16))
    assert opener_of("deskside://enrol/agent/help.example.com:8443") is Opener.AGENT
    assert parse_agent_enrol("deskside://enrol/agent/help.example.com:8443") == "https://help.example.com:8443"
    assert opener_of(InviteLink(b"i" * 16, b"s" * 32).to_text()) is Opener.COMPANION
    assert opener_of(EnrolLink("https://help.example.com", TOKEN).to_text()) is Opener.COMPANION


@pytest.mark.parametrize(
    "bad",
    ["", "deskside://", "deskside://ticket/", "deskside://ticket/1", "deskside://ticket/" + "g" * 32, "https://x/#y",
     "deskside://ticket/" + "0" * 32 + "#x", "deskside://ticket/../enrol/x", "deskside://enrol/agent/",
     "deskside://enrol/agent/u:p@host", "deskside://delete/" + "0" * 32, "deskside://ticket/" + "0" * 3000],
)  # fmt: skip
def test_what_is_not_exactly_a_link_opens_nothing(bad: str) -> None:
    """The grammar is strict."""
    assert opener_of(bad) is None


@given(st.text(max_size=3000))
def test_no_text_upsets_the_reader_of_links(text: str) -> None:
    """Whatever a page puts behind deskside:// is read or refused, and what is logged is short and has no secret."""
    opener_of(text)
    opener_of(f"deskside://{text}")
    told = without_secret(f"{text}#secret")
    assert len(told) <= 80
    assert "#" not in told
