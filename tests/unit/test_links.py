# SPDX-License-Identifier: GPL-3.0-or-later
"""Links that people click, type and forward."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.links import BadLink, EnrolLink, InviteLink, normalise_code, parse_enrol, parse_invite, parse_server

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
