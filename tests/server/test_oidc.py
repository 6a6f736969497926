# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in with a provider: the right person gets the right account, and nothing that is not quite right gets in."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import secrets
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import sqlalchemy as sa
from litestar.testing import TestClient

from app.domain.errors import WorldError
from sync.server.oidc import Oidc, OidcSettings
from sync.server.oidc_accounts import link_login
from sync.server.schema import SYSTEM
from tests.fakes.oidc_provider import CLIENT_ID, Provider
from tests.server.lent_app import client_of
from tests.server.world import World

REDIRECT = "http://127.0.0.1:49152/callback"


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


def fresh_code(provider: Provider, **changed: str) -> dict[str, str]:
    """Let somebody sign in at the provider, and return what a client then sends."""
    verifier, nonce = secrets.token_urlsafe(48), secrets.token_urlsafe(24)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {
        "response_type": "code", "client_id": CLIENT_ID, "redirect_uri": REDIRECT, "scope": "openid email",
        "state": "s", "nonce": nonce, "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    answer = httpx.get(f"{provider.issuer}/authorize?{urlencode(query)}")
    code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
    return {"code": code, "verifier": verifier, "redirect": REDIRECT, "nonce": nonce, **changed}


class Door:
    """A server that offers the provider, and a browser that goes there."""

    def __init__(self, world: World, provider: Provider, match: str = "none") -> None:
        self.world = world
        self.provider = provider
        self.now = 1000.0
        settings = OidcSettings(provider.issuer, CLIENT_ID, None, match)
        self.oidc = Oidc(settings, monotonic=lambda: self.now)
        self.client: TestClient[Any] = client_of(dataclasses.replace(world.parts, oidc=self.oidc), raises=True)

    def code(self, **changed: str) -> dict[str, str]:
        """Go to the provider as a browser would, and return what a client then sends."""
        return fresh_code(self.provider, **changed)

    def sign_in(self, code: dict[str, str] | None = None) -> tuple[int, str]:
        """Return (status, login or the code of the refusal)."""
        body = {"oidc": code or self.code(), "device_name": "test"}
        answer = self.client.post("/auth/v1/login", json=body)
        data = answer.json()
        return answer.status_code, data["account"]["login"] if answer.status_code == 200 else data["code"]

    def link(self, login: str = "kim", sub: str = "person-1") -> None:
        """What the administrator does by hand."""
        assert self.world.store.write(lambda cx: link_login(cx, login, self.provider.issuer, sub))


@pytest.fixture
def door(desk: World, provider: Provider) -> Iterator[Door]:
    made = Door(desk, provider)
    with made.client:
        yield made
    made.oidc.close()


def test_a_linked_person_signs_in_and_gets_a_device(door: Door) -> None:
    """The account is found by what the provider calls the person, not by a name."""
    door.link()
    assert door.sign_in() == (200, "kim")


def test_the_server_says_where_people_can_sign_in(door: Door, desk: World) -> None:
    """A client shows the button only when there is something behind it."""
    offer = door.client.get("/auth/v1/oidc").json()
    assert (offer["issuer"], offer["client_id"]) == (door.provider.issuer, CLIENT_ID)
    assert desk.client.get("/auth/v1/oidc").json()["code"] == "oidc_off"
    refused = desk.client.post("/auth/v1/login", json={"oidc": door.code()})
    assert (refused.status_code, refused.json()["code"]) == (404, "oidc_off")


def test_nobody_gets_an_account_by_name_unless_the_administrator_allows_it(door: Door, desk: World) -> None:
    """A verified mail address that is a login opens it once the rule says so, and links it for good."""
    set_login(desk, "kim", "kim@example.com")
    assert door.sign_in() == (403, "oidc_no_account")
    allowed = Door(desk, door.provider, "email")
    assert allowed.sign_in() == (200, "kim@example.com")
    door.provider.claims = {"sub": "person-1"}
    assert door.sign_in() == (200, "kim@example.com")


def test_a_mail_address_that_is_not_verified_opens_nothing(door: Door, desk: World) -> None:
    """Anybody can claim an address."""
    set_login(desk, "kim", "kim@example.com")
    allowed = Door(desk, door.provider, "email")
    for claim in (False, "true", None):
        door.provider.override = {"email_verified": claim}
        assert allowed.sign_in() == (403, "oidc_no_account")


def test_an_account_that_is_linked_is_not_taken_over_by_name(door: Door, desk: World) -> None:
    """A second person of the provider with the same address stays outside."""
    set_login(desk, "kim", "kim@example.com")
    door.link("kim@example.com", "somebody-else")
    assert Door(desk, door.provider, "email").sign_in() == (403, "oidc_no_account")


def test_a_user_name_counts_only_under_its_own_rule(door: Door, desk: World) -> None:
    """`preferred_username` is believed when the administrator says that the provider can be."""
    door.provider.claims = {"sub": "p", "preferred_username": "Kim"}
    assert Door(desk, door.provider, "email").sign_in() == (403, "oidc_no_account")
    assert Door(desk, door.provider, "username").sign_in() == (200, "kim")


def test_a_suspended_person_stays_out(door: Door, desk: World) -> None:
    """The provider's word does not stand above the administrator's."""
    door.link()
    desk.store.write(lambda cx: cx.execute(SYSTEM.account.update().values(state="suspended")))
    assert door.sign_in() == (403, "suspended")


def test_a_code_is_good_for_once(door: Door) -> None:
    """Whoever finds it later has nothing."""
    door.link()
    code = door.code()
    assert door.sign_in(code) == (200, "kim")
    assert door.sign_in(code) == (401, "oidc_refused")


def test_a_stolen_code_is_useless_without_what_only_the_client_knows(door: Door) -> None:
    """Verifier, nonce and redirect all belong to the code."""
    door.link()
    assert door.sign_in(door.code(verifier="v" * 43)) == (401, "oidc_refused")
    assert door.sign_in(door.code(nonce="n" * 24)) == (401, "oidc_refused")
    assert door.sign_in(door.code(redirect="http://127.0.0.1:1/other")) == (401, "oidc_refused")
    assert door.sign_in(door.code(redirect="https://evil.example.com/callback")) == (401, "oidc_refused")


@pytest.mark.parametrize(
    "override",
    [
        {"iss": "https://evil.example.com"}, {"aud": "another-client"}, {"exp": 1_000_000_000}, {"exp": None},
        {"iat": 9_999_999_999}, {"nonce": None}, {"nonce": 5}, {"sub": None}, {"sub": ""}, {"aud": None},
        {"aud": [CLIENT_ID, "another"]}, {"azp": "another"}, {"nbf": 9_999_999_999},
    ],
    ids=lambda override: "-".join(f"{k}={v}" for k, v in override.items())[:30],
)  # fmt: skip
def test_an_id_token_that_is_not_quite_right_is_refused(door: Door, override: dict[str, Any]) -> None:
    """Issuer, audience, times, nonce and subject are all looked at."""
    door.link()
    door.provider.override = override
    assert door.sign_in() == (401, "oidc_refused")


@pytest.mark.parametrize("alg", ["none", "HS256"])
def test_a_token_without_a_real_signature_is_refused(door: Door, alg: str) -> None:
    """Neither unsigned nor signed with the public key as a secret."""
    door.link()
    door.provider.alg = alg
    assert door.sign_in() == (401, "oidc_refused")


def test_a_forged_signature_is_refused(door: Door) -> None:
    """The name of the right key is not the key."""
    door.link()
    door.provider.forge()
    assert door.sign_in() == (401, "oidc_refused")


def test_a_provider_that_changes_its_keys_is_followed(door: Door) -> None:
    """Keys are kept, and asked for again when a new one appears, but not for every forged token."""
    door.link()
    assert door.sign_in() == (200, "kim")
    door.provider.new_key()
    door.now += 31
    assert door.sign_in() == (200, "kim")
    door.provider.new_key()
    assert door.sign_in() == (401, "oidc_refused")
    assert door.provider.asked.count("/keys") == 2
    assert door.provider.asked.count("/.well-known/openid-configuration") == 1


def _broken(provider: Provider) -> None:
    provider.broken = 500


def _html(provider: Provider) -> None:
    provider.html = True


def _other_issuer(provider: Provider) -> None:
    provider.override = {"discovery_issuer": "https://other.example.com"}


@pytest.mark.parametrize(
    ("harm", "code"),
    [(_broken, "oidc_unreachable"), (_html, "oidc_setup"), (_other_issuer, "oidc_setup"),
     (Provider.close, "oidc_unreachable")],
)  # fmt: skip
def test_a_provider_in_trouble_is_told_as_such_and_passwords_go_on(
    door: Door, harm: Callable[[Provider], None], code: str
) -> None:
    """503 with its own word; the local account signs in as ever."""
    ask = door.code()
    harm(door.provider)
    assert door.sign_in(ask) == (503, code)
    local = door.client.post("/auth/v1/login", json={"login": "kim", "password": "correct horse"})
    assert local.status_code == 200


def test_trying_codes_is_slowed_down(door: Door) -> None:
    """As trying passwords is."""
    ask = door.code()
    answers = [door.sign_in({**ask, "code": f"guess{i}"})[0] for i in range(41)]
    assert answers[0] == 401
    assert answers[-1] == 429


@pytest.mark.parametrize(
    "settings",
    [
        OidcSettings("http://login.example.com", "id"), OidcSettings("", "id"), OidcSettings("https://x.example", ""),
        OidcSettings("https://x.example/?a=b", "id"), OidcSettings("https://x.example", "id", None, "all"),
        OidcSettings("ftp://x.example", "id"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_safe_are_refused_at_the_start(settings: OidcSettings) -> None:
    """A provider without TLS could be anybody."""
    with pytest.raises(WorldError) as refused:
        settings.check()
    assert refused.value.code == "bad_oidc"


def set_login(desk: World, old: str, new: str) -> None:
    """Rename an account."""
    table = SYSTEM.account
    desk.store.write(lambda cx: cx.execute(sa.update(table).where(table.c.login == old).values(login=new)))
