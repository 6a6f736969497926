# SPDX-License-Identifier: GPL-3.0-or-later
"""The join page's own modules, in a real Chromium: they compute what the desktop programs compute."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from app.config import i18n
from app.domain.assist import SERVER_ENDS, EndReason, Role, Scope
from app.domain.certificate import RevocationList, build_revocations
from app.domain.marks import MarkKind
from app.domain.signed import b64, unb64
from remote_assist import chain
from remote_assist import messages as wire
from remote_assist.chain import verify_receipt
from remote_assist.chat import ChatBook
from remote_assist.envelope import AcceptBody, EndBody, EnvelopeReader, EnvelopeWriter, JoinBody, SdpBody
from remote_assist.invitation import OrganisationPin
from remote_assist.limits import Limits
from remote_assist.messages import AddMark, Pointer, encode
from remote_assist.session import Effect, SessionMachine
from sync import protocol as live
from tests.fakes import chromium, edited_files
from tests.fakes.chromium import Page
from tests.remote_assist.world import World

JOIN = Path(__file__).parents[2] / "resources" / "join"
VECTORS = json.loads((Path(__file__).parent / "sas_vectors.json").read_text())["vectors"]
pytestmark = pytest.mark.skipif(chromium.program() is None, reason="Chromium is not installed")


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page of this computer that may load the modules."""
    handler = functools.partial(
        _Quiet, directory=str(edited_files.copy_of("resources/join", tmp_path_factory.mktemp("page") / "join"))
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        serving.start()
        try:
            with chromium.browser(tmp_path_factory.mktemp("profile")) as found:
                found.open(f"http://127.0.0.1:{server.server_address[1]}/icon.svg")
                found.run(
                    "Promise.all(['bytes','chat','keys','documents','handshake','envelope','chain','machine','marks',"
                    "'words','peer','session','requests'].map(async (n) => {"
                    " globalThis[n] = await import(`/${n}.js`); })).then(() => true)"
                )
                yield found
        finally:
            server.shutdown()
            serving.join()


def js(value: object) -> str:
    """A value as a script reads it."""
    return json.dumps(value)


def test_a_clock_that_is_set_in_the_middle_leaves_the_pages_record_in_order(page: Page) -> None:
    """Set back by three hours between two entries: times follow one another, and the session's length is right."""
    found = page.run("""(async () => {
        const real = Date.now, began = real(), session = await keys.makePair('Ed25519');
        const checked = { inviteHash: new Uint8Array(32), signed: { toText: () => 'x.y' },
            invitation: { orgId: 'o', ticketId: 't', ticketNo: '1', requesterId: 'r' },
            certificate: { agentId: 'a', name: 'n', deviceKey: null } };
        const record = new chain.Record(checked, session, { key: new Uint8Array(32) });
        try {
            await record.add('joined', 'customer', {});
            await record.add('consent', 'customer', {});
            await record.add('grant', 'customer', { scope: 'view' });
            Date.now = () => real() - 3 * 3600_000;
            await record.add('revoke', 'customer', { scope: 'view' });
            return { began, times: record.entries.map((e) => e.at), end: record.endData('stopped') };
        } finally { Date.now = real; }
    })()""")
    assert found["times"] == sorted(found["times"])
    assert 0 <= found["times"][0] - found["began"] < 60_000
    assert 0 <= found["end"]["duration_ms"] < 60_000


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: v["number"])
def test_the_handshake_gives_the_shared_numbers(page: Page, vector: dict[str, str]) -> None:
    """Commitment, keys and check number are those of tests/remote_assist/sas_vectors.json."""
    found = page.run(f"""(async (v) => {{
        const h = bytes.unhex, x = (raw) => bytes.hex(raw);
        const binding = {{ inviteHash: h(v.invite_hash), sid: h(v.sid), agentDeviceKey: h(v.agent_device_key),
            customerSessionKey: h(v.customer_session_key) }};
        const fixed = {{ private: await keys.privateKey('X25519', h(v.c)), public: h(v.C), nonce: h(v.Nc) }};
        const own = await handshake.CustomerHandshake.make(binding, h(v.Fc), fixed);
        const got = await own.accept({{ public: h(v.A), nonce: h(v.Na), fingerprint: h(v.Fa) }});
        return {{ h: x(own.commitment), seal_c2a: x(got.sealC2a), seal_a2c: x(got.sealA2c), receipt: x(got.receipt),
            number: got.number }};
    }})({js(vector)})""")
    assert found == {name: vector[name] for name in ("h", "seal_c2a", "seal_a2c", "receipt", "number")}


def test_a_public_key_that_gives_only_zeros_is_refused(page: Page) -> None:
    """Whoever sends one wants the keys to be known."""
    outcome = page.run("""(async () => {
        const { private: own } = await keys.makePair('X25519');
        try { await keys.agree(own, new Uint8Array(32)); return 'taken'; } catch { return 'refused'; }
    })()""")
    assert outcome == "refused"


def test_three_numbers_are_shown_and_one_of_them_is_right(page: Page) -> None:
    """None is marked by its place."""
    places = page.run("Array.from({length: 60}, () => handshake.choices('482 917').indexOf('482 917'))")
    assert set(places) == {0, 1, 2}
    assert page.run("new Set(handshake.choices('482 917')).size") == 3


def test_envelopes_of_both_languages_open_each_other(page: Page) -> None:
    """Open before the offer, sealed from it on, and the goodbye that is ready for a page that goes away."""
    sid, agent = bytes(range(16)), Ed25519PrivateKey.generate()
    sealed_ours, sealed_theirs = b"\x01" * 32, b"\x02" * 32
    writer = EnvelopeWriter(sid, Role.AGENT, agent)
    accept = writer.write("sas.accept", AcceptBody(*[b64(bytes([n]) * 32) for n in (1, 2, 3)]))
    writer.use_key(sealed_theirs)
    answer = writer.write("answer", SdpBody(0, 0, "v=0\r\n한글"))
    end = writer.write("end", EndBody("stopped"))
    found = page.run(f"""(async (sid, key, raws, c2a, a2c) => {{
        const raw = (value) => bytes.unb64(value);
        const reader = new envelope.Reader(raw(sid), raw(key));
        const first = await reader.read(raw(raws[0]));
        await reader.useKey(raw(a2c));
        const rest = [await reader.read(raw(raws[1])), await reader.read(raw(raws[2]))];
        const refused = [];
        for (const bad of [raw(raws[2]), raw(raws[0]).slice(0, -4)]) {{
            await reader.read(bad).catch((error) => refused.push(error.constructor.name));
        }}
        const session = await keys.makePair('Ed25519');
        const writer = new envelope.Writer(raw(sid), session.private);
        const out = [await writer.write('join', {{ iid: 'A'.repeat(22), session_key: bytes.b64(session.public),
            proof: 'A'.repeat(43), app: 'browser', platform: 'x', scopes_supported: ['view'], sources: ['screen'] }})];
        await writer.useKey(raw(c2a));
        out.push(await writer.write('offer', {{ epoch: 0, rung: 0, sdp: 'v=0 한글' }}));
        const goodbye = await writer.goodbye();
        out.push(await writer.write('chain', {{ entry: 'x' }}), goodbye);
        return {{ key: bytes.b64(session.public), out: out.map(({{ data }}) => bytes.text(data)), refused,
            read: [first, ...rest].map(({{ t, body }}) => [t, body.sdp ?? body.reason ?? body.A]) }};
    }})({js(b64(sid))}, {js(b64(agent.public_key().public_bytes_raw()))},
        {js([b64(raw) for raw in (accept, answer, end)])}, {js(b64(sealed_ours))}, {js(b64(sealed_theirs))})""")
    assert found["read"] == [["sas.accept", b64(b"\x01" * 32)], ["answer", "v=0\r\n한글"], ["end", "stopped"]]
    assert found["refused"] == ["Dropped", "Dropped"]
    reader = EnvelopeReader(sid, Role.CUSTOMER, unb64(found["key"]))
    joined = reader.read(found["out"][0].encode()).body
    assert isinstance(joined, JoinBody)
    reader.use_key(sealed_ours)
    read = [reader.read(text.encode()) for text in found["out"][1:]]
    assert [envelope.t for envelope in read] == ["offer", "chain", "end"]
    assert read[0].body == SdpBody(0, 0, "v=0 한글")


def invitation_for(page: Page, company: World, **changes: object) -> str:
    """Check an invitation in the page; "shown", or the word that the page's own log would hold."""
    changes = {"modes": ("companion", "browser")} | changes
    company.invite(**changes)
    signed, secret = company.invitation
    pin = {"orgId": company.pin.org_id, "key": b64(company.pin.org_key)}
    made = company.fake_clock.utc_ms()
    revoked = build_revocations(company.org_key, RevocationList("org-1", made, company.revoked))
    script = f"""(async (parts, secret, pin, list, now) => {{
        globalThis.opened ??= new Set();
        const seen = (iid) => !opened.has(iid) && Boolean(opened.add(iid));
        const key = bytes.unb64(pin.key);
        try {{
            const checked = await documents.checkInvitation(documents.Signed.fromParts(...parts), bytes.unb64(secret),
                {{ ...pin, key }}, documents.Signed.fromParts(...list), seen, now);
            globalThis.checked = checked;
            globalThis.pinned = {{ ...pin, key }};
            return 'shown';
        }} catch (error) {{ return error.message; }}
    }})({js(signed.parts)}, {js(b64(secret))}, {js(pin)}, {js(revoked.parts)}, {company.fake_clock.utc_ms()})"""
    return str(page.run(script))


def test_an_invitation_is_shown_once_and_only_if_everything_is_right(page: Page) -> None:
    """The checks of the Companion, one by one; the sender hears nothing of the reason."""
    page.run("delete globalThis.opened")
    assert invitation_for(page, World()) == "shown"
    assert invitation_for(page, World()) == "used"
    assert invitation_for(page, World(), modes=("companion",)) == "scopes"
    revoked = World()
    revoked.revoked = frozenset({"c-1"})
    assert invitation_for(page, revoked) == "revoked"
    foreign = World()
    foreign.pin = OrganisationPin("org-1", "", bytes(32))
    assert invitation_for(page, foreign) == "signature"
    other = World()
    other.pin = OrganisationPin("org-2", "", other.pin.org_key)
    assert invitation_for(page, other) == "certificate"


def test_the_record_of_the_page_is_one_that_anybody_can_check(page: Page) -> None:
    """Chain, receipt and the mode are read by `verify_receipt` as those of the Companion are."""
    company = World()
    page.run("delete globalThis.opened")
    assert invitation_for(page, company) == "shown"
    text = page.run(
        """(async () => {
        const session = await keys.makePair('Ed25519');
        const record = new chain.Record(checked, session, pinned, () => NOW);
        await record.add('joined', 'customer', { session_key: bytes.b64(session.public), app: 'browser' });
        await record.add('consent', 'customer', { scope: 'view', target_kind: 'window' });
        await record.add('sas', 'customer', { ok: true, number: '482 917', note: '한글 "x"' });
        await record.add('end', 'customer', record.endData('stopped'));
        return bytes.text(record.receipt());
    })()""".replace("NOW", str(company.fake_clock.utc_ms()))
    )
    report = verify_receipt(text.encode(), company.pin.org_key)
    assert (report.ok, report.problems) == (True, ())
    assert (report.verified, report.browser, report.countersigned, report.reason) == (True, True, False, "stopped")
    assert "proves nothing against that server" in report.entries[-1].data["limit"]


def test_the_live_socket_is_spoken_as_the_server_speaks_it(page: Page) -> None:
    """Bytes, not texts that look alike."""
    sig = live.Sig(session=bytes(range(16)), to="customer", n=70_000, data=bytes(300))
    found = page.run(f"""((raw) => {{
        const got = bytes.unpack(bytes.unb64(raw));
        const again = bytes.pack({{ m: 'sig', session: got.session, to: 'agent', n: 1099511627776, data: got.data }});
        return {{ n: got.n, m: got.m, length: got.data.length, again: bytes.b64(again) }};
    }})({js(b64(live.encode(sig)))})""")
    assert (found["m"], found["n"], found["length"]) == ("sig", 70_000, 300)
    assert live.decode(unb64(found["again"]), live.LiveUp) == live.Sig(
        session=sig.session, to="agent", n=1 << 40, data=sig.data
    )


def test_every_timer_of_the_page_is_that_of_the_desktop_programs(page: Page) -> None:
    """Silence ends the prompt, the connecting, both questions and a lost line after the same times."""
    limits = Limits()
    assert page.run("machine.LIMITS") == {
        "invited": limits.invited_ms, "prompted": limits.prompted_ms, "connecting": limits.connecting_ms,
        "unverified": limits.unverified_ms, "question": limits.question_ms, "idle": limits.idle_ms,
        "idleWarning": limits.idle_warning_ms, "confirm": limits.confirm_ms, "hard": limits.hard_ms,
        "paused": limits.paused_ms, "silent": limits.silent_ms, "lost": limits.lost_ms,
    }  # fmt: skip
    steps = [
        ("opened", 10), ("consented", 1000), ("connected", 3000), ("heard", 5000), ("tick", 9000), ("tick", 185_000),
        ("tick", 400_000),
    ]  # fmt: skip
    ours, told = SessionMachine(Role.CUSTOMER, 0), []
    for name, at in steps:
        effects: list[Effect] = getattr(ours, name)(at, 0) if name == "heard" else getattr(ours, name)(at)
        told.append([ours.phase.value, ours.lost, ours.reason.value if ours.reason else None, Effect.ENDED in effects])
    theirs = page.run(f"""((steps) => {{
        const m = new machine.Machine(0);
        return steps.map(([name, at]) => {{
            const effects = name === 'heard' ? m.heard(at, 0) : m[name](at);
            return [m.phase, m.lost, m.reason, effects.includes('ended')];
        }});
    }})({js(steps)})""")
    assert theirs == told


_AFTER = st.sampled_from([0, 1, 900, 4_000, 29_000, 61_000, 185_000, 700_000, 4_000_000])
_DEED = st.sampled_from(
    [
        ("opened", "opened", []), ("consented", "consented", []), ("connected", "connected", []),
        ("sas_chosen", "sasChosen", [True]), ("sas_chosen", "sasChosen", [False]),
        ("sas_claimed", "sasClaimed", [True]), ("sas_claimed", "sasClaimed", [False]),
        ("go_on_unverified", "answered", ["askedUnverified"]), ("confirmed", "answered", ["askedContinue"]),
        ("pause", "pause", ["customer"]), ("pause", "pause", ["agent"]), ("resume", "resume", []),
        ("heard", "heard", [0]), ("heard", "heard", [3_500]), ("cut", "cut", []),
        ("agent_active", "agentActive", []), ("end", "end", ["stopped", "agent"]), ("tick", "tick", []),
    ]
)  # fmt: skip
_OPEN: list[tuple[int, tuple[str, str, list[Any]]]] = [
    (0, ("opened", "opened", [])),
    (0, ("consented", "consented", [])),
    (0, ("connected", "connected", [])),
]


def _desktop(deeds: list[tuple[int, tuple[str, str, list[Any]]]]) -> list[list[Any]]:
    """How a Companion stands after each deed."""
    ours, at, told = SessionMachine(Role.CUSTOMER, 0), 0, []
    for after, (name, _, args) in deeds:
        at += after
        match name:
            case "go_on_unverified" | "confirmed":
                getattr(ours, name)(at)
            case "resume":
                ours.resume("customer", at)
            case "heard":
                ours.heard(at, args[0])
            case "end":
                ours.end(EndReason(args[0]), args[1], at)
            case _:
                getattr(ours, name)(*args, at)
        reason = ours.reason.value if ours.reason else None
        told.append([ours.phase.value, ours.paused, ours.lost, ours.flowing, reason, ours.question is not None])
    return told


@settings(max_examples=500, deadline=None)
@given(deeds=st.lists(st.tuples(_AFTER, _DEED), max_size=30), opened=st.booleans())
def test_no_order_of_events_lets_a_picture_leave_the_page_where_the_companion_would_send_none(
    page: Page, deeds: list[tuple[int, tuple[str, str, list[Any]]]], opened: bool
) -> None:
    """Clicks, messages, breaks, silence, timers in any order: the page stands as the desktop's proved machine does."""
    deeds = [*_OPEN, *deeds] if opened else deeds
    theirs = page.run(f"""((steps) => {{
        const m = new machine.Machine(0);
        let at = 0;
        return steps.map(([after, [, name, args]]) => {{
            at += after;
            if (name === 'heard') m.heard(at, args[0]); else m[name](...args, at);
            return [m.phase, m.paused, m.lost, m.flowing, m.reason, m.question !== null];
        }});
    }})({js(deeds)})""")
    assert theirs == _desktop(deeds)


def test_the_page_ends_for_the_servers_own_reasons_and_has_words_for_each(page: Page) -> None:
    """The same reasons as in the Companion; what members told the server is no news."""
    assert set(page.run("[...machine.SERVER_ENDS]")) == {reason.value for reason in SERVER_ENDS}
    assert all(page.run(f"words.WORDS.end_{reason.value}") for reason in SERVER_ENDS)


def test_what_the_agent_draws_is_read_alike_and_bounded(page: Page) -> None:
    """Places, forms and limits; anything else is no drawing."""
    pointer = list(encode(Pointer(1, 65_535, visible=True)))
    mark = encode(AddMark(7, MarkKind.BOX, [(0, 0), (9, 9)], 255, 8)).decode()
    assert page.run(f"marks.readPointer(new Uint8Array({pointer}).buffer).at") == [1, 65_535]
    assert page.run(f"marks.readMark({js(mark)}).points") == [[0, 0], [9, 9]]
    for bad in ('{"t":"add","id":1,"kind":"pen","points":[[0,70000]],"colour":1,"ttl":1}', "[]", '{"t":"add"}', "{"):
        assert page.run(f"marks.readMark({js(bad)})") is None
    shown = page.run("""(() => {
        const board = new marks.Board();
        for (let n = 0; n < 200; n += 1) board.add({ id: n, ttl: 8 }, 0);
        const most = board.marks.size;
        board.point([1, 1], 0);
        board.tick(8000);
        return [most, board.marks.size, board.pointer];
    })()""")
    assert shown == [60, 0, None]


def test_the_page_says_what_the_companion_says_and_has_no_word_without_korean(page: Page) -> None:
    """A sentence that both show is one sentence, in both languages."""
    words: dict[str, list[Any]] = page.run("words.WORDS")
    catalogue = i18n.load_catalogues("ko")
    for key, (english, korean) in words.items():
        first = english[0] if isinstance(english, list) else english
        plural = isinstance(english, list)
        known = catalogue.ngettext(english[0], english[1], 1) if plural else catalogue.gettext(english)
        assert korean.strip(), key
        assert known in (first, korean), key


def test_no_file_of_the_page_loads_anything_of_others_or_runs_inline() -> None:
    """No address but our own paths, no inline script or style, no cookie."""
    html = (JOIN / "index.html").read_text()
    assert "<style" not in html
    assert " style=" not in html
    assert html.count("<script") == 1
    for file in JOIN.iterdir():
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text.replace("deskside://", ""), file.name
        assert "document.cookie" not in text
        assert "innerHTML" not in text
        assert file.suffix == ".svg" or "SPDX-License-Identifier: GPL-3.0-or-later" in text


def test_the_chats_of_both_languages_keep_the_same_book(page: Page) -> None:
    """Texts out of order, again, too long, too many, with what hides or turns the writing: the same lines."""
    texts = [
        "안녕\r\nhello", " \t ", "x" * 4_000, "x" * 4_001, "\N{GRINNING FACE}" * 4_000, "a\x00b\x1b[1m",
        "\u202eexe.txt", "\ud800half", "tag\U000e0041", "line\u2028end\x85x", "<b>fett</b>",
    ]  # fmt: skip
    deeds: list[list[Any]] = [["say", text] for text in texts] + [["heard", n, f"t{n}"] for n in (1, 1, 3, 2, 2, 3)]
    deeds += [["got", n] for n in (3, 2, 99)] + [["say", f"many {n}"] for n in range(25)]
    deeds += [["heard", n + 4, text] for n, text in enumerate(texts)] + [["heard", 15, "late"], ["heard", 501, "no"]]
    book, answers = ChatBook(), []
    for deed, *values in deeds:
        answers.append(getattr(book, deed)(*values) if deed == "got" else getattr(book, deed)(*values, 0))
    found = page.run(f"""(() => {{
        const book = new chat.ChatBook();
        const answers = {js(deeds)}.map(([deed, ...given]) => book[deed](...given, 0));
        return [answers, book.lines.map((l) => [l.mine, l.n, l.text, l.sent]), book.after(2).map((l) => l.n)];
    }})()""")
    assert found[0] == answers
    assert found[1] == [[line.mine, line.n, line.text, line.sent] for line in book.lines]
    assert found[2] == [line.n for line in book.after(2)]


def test_what_is_no_text_of_a_chat_is_told_apart(page: Page) -> None:
    """The same forms as in the messages of the desktop programs."""
    good: list[dict[str, Any]] = [{"n": 1, "text": "x"}, {"n": 7, "text": "\N{GRINNING FACE}" * 4_000}]
    bad: list[dict[str, Any]] = [
        {"n": 0, "text": "x"}, {"n": 1.5, "text": "x"}, {"n": 1, "text": ""}, {"n": 1, "text": "x" * 4_001}, {"n": 1},
        {"n": "1", "text": "x"}, {"n": 2**32, "text": "x"}, {"n": 1, "text": ["x"]},
    ]  # fmt: skip
    told = page.run(f"{js([*good, *bad])}.map((m) => Boolean(chat.isText(m)))")
    assert told == [True] * len(good) + [False] * len(bad)
    for message, taken in zip([*good, *bad], told, strict=True):
        assert _typed("chat", message) is taken, message
    for n, taken in ((0, True), (2**32 - 1, True), (-1, False), (2**32, False), ("1", False), (None, False)):
        assert page.run(f"chat.isGot({js({'n': n})})") is taken
        assert _typed("chatgot", {"n": n}) is taken


def _typed(t: str, message: dict[str, Any]) -> bool:
    try:
        wire.typed("ctl", {"t": t, **message}, Role.AGENT)
    except wire.Malformed:
        return False
    return True


def test_the_page_knows_every_scope_an_agent_may_ask_for(page: Page) -> None:
    """A word that is none is malformed and ends the session; it is not one more line on the record each time."""
    assert page.run("session.ALL_SCOPES") == [scope.value for scope in Scope]


def test_a_pause_wins_over_a_picture_that_is_only_about_to_leave(page: Page) -> None:
    """The customer reads that nobody sees anything: so nothing leaves, however close the two wishes came."""
    script = """(async () => {
        const made = Object.create(peer.Peer.prototype);
        const track = document.createElement('canvas').captureStream().getVideoTracks()[0];
        const line = new RTCPeerConnection();
        Object.assign(made, { transceiver: line.addTransceiver('video'), wanted: null, shown: null, showing: null });
        const { sender } = made.transceiver;
        const found = [];
        for (const wishes of [[track, null], [track], [null, track], [null, track, null], [track, null, track]]) {
            await Promise.all(wishes.map((wish) => made.show(wish)));
            found.push(sender.track === wishes.at(-1));
        }
        line.close();
        return found;
    })()"""
    assert (
        page.run(
            script.replace(
                "document.createElement('canvas')",
                "Object.assign(document.createElementNS("
                "'http://www.w3.org/1999/xhtml', 'canvas'), { width: 64, height: 64 })",
            )
        )
        == [True] * 5
    )


def test_the_page_ends_a_session_before_its_record_is_longer_than_any_reader_takes(page: Page) -> None:
    """Whoever fills the record with requests cannot make the proof of the consent unreadable."""
    company = World()
    page.run("delete globalThis.opened")
    assert invitation_for(page, company) == "shown"
    script = """(async () => {
        const session = await keys.makePair('Ed25519');
        const made = () => new chain.Record(checked, session, pinned, () => NOW);
        const found = [];
        const long = made();
        long.entries.length = LAST - 1;
        found.push(long.full);
        await long.add('refusal', 'system', { scope: 'control' });
        found.push(long.full);
        const big = made();
        for (let n = 0; n < 220; n++) await big.add('violation', 'agent', { type: 'x'.repeat(10000) });
        found.push(big.full);
        for (let n = 0; n < 30; n++) await big.add('violation', 'agent', { type: 'x'.repeat(10000) });
        found.push(big.full);
        return found;
    })()"""
    script = script.replace("NOW", str(company.fake_clock.utc_ms())).replace("LAST", str(chain._FULL_ENTRIES))
    assert page.run(script) == [False, True, False, True]


def test_the_page_takes_no_message_that_is_none(page: Page) -> None:
    """What an agent's program sends and the protocol does not know ends the session, and nothing of it is kept."""
    script = """(async (texts) => {
        const found = [];
        for (const text of texts) {
            const told = [];
            const made = Object.create(requests.Requests.prototype);
            Object.assign(made, {
                machine: { live: true, agentActive: () => [] }, apply: () => undefined,
                malformed: async (what) => { told.push(['malformed', what]); },
                peerEnded: async (reason) => { told.push(['ended', reason]); },
                request: async ({ scope }) => { told.push(['asked', scope]); },
            });
            await made.control(null, text);
            found.push(told);
        }
        return found;
    })"""
    texts = ['{"t":"end","reason":"stopped"}', '{"t":"end","reason":["stopped"]}', '{"t":"end"}',
             '{"t":"request","scope":"control"}', '{"t":"request","scope":"a1"}', '{"t":"request","scope":["view"]}',
             "[]", "{", "x" * 40_000]  # fmt: skip
    found = page.run(f"{script}({js(texts)})")
    assert found[0] == [["ended", "stopped"]]
    assert found[3] == [["asked", "control"]]
    for told in found[1:3] + found[4:]:
        assert [kind for kind, _ in told] == ["malformed"]
