# SPDX-License-Identifier: GPL-3.0-or-later
"""Signing in with a provider when things go wrong: two at once, answers without end, clocks apart, odd keys."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from app.config.logs import _without_personal_data
from sync.protocol import OidcCode
from sync.server.oidc import Oidc, OidcSettings, Person
from sync.server.oidc_accounts import link_login, matched_account
from sync.server.problems import ProblemError
from sync.server.schema import SYSTEM
from tests.fakes.oidc_provider import CLIENT_ID, Provider
from tests.fakes.wait import wait_until
from tests.server.test_oidc import REDIRECT, Door, fresh_code, set_login
from tests.server.world import PASSWORD, World

CODE = OidcCode(code="c", verifier="v" * 43, redirect=REDIRECT, nonce="n" * 16)
ISSUER = "https://login.example.com"


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def door(desk: World, provider: Provider) -> Iterator[Door]:
    made = Door(desk, provider)
    with made.client:
        yield made
    made.oidc.close()


def linked(world: World, login: str) -> str | None:
    """The person of the provider that an account is linked to."""
    table = SYSTEM.account
    with world.store.read() as cx:
        return cx.execute(sa.select(table.c.oidc_sub).where(table.c.login == login)).scalar()


def beside(world: World, first: Person, second: Person) -> list[bytes | str]:
    """Let the second person sign in for the first time while the first one's sign-in has not been committed."""
    out: list[bytes | str] = ["", ""]  # by place: the second may be told before the first has come back from its commit

    def sign_in(place: int, person: Person, then: Callable[[], None] = lambda: None) -> None:
        def work(cx: sa.Connection) -> bytes:
            account = matched_account(cx, person, "username")
            then()
            return account

        try:
            out[place] = world.store.write(work)
        except ProblemError as problem:
            out[place] = problem.problem.code

    other = threading.Thread(target=sign_in, args=(1, second))

    def meanwhile() -> None:
        if not other.is_alive():
            other.start()
        other.join(0.3)  # it has looked for its account by now, or waits for us

    sign_in(0, first, meanwhile)
    other.join(30)
    return out


def test_of_two_people_with_one_name_only_the_first_gets_the_account(world: World) -> None:
    """However close together they come, the second does not take it from the first."""
    kim = Person(f"{ISSUER}#1", None, "kim")
    got = beside(world, kim, Person(f"{ISSUER}#2", None, "kim"))
    assert got[1] == "oidc_no_account"
    assert linked(world, "kim") == kim.key


def test_the_same_person_twice_at_once_is_the_same_person(world: World) -> None:
    """Two computers started at the same minute both get in."""
    kim = Person(f"{ISSUER}#1", None, "kim")
    first, second = beside(world, kim, kim)
    assert isinstance(first, bytes)
    assert first == second


def test_linking_a_login_that_does_not_exist_unlinks_nobody(desk: World) -> None:
    """A typing error of the administrator must not shut somebody out."""
    assert desk.store.write(lambda cx: link_login(cx, "kim", ISSUER, "1"))
    assert not desk.store.write(lambda cx: link_login(cx, "kin", ISSUER, "1"))
    assert linked(desk, "kim") == f"{ISSUER}#1"


@pytest.mark.parametrize(
    ("seconds", "answer"), [(50, (200, "kim")), (-340, (200, "kim")), (300, (401, "oidc_refused"))]
)
def test_clocks_may_differ_a_little(door: Door, seconds: int, answer: tuple[int, str]) -> None:
    """A minute to either side; a token from further in the future is not believed."""
    import time

    door.link()
    issued = int(time.time()) + seconds
    door.provider.override = {"iat": issued, "exp": issued + 300}
    assert door.sign_in() == answer


@pytest.mark.parametrize("alg", ["RS512", "PS256"])
def test_keys_that_do_not_say_what_they_are_for_serve_every_signature_of_their_kind(door: Door, alg: str) -> None:
    """`alg` of a published key is optional."""
    door.link()
    door.provider.alg, door.provider.key_alg = alg, None
    assert door.sign_in() == (200, "kim")


@pytest.mark.parametrize("text", ["a\x00b", "\ud800", "x" * 256])
def test_a_person_whose_name_no_database_holds_is_refused(door: Door, desk: World, text: str) -> None:
    """NUL, half a character, too long: 401 or 403, never an error of ours."""
    set_login(desk, "kim", "kim@example.com")
    door.provider.override = {"sub": text}
    assert door.sign_in() == (401, "oidc_refused")
    door.provider.override = {"preferred_username": text, "email": text}
    for match in ("username", "email"):
        other = Door(desk, door.provider, match)
        assert other.sign_in() == (403, "oidc_no_account")
        other.oidc.close()
    door.provider.override = {"nonce": text}
    assert door.sign_in() == (401, "oidc_refused")


def refusal(provider: Provider) -> tuple[int, str]:
    """What becomes of a sign-in that cannot end well."""
    oidc = Oidc(OidcSettings(provider.issuer, CLIENT_ID))
    with pytest.raises(ProblemError) as refused:
        oidc.person(OidcCode(**fresh_code(provider)))
    oidc.close()
    return refused.value.status, refused.value.problem.code


@pytest.mark.parametrize(
    "keys", [5, {"a": "b"}, [], [5], [{"kty": "RSA"}], [{"kty": "RSA", "n": 5, "e": []}], None, "keys"], ids=str
)
def test_keys_that_are_none_end_in_a_word(provider: Provider, keys: object) -> None:
    """Whatever is published instead of keys."""
    provider.published = {"keys": keys}
    assert refusal(provider) == (401, "oidc_refused")


@pytest.mark.parametrize("place", ["token_endpoint", "jwks_uri"])
@pytest.mark.parametrize("value", ["http://[", "ftp://x", "", "https://", "http://127.0.0.1:99999/", "x" * 70_000])
def test_addresses_that_are_none_end_in_a_word(provider: Provider, place: str, value: str) -> None:
    """Discovery that names nonsense."""
    provider.override = {"discovery": {place: value}}
    assert refusal(provider)[0] == 503


@contextmanager
def talking(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """A provider of raw bytes; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def one(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                answer(connection)
            except OSError:
                pass

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=one, args=(connection,), daemon=True))
            threads[-1].start()

    serving = threading.Thread(target=serve, daemon=True)
    serving.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    serving.join(10)


def test_an_answer_without_end_is_cut_off() -> None:
    """A megabyte is read, and no more, whether its length was told or not."""
    for head in (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n"):
        sent = [0]

        def pour(connection: socket.socket, head: bytes = head, sent: list[int] = sent) -> None:
            connection.sendall(head)
            while sent[0] < 256 << 20:
                sent[0] += connection.send(b" " * (1 << 16))

        with talking(pour) as issuer:
            oidc = Oidc(OidcSettings(issuer, CLIENT_ID))
            with pytest.raises(ProblemError) as refused:
                oidc.person(CODE)
            oidc.close()
        assert (refused.value.status, refused.value.problem.code) == (503, "oidc_setup")
        assert sent[0] < 64 << 20


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: "])
def test_an_answer_that_trickles_in_is_given_up(head: bytes) -> None:
    """Each byte in time is not an answer in time, neither in the body nor before it."""
    stop = threading.Event()

    def trickle(connection: socket.socket) -> None:
        connection.sendall(head)
        while not stop.wait(0.01):
            connection.sendall(b" ")

    with talking(trickle) as issuer:
        oidc = Oidc(OidcSettings(issuer, CLIENT_ID), deadline_s=0.3)
        with pytest.raises(ProblemError) as refused:
            oidc.person(CODE)
        stop.set()
        oidc.close()
    assert (refused.value.status, refused.value.problem.code) == (503, "oidc_unreachable")


def test_a_provider_that_does_not_answer_holds_up_nobody_else(door: Door) -> None:
    """A few wait for it, the others are told to come back; passwords, sync and the server's own look-ups go on."""
    free = threading.Event()
    door.provider.before_token = lambda: free.wait(30)
    codes = [door.code() for _ in range(14)]
    with ThreadPoolExecutor(14) as pool:
        asked = [pool.submit(door.sign_in, code) for code in codes]
        try:
            wait_until(lambda: sum(f.done() for f in asked) == 6, 20)
            told = {f.result() for f in asked if f.done()}
            local = door.client.post("/auth/v1/login", json={"login": "lee", "password": PASSWORD})
        finally:
            free.set()
        answers = [f.result() for f in asked]
    assert told == {(503, "busy")}
    assert local.status_code == 200
    assert answers.count((403, "oidc_no_account")) == 8


def test_what_went_wrong_with_the_provider_stands_in_the_log(provider: Provider) -> None:
    """The administrator reads why, in words of our own: which claim, which address, which status."""
    with capture_logs() as told:
        provider.override = {"iat": 9_999_999_999}
        assert refusal(provider) == (401, "oidc_refused")
        code = fresh_code(provider)
        provider.override, provider.broken = {}, 500
        oidc = Oidc(OidcSettings(provider.issuer, CLIENT_ID))
        with pytest.raises(ProblemError):
            oidc.person(OidcCode(**code))
        oidc.close()
    kept = [_without_personal_data(None, "", {**line})["reason"] for line in told]
    assert kept == ["clock: iat", "/.well-known/openid-configuration answered 500"]
