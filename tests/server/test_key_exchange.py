# SPDX-License-Identifier: GPL-3.0-or-later
"""An organisation exchanges its key: the server says so, agents get new certificates, companions follow."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.config.policy import Policy
from app.desktop.companion_store import CompanionStore
from app.domain.certificate import read_certificate, read_revocations
from app.domain.device_certificate import read_device_certificate
from app.domain.documents import BadDocument, SignedDocument
from app.domain.errors import StoreUnavailable
from app.domain.links import parse_enrol
from app.domain.signed import b64, fingerprint, unb64
from app.entry.companion_keys import StoreKeys
from app.entry.companion_rows import Enrolment, StoreRows
from app.entry.server_lock import alone
from remote_assist.actions import Receipt
from sync import customer_client as net
from sync.customer_api import CustomerApi
from sync.customer_protocol import Enrolled
from sync.server import key_exchange
from sync.server.bootstrap import organisation, prepare
from sync.server.keys import ServerKeys
from sync.server.parts import build_parts, open_parts
from sync.server.store import Store
from tests.fakes.wait import wait_until
from tests.remote_assist.world import World as Pair
from tests.server.serving import serving
from tests.server.test_backup import Run, data, database, opened, people, run, set_passwords
from tests.server.test_backup_faults import where
from tests.server.test_sessions import Inviter
from tests.server.world import Agent, CountingRandom

__all__ = ["data", "database", "run"]  # fixtures

SERVER = "https://help.example.com"


# --- the server ------------------------------------------------------------------------------------------------------


def test_an_administrator_exchanges_the_key_and_the_next_server_signs_with_the_new_one(
    run: Run, data: Path, database: str | None
) -> None:
    """Both marks are told, the list has every key, the old secret is gone, and the file stays private."""
    people(run, *where(database))
    old, secret = ServerKeys.load(data).organisation_public, (data / "organisation.key").read_text()
    code, told = run(*where(database), "new-organisation-key")
    new = ServerKeys.load(data).organisation_public
    assert code == 0
    assert new != old
    for word in (fingerprint(old), fingerprint(new), b64(new)):
        assert word in told
    listed = run(*where(database), "organisation-keys")[1].splitlines()
    assert [line.split("  ")[:2] for line in listed] == [["2", fingerprint(new)], ["1", fingerprint(old)]]
    found = list(data.glob("organisation.key*"))
    assert [(path.name, path.stat().st_mode & 0o777) for path in found] == [("organisation.key", 0o600)]
    assert found[0].read_text() != secret
    assert run(*where(database), "new-organisation-key", language="ko")[0] == 0
    world = opened(data, database)
    with world.client as client:
        assert len(client.get("/customer/v1/keys").json()["statements"]) == 2
    world.store.close()


def test_no_key_is_exchanged_under_a_running_server(run: Run, data: Path) -> None:
    """What it signs meanwhile would count for nobody."""
    people(run)
    before = (data / "organisation.key").read_text()
    with alone(data, None):
        code, told = run("new-organisation-key")
    assert code == 2
    assert "Stop it" in told
    assert (data / "organisation.key").read_text() == before


@pytest.mark.parametrize("step", ["write_next", "end_waiting", "promote_next"])
def test_an_exchange_that_was_cut_off_is_not_begun_or_finished_at_the_next_start(
    run: Run, data: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Database and secret never belong to different keys; companions follow either way."""
    people(run)
    old = ServerKeys.load(data).organisation_public

    def crash(*_: object) -> None:
        raise OSError("cut off")

    store, keys = open_parts(data)
    prepare(store, keys, 1, CountingRandom())
    with monkeypatch.context() as patch:
        patch.setattr(key_exchange, step, crash)
        with pytest.raises(StoreUnavailable):
            key_exchange.exchange_key(store, data, keys, 1)
    store.close()
    store, keys = open_parts(data)
    found = prepare(store, keys, 2, CountingRandom())
    store.close()
    assert found.key == keys.organisation_public
    assert (found.key != old, len(found.statements)) == ((True, 1) if step == "promote_next" else (False, 0))
    assert run("new-organisation-key")[0] == 0


def test_agents_and_the_list_of_what_counts_no_more_speak_with_the_new_key(run: Run, data: Path) -> None:
    """Old certificates stay good for their records and invite nobody; new ones do; waiting invitations end."""
    people(run)
    world = opened(data)
    with world.client:
        set_passwords(world)
        kim = Agent(world, "kim")
        kim.hello()
        ticket = kim.ticket()
        before = Inviter(world, kim)
        iid = {"iid": world.rng(16).hex()}
        assert before.invite(ticket, iid=bytes.fromhex(iid["iid"])).status_code == 200
        assert world.client.post("/session/v1/redeem", json=iid).status_code == 200
    world.store.close()
    old = world.keys.organisation_public
    assert run("new-organisation-key")[0] == 0
    world = opened(data)
    with world.client as client:
        new = world.keys.organisation_public
        kim.world = before.world = world
        assert client.post("/session/v1/redeem", json=iid).status_code == 404
        assert read_certificate(before.certificate, old).agent_id == kim.id.hex()
        refused = before.invite(ticket)
        assert (refused.status_code, refused.json()["code"]) == (400, "invitation")
        after = Inviter(world, kim)
        assert read_certificate(after.certificate, new).agent_id == kim.id.hex()
        assert after.invite(ticket).status_code == 200
        told = client.get("/session/v1/revocations").json()
        signed = SignedDocument.from_parts(told["document"], told["signature"])
        assert read_revocations(signed, new).org_id == after.org_id
        with pytest.raises(BadDocument):
            read_revocations(signed, old)
    world.store.close()


def test_a_receipt_of_the_former_key_proves_what_it_did(run: Run, data: Path, tmp_path: Path) -> None:
    """Nothing is signed anew: the check says the same as before, and the list of keys has the receipt's mark."""
    pair = Pair()
    pair.to_verified()
    pair.do(pair.customer, pair.customer_end.stop())
    (data / "organisation.key").write_text(b64(pair.org_key.private_bytes_raw()))
    people(run)
    receipt = tmp_path / "receipt.json"
    receipt.write_bytes(pair.customer.last(Receipt).data)
    before = run("verify-receipt", str(receipt))
    assert run("new-organisation-key")[0] == 0
    assert run("verify-receipt", str(receipt)) == before
    mark = fingerprint(pair.pin.org_key)
    assert mark in before[1]
    assert mark in run("organisation-keys")[1]


# --- the Companion's file against a real server ----------------------------------------------------------------------


class Computer:
    """A customer's computer: the real file and the real client."""

    def __init__(self, folder: Path) -> None:
        self.key = Ed25519PrivateKey.generate()
        self.store = CompanionStore(folder / "companion.db", b"k" * 32)
        self.heard: list[net.CustomerEvent] = []
        self.policy: dict[str, object] = {}

    @property
    def enrolment(self) -> Enrolment:
        """What the file says."""
        return msgspec.json.decode(self.store.get("enrolment") or "", type=Enrolment)

    def pin(self, answer: Enrolled) -> None:
        """Keep whom this computer trusts, as the enrolment window does."""
        org = answer.organisation
        self.put(Enrolment(SERVER, answer.companion, answer.customer, answer.customer_name, org.org_id,
                           org.org_name_ko, org.org_name_en, org.org_key, 1, "file"))  # fmt: skip

    def put(self, enrolment: Enrolment) -> None:
        """Write it."""
        self.store.put("enrolment", msgspec.json.encode(enrolment).decode())

    def of(self, kind: type) -> list:  # type: ignore[type-arg]  # of the kind that was asked for
        """What was heard of one kind."""
        return [event for event in list(self.heard) if isinstance(event, kind)]

    @contextmanager
    def talking(self, url: str) -> Iterator[None]:
        """Run the client against a server."""
        self.heard.clear()
        thread = net.NetworkThread("test-companion")
        now = self.enrolment
        client = net.CustomerClient(
            thread, CustomerApi(url), now.companion, self.key, unb64(now.org_key), StoreRows(self.store),
            self.heard.append, keys=StoreKeys(self.store, now, lambda: Policy(self.policy)),
        )  # fmt: skip
        client.start()
        try:
            yield
        finally:
            client.stop(0.1)
            thread.stop()

    def code(self, url: str) -> str:
        """Talk until the line is there, or is not, and return why not."""
        with self.talking(url):
            wait_until(lambda: self.of(net.LineChanged), 20)
            return str(self.of(net.LineChanged)[0].code)


@contextmanager
def served(data: Path) -> Iterator[str]:
    """The server of a folder on a port."""
    store, keys = open_parts(data)
    with serving(build_parts(store, keys, wrong_code_s=0.0, data=data)) as (client, _stop):
        yield str(client.base_url)


def enrolled(run: Run, data: Path, folder: Path) -> Computer:
    """A computer of the customer, enrolled while the organisation had its first key."""
    people(run)
    link = run("enrolment-link", "--customer", "y@example.com", "--server", SERVER)[1].split()[0]
    computer = Computer(folder)
    with served(data) as url:
        answer = _enrol(url, parse_enrol(link).code, computer.key)
    computer.pin(answer)
    return computer


def _enrol(url: str, code: str, key: Ed25519PrivateKey) -> Enrolled:
    thread = net.NetworkThread("test-enrol")
    api = CustomerApi(url)
    try:
        return thread.spawn(api.enrol(code, key.public_key().public_bytes_raw(), "pc")).result(20)
    finally:
        thread.spawn(api.close()).result(5)
        thread.stop()


def public_of(data: Path) -> bytes:
    """The key of a folder's server."""
    return ServerKeys.load(data).organisation_public


def test_a_companion_that_was_off_for_two_exchanges_follows_both_and_nobody_enrols_anew(
    run: Run, data: Path, tmp_path: Path
) -> None:
    """One write of its file: new key, history, everything else as it was; then all that is signed is of the new key."""
    computer = enrolled(run, data, tmp_path)
    was = computer.enrolment
    for _ in range(2):
        assert run("new-organisation-key")[0] == 0
    new = public_of(data)
    with served(data) as url, computer.talking(url):
        wait_until(lambda: computer.of(net.LineChanged), 20)
        wait_until(lambda: computer.of(net.RevocationsArrived) and computer.of(net.CertificateArrived), 20)
        assert computer.of(net.LineChanged)[0].online
    assert [event.pinned.key for event in computer.of(net.KeyExchanged)] == [new]
    now = computer.enrolment
    assert (unb64(now.org_key), now.serial) == (new, 2)
    assert (now.former[0].key, [old.serial for old in now.former]) == (was.org_key, [1, 2])
    assert msgspec.structs.replace(now, org_key=was.org_key, serial=0, former=()) == was
    signed = SignedDocument.from_text(computer.of(net.CertificateArrived)[-1].text)
    assert read_device_certificate(signed, new).companion == now.companion
    told = computer.of(net.RevocationsArrived)[-1].revocations
    assert read_revocations(SignedDocument.from_parts(told.document, told.signature), new).org_id == now.org_id
    with served(data) as url:
        assert computer.code(url) == ""  # and at the next start nothing is left to follow
    assert not computer.of(net.KeyExchanged)


def statements_of(data: Path) -> tuple[Store, Sequence[str]]:
    """The store of a folder and what it tells."""
    store, _keys = open_parts(data)
    with store.read() as connection:
        return store, organisation(connection).statements


def test_another_organisations_statement_is_refused_with_its_own_alarm_and_the_pin_stays(
    run: Run, data: Path, tmp_path: Path
) -> None:
    """A server with its own statements is told nothing; nor is one that repeats ours and has not the key."""
    computer = enrolled(run, data, tmp_path)
    was = computer.enrolment
    foreign = tmp_path / "foreign"
    _found(foreign)
    with served(foreign) as url:
        assert computer.code(url) == "key_refused"
    assert run("new-organisation-key")[0] == 0
    store, ours = statements_of(data)
    store.close()
    _repeat(foreign, ours[0])
    with served(foreign) as url:
        assert computer.code(url) == "wrong_server"
    assert computer.enrolment == was
    assert not computer.of(net.CertificateArrived)
    with served(data) as url:
        assert computer.code(url) == ""


def _found(folder: Path) -> None:
    """Another organisation, which has exchanged its key."""
    store, keys = open_parts(folder)
    now = time.time_ns() // 1_000_000
    prepare(store, keys, now, CountingRandom())
    key_exchange.exchange_key(store, folder, keys, now)
    store.close()


def _repeat(folder: Path, statement: str) -> None:
    """Let a server tell what it found elsewhere."""
    from sync.server.schema import SYSTEM

    store, _keys = open_parts(folder)
    table = SYSTEM.setting
    change = table.update().where(table.c.name.startswith("key_statement_")).values(value=statement)
    store.write(lambda connection: connection.execute(change))
    store.close()


def test_a_server_that_went_back_to_the_former_key_is_refused(run: Run, data: Path, tmp_path: Path) -> None:
    """As after restoring a backup from before: who has followed does not go back, whatever statements come."""
    computer = enrolled(run, data, tmp_path)
    old = (data / "organisation.key").read_text()
    assert run("new-organisation-key")[0] == 0
    with served(data) as url:
        assert computer.code(url) == ""
    was = computer.enrolment
    foreign = tmp_path / "thief"
    foreign.mkdir()
    (foreign / "organisation.key").write_text(old)
    _found(foreign)
    with served(foreign) as url:
        assert computer.code(url) == "key_refused"
    assert computer.enrolment == was


def test_the_key_that_policy_names_decides_which_one_may_come(run: Run, data: Path, tmp_path: Path) -> None:
    """With the old key in policy nothing changes and the person is told; with the new one the statement counts."""
    computer = enrolled(run, data, tmp_path)
    was = computer.enrolment
    assert run("new-organisation-key")[0] == 0
    with served(data) as url:
        for key in (was.org_key, "nonsense"):
            computer.policy = {"enrolment.server": SERVER, "enrolment.key": key}
            assert computer.code(url) == "key_against_policy"
            assert computer.enrolment == was
        computer.policy = {"enrolment.server": SERVER, "enrolment.key": b64(public_of(data))}
        assert computer.code(url) == ""
    assert computer.enrolment.org_key == b64(public_of(data))


def test_a_full_disk_leaves_the_old_key_and_the_next_try_follows(
    run: Run, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Old or new, never half."""
    computer = enrolled(run, data, tmp_path)
    was = computer.enrolment
    assert run("new-organisation-key")[0] == 0

    def full(*_: object) -> None:
        raise StoreUnavailable("disk_full")

    with served(data) as url:
        with monkeypatch.context() as patch:
            patch.setattr(computer.store, "put", full)
            assert computer.code(url) == "disk_full"
        assert computer.enrolment == was
        assert computer.code(url) == ""
    assert computer.enrolment.serial == 1
