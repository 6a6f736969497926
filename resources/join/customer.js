// SPDX-License-Identifier: GPL-3.0-or-later
// The customer's end: it alone grants, decides what is verified, and writes the record. Every grant comes from a method
// under "the customer's deeds", which the page calls for a person's click.

import { b64, lp } from "./bytes.js";
import { Record } from "./chain.js";
import { Dropped, keyBytes, Misbehaved, Reader, Writer } from "./envelope.js";
import { choices, CustomerHandshake } from "./handshake.js";
import { hmac, makePair } from "./keys.js";
import { Links } from "./links.js";
import { Entries, Live } from "./live.js";
import { Machine, within } from "./machine.js";
import { Board, readMark, readPointer } from "./marks.js";
import { checkAnswer, fingerprintOf, makeCertificate } from "./peer.js";

export const SCOPES = ["view", "pointer"];
const TICK_MS = 250;
const STATS_MS = 1_000;
const REBUILD_MS = 4_000;
const NACK_MS = 1_000;
const NACK_WINDOW_MS = 4_000;
const CLOSE_MS = 80;
const COUNTERSIGN_MS = 10_000;
const PAUSE_ENTRY_MS = 500;
const ASK_ANSWER_MS = 120_000;
const ASK_AGAIN_MS = 30_000;
const ASK_MAX = 3;
const LATE_MS = 5_000;
const VIOLATIONS_MAX = 10;
const FROM_AGENT = new Set(["ctl", "ptr", "inp", "ann", "file", "clip"]);
const ELSEWHERE = new Set(["fileoffer", "fileaccept", "fileend", "clip"]);
const WITHOUT_EFFECT = new Set(["retile", "chat", "chatgot"]);

const now = () => Math.round(performance.now());
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export class Customer {
  // `host`: changed(), numbers(list), ask(scope, why, until), settled(scope), marks(board), notice(code), receipt(bytes).
  constructor(host, checked, token, pin, platform) {
    Object.assign(this, { host, checked, token, pin, platform });
    this.invitation = checked.invitation;
    this.machine = new Machine(now());
    this.machine.limits = within(this.invitation.policy);
    this.granted = new Set();
    this.seq = 0;
    this.board = new Board();
    this.asks = new Map();
    this.asked = new Map();
    this.refusedAt = new Map();
    this.atOnce = new Map();
    this.fellAt = new Map();
    this.violations = 0;
    this.recent = [];
    this.sas = { asked: false, picked: false, claimed: false, numbers: [] };
    this.turn = Promise.resolve();
    this.lock = Promise.resolve();
    this.stream = null;
    this.kind = "";
  }

  // Everything happens one after the other, in the order in which it came.
  run(work) {
    this.turn = this.turn.then(work).then(() => this.host.changed()).catch((error) => this.broke(error));
    return this.turn;
  }

  async broke(error) {
    if (error instanceof Dropped) return;
    if (error instanceof Misbehaved) await this.malformed(error.message);
    else await this.end("child_failed", "system").catch(() => undefined);
    this.host.changed();
  }

  // --- beginning ------------------------------------------------------------------------------------------------------

  open() {
    return this.run(async () => {
      const { iid, sid } = this.invitation;
      this.session = await makePair("Ed25519");
      this.certificate = await makeCertificate();
      this.record = new Record(this.checked, this.session, this.pin, () => Date.now());
      this.writer = new Writer(sid, this.session.private);
      this.reader = new Reader(sid, this.checked.certificate.deviceKey);
      this.entries = new Entries(this.token, sid, this.invitation.ticketId);
      this.live = new Live(this.token, sid, {
        envelope: (data) => this.run(() => this.envelope(data)), nack: () => this.nack(),
        ended: (reason) => reason === "revoked" && this.run(() => this.end("revoked", "system")),
      });
      const key = b64(this.session.public);
      const proof = b64(await hmac(this.checked.joinSecret, lp(iid, this.session.public)));
      const entry = await this.write("joined", "customer", { session_key: key, app: "browser", platform: this.platform });
      await this.send("join", {
        iid: b64(iid), session_key: key, proof, app: "browser", platform: this.platform, scopes_supported: SCOPES,
        sources: ["screen", "window", "tab"],
      });
      await this.send("chain", { entry: entry.text });
      this.apply(this.machine.opened(now()));
      await this.note("prompted", "system", { agent: this.checked.certificate.agentId });
      await this.send("prompted", {});
      this.farewell = await this.locked(() => this.writer.goodbye());
      this.ticking = setInterval(() => this.run(() => this.tick()), TICK_MS);
      this.counting = setInterval(() => this.run(() => this.count()), STATS_MS);
    });
  }

  // --- the customer's deeds -------------------------------------------------------------------------------------------

  // The click on "Allow looking", and what the browser's own window then gave.
  allow(stream) {
    return this.run(async () => {
      await this.tick();
      if (this.machine.phase !== "prompted") {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      this.stream = stream;
      [this.track] = stream.getVideoTracks();
      this.track.contentHint = "text";
      this.track.onended = () => this.stop();
      this.kind = kindOf(this.track);
      await this.note("consent", "customer", { scope: "view", target_kind: this.kind });
      this.record.targetKind = this.kind;
      await this.send("consented", { chain_head: b64(this.record.head), scope: "view", target_kind: this.kind });
      this.apply(this.machine.consented(now()));
      this.connect();
    });
  }

  refuse() {
    return this.run(() => this.machine.phase === "prompted" && this.end("refused", "customer"));
  }

  // Nothing leaves from here on, whatever else is still to be done.
  stop(by = "customer") {
    this.halt();
    return this.run(() => this.end("stopped", by));
  }

  pick(number) {
    return this.run(async () => {
      if (!this.sas.asked || this.sas.picked || this.machine.phase !== "unverified") return;
      this.sas.picked = true;
      if (number === this.keys.number) await this.confirmNumber();
      else await this.numberDiffers("customer");
    });
  }

  pause() {
    return this.run(() => this.hold("customer"));
  }

  resume() {
    return this.run(async () => {
      if (!this.machine.live || !this.machine.paused) return;
      await this.pauseEntry();
      await this.note("resume", "customer", { frames_sent: this.record.frames });
      this.apply(this.machine.resume(now()));
      this.say({ t: "pause", on: false, by: "customer" });
    });
  }

  goOn() {
    return this.run(async () => {
      const question = this.machine.question?.name;
      if (!question || !this.machine.live) return;
      const named = { askedUnverified: "go_on_unverified", askedContinue: "continue" }[question];
      await this.note("confirm", "customer", { question: named });
      this.machine.answered(question, now());
    });
  }

  grant(scope) {
    return this.run(async () => {
      await this.tick();
      if (!this.asks.delete(scope) || !this.possible(scope)) return;
      this.host.settled(scope);
      await this.note("grant", "customer", { scope });
      this.granted.add(scope);
      this.fellAt.delete(scope);
      this.tellGrants();
    });
  }

  refuseScope(scope, by = "customer", at = now()) {
    return this.run(() => this.saidNo(scope, by, at));
  }

  revoke(scope) {
    if (scope === "view") return this.stop();
    const had = this.granted.delete(scope);
    this.clearMarks();
    return this.run(async () => {
      if (!had || !this.machine.live) return;
      this.fellAt.set(scope, now());
      await this.note("revoke", "customer", { scopes: [scope] });
      this.tellGrants();
    });
  }

  // The page goes away: what can still be said is said at once.
  leave() {
    if (!this.live || this.machine.ended) return;
    this.halt();
    if (this.farewell) this.live.send(this.farewell);
  }

  // --- record and envelopes -------------------------------------------------------------------------------------------

  // Signing waits for the browser; numbers and links are given one after the other all the same.
  locked(work) {
    const done = this.lock.then(work);
    this.lock = done.catch(() => undefined);
    return done;
  }

  write(type, by, data) {
    return this.locked(async () => {
      const entry = await this.record.add(type, by, data);
      this.entries.add(entry, b64(entry.hash));
      return entry;
    });
  }

  // Writes an entry and hands it to the agent. Call this before the deed it is about.
  async note(type, by, data) {
    if (this.record.entries.at(-1)?.type === "end") return; // nothing follows the end
    const entry = await this.write(type, by, data);
    await this.send("chain", { entry: entry.text });
  }

  send(t, body) {
    return this.locked(async () => {
      const envelope = await this.writer.write(t, body);
      this.recent.push({ at: now(), envelope });
      this.recent.splice(0, this.recent.length - 32);
      this.live.send(envelope);
    });
  }

  nack() {
    if (this.repeating || this.machine.ended) return;
    this.repeating = setTimeout(() => {
      this.repeating = null;
      const again = this.recent.filter(({ at }) => at >= now() - NACK_WINDOW_MS);
      for (const item of again) {
        item.at = now();
        this.live.send(item.envelope);
      }
    }, NACK_MS);
  }

  async envelope(raw) {
    const { t, body } = await this.reader.read(raw);
    if (this.machine.ended) {
      const receipt = t === "end" && body.countersign ? await this.record.countersigned(body.countersign) : null;
      if (receipt) this.receipt(receipt);
    } else if (t === "end") await this.peerEnded(body.reason);
    else if (t === "sas.accept") await this.accept(body);
    else if (t === "answer" && this.keys) await this.answer(body);
    else if (t === "rebind.request" && this.keys) this.rebind();
    else throw new Misbehaved(t);
  }

  // --- connection -----------------------------------------------------------------------------------------------------

  connect() {
    this.links = new Links(this.token, this.invitation.sid, this.invitation.policy.relayOnly, this.certificate, {
      fingerprint: (attempt) => this.run(() => this.commit(attempt)),
      ready: (attempt) => this.run(() => this.sendOffer(attempt)),
      connected: (peer) => this.run(() => this.connected(peer)),
      message: (...what) => this.run(() => this.message(...what)),
      noRelay: () => this.run(() => this.machine.phase === "connecting" && this.end("no_relay", "system")),
      wanted: () => Boolean(this.keys) && !this.machine.ended,
    });
    this.links.open(this.links.nextRung());
  }

  async commit(attempt) {
    if (attempt.epoch !== 0 || this.handshake || this.machine.phase !== "connecting") return;
    const binding = {
      inviteHash: this.checked.inviteHash, sid: this.invitation.sid,
      agentDeviceKey: this.checked.certificate.deviceKey, customerSessionKey: this.session.public,
    };
    this.handshake = await CustomerHandshake.make(binding, attempt.fingerprint);
    await this.send("sas.commit", { h: b64(this.handshake.commitment) });
  }

  async accept(body) {
    if (!this.handshake || this.keys) throw new Misbehaved("sas.accept");
    const agent = { public: keyBytes(body.A), nonce: keyBytes(body.Na), fingerprint: keyBytes(body.Fa) };
    try {
      this.keys = await this.handshake.accept(agent);
    } catch {
      throw new Misbehaved("sas.accept");
    }
    this.agentFingerprint = agent.fingerprint;
    const own = this.handshake.reveal;
    await this.send("sas.reveal", { C: b64(own.public), Nc: b64(own.nonce), Fc: b64(own.fingerprint) });
    await this.writer.useKey(this.keys.sealC2a);
    await this.reader.useKey(this.keys.sealA2c);
    for (const attempt of this.links.attempts.values()) await this.sendOffer(attempt);
    this.rebuildAt = now() + REBUILD_MS;
  }

  async sendOffer(attempt) {
    const known = this.links.attempts.get(attempt.epoch) === attempt;
    if (!this.keys || !known || !attempt.offer || attempt.offered || this.machine.ended) return;
    if (attempt.epoch < (this.lastOffered ?? 0)) {
      this.links.drop(attempt); // a later one was ready sooner; offers go out in order
      return;
    }
    attempt.offered = true;
    this.lastOffered = attempt.epoch;
    await this.send("offer", { epoch: attempt.epoch, rung: attempt.rung, sdp: attempt.offer });
    this.farewell = await this.locked(() => this.writer.goodbye());
  }

  async answer(body) {
    const attempt = this.links.attempts.get(body.epoch);
    if (!attempt?.peer || attempt.answered) return;
    let sdp;
    try {
      sdp = checkAnswer(body.sdp, this.invitation.policy.relayOnly);
    } catch (error) {
      throw new Misbehaved(`answer: ${error.message}`);
    }
    if (body.epoch === 0 && b64(fingerprintOf(sdp)) !== b64(this.agentFingerprint)) {
      throw new Misbehaved("answer: fingerprint");
    }
    attempt.answered = true;
    await attempt.peer.answered(sdp).catch(() => this.links.drop(attempt));
  }

  rebind() {
    if (this.machine.live && !this.machine.lost) {
      this.mustRebuild = true;
      this.apply(this.machine.cut(now()));
    }
  }

  rebuild() {
    this.rebuildAt = now() + REBUILD_MS;
    this.links.open(this.links.nextRung());
  }

  async connected(peer) {
    if (this.machine.ended) return;
    this.mustRebuild = false;
    this.rebuildAt = null;
    this.apply(this.machine.connected(now()));
    if (!this.machine.live) return;
    if (!this.granted.has("view")) {
      await this.note("grant", "customer", { scope: "view", target_kind: this.kind });
      this.granted.add("view");
    } else {
      if (peer !== this.shownBy) this.record.connectionReplaced();
      this.record.reconnects += 1;
      await this.note("reconnect", "system", { epoch: peer.epoch });
    }
    this.tellGrants();
    this.tellTarget();
    const { idle, hard } = this.machine.limits;
    this.say({ t: "limits", idle_s: Math.round(idle / 1000) || 1, hard_s: Math.round(hard / 1000) || 1 });
    if (this.machine.paused) this.say({ t: "pause", on: true, by: "customer" });
    await this.showPicture();
  }

  say(message) {
    this.links?.active?.say(message);
  }

  tellGrants() {
    this.seq += 1;
    this.say({ t: "grants", seq: this.seq, set: SCOPES.filter((scope) => this.granted.has(scope)) });
  }

  tellTarget() {
    const { width = 0, height = 0 } = this.track.getSettings();
    this.size = `${width}x${height}`;
    this.say({ t: "target", w: width, h: height, scale: 1, kind: this.kind, marks: false });
  }

  // Lets the picture leave while it may, and nothing at all otherwise.
  async showPicture() {
    const may = this.machine.flowing && this.granted.has("view") && !this.halted;
    this.shownBy = this.links?.active ?? null;
    await this.shownBy?.show(may ? this.track : null);
  }

  // --- what the agent says --------------------------------------------------------------------------------------------

  async message(peer, channel, data) {
    if (this.machine.ended || !this.keys) return;
    if (!FROM_AGENT.has(channel)) {
      await this.malformed(channel);
    } else if (channel === "ctl") {
      await this.control(peer, data);
    } else if (peer === this.links.active && (channel === "ptr" || channel === "ann")) {
      await this.mark(channel, channel === "ptr" ? readPointer(data) : readMark(data));
    } else if (channel !== "ptr" && channel !== "ann") {
      await this.violation(channel);
    }
  }

  async control(peer, data) {
    let message = null;
    try {
      if (typeof data === "string" && data.length <= 32 * 1024) message = JSON.parse(data);
    } catch { /* said below */ }
    if (typeof message?.t !== "string") {
      await this.malformed("ctl");
    } else if (message.t === "hello") {
      if (message.proto !== 1 || message.epoch !== peer.epoch) await this.malformed("hello");
      else this.links.hello(peer);
    } else if (message.t === "end") {
      await this.peerEnded(message.reason);
    } else if (this.machine.live) {
      await this.liveControl(message);
    }
  }

  async liveControl(message) {
    const { t } = message;
    if (t === "view" || t === "pause" || t === "claim" || t === "request") {
      this.apply(this.machine.agentActive(now()));
    }
    if (t === "pause" && message.on === true) await this.hold("agent");
    else if (t === "pause" || ELSEWHERE.has(t)) await this.violation(t); // only the customer lifts a pause
    else if (t === "claim") await this.claim(message);
    else if (t === "request" && typeof message.scope === "string") await this.request(message);
    else if (t !== "view" && !WITHOUT_EFFECT.has(t)) await this.malformed(`ctl ${t}`.slice(0, 60));
  }

  async claim({ type, data }) {
    if (type !== "sas" || typeof data?.same !== "boolean") {
      await this.violation("claim");
    } else if (this.machine.phase === "unverified" && !this.sas.claimed) {
      this.sas.claimed = data.same;
      if (data.same) await this.confirmNumber();
      else await this.numberDiffers("agent");
    }
  }

  possible(scope) {
    const known = SCOPES.includes(scope) && scope !== "view" && this.invitation.scopesMax.includes(scope);
    return known && this.machine.live && this.granted.has("view");
  }

  async request({ scope, why }) {
    if (this.asks.has(scope)) return; // the agent repeats it on a new connection; the question still stands
    if (this.granted.has(scope)) {
      this.tellGrants();
      return;
    }
    const soon = now() - (this.refusedAt.get(scope) ?? -Infinity) < ASK_AGAIN_MS;
    const count = this.asked.get(scope) ?? 0;
    if (!this.possible(scope) || soon || count >= ASK_MAX) {
      await this.noAtOnce(scope);
      return;
    }
    this.asked.set(scope, count + 1);
    this.asks.set(scope, now() + ASK_ANSWER_MS);
    this.host.ask(scope, typeof why === "string" ? why.slice(0, 200) : "", this.asks.get(scope));
  }

  // Nobody is bothered, but it stands on the record; who goes on asking breaks the rules.
  async noAtOnce(scope) {
    const count = (this.atOnce.get(scope) ?? 0) + 1;
    this.atOnce.set(scope, count);
    if (count > ASK_MAX) {
      await this.violation("request");
      return;
    }
    const named = scope.slice(0, 40);
    await this.note("refusal", "system", { scope: named });
    this.say({ t: "refused", scope: named });
  }

  async saidNo(scope, by, at) {
    if (!this.asks.delete(scope)) return;
    this.refusedAt.set(scope, at);
    this.host.settled(scope);
    await this.note("refusal", by, { scope });
    this.say({ t: "refused", scope });
  }

  async mark(channel, message) {
    if (!this.granted.has("pointer") || !this.machine.flowing) {
      await this.violation(channel);
      return;
    }
    const at = now();
    if (message === null) await this.violation(`${channel} malformed`);
    else if (channel === "ptr") this.board.point(message.at, at);
    else if (message.t === "clear") this.board.clear();
    else if (message.t === "remove") this.board.remove(message.id, at);
    else if (!this.board.add(message, at)) await this.violation("ann number");
    this.host.marks(this.board);
    this.apply(this.machine.agentActive(at));
  }

  clearMarks() {
    if (this.board.clear()) this.host.marks(this.board);
  }

  // What the agent sent before it knew that a grant fell or the picture was held is no violation.
  async violation(what) {
    const marks = what === "ptr" || what === "ann";
    const fell = Math.max(this.fellAt.get("pointer") ?? -Infinity, this.flowChangedAt ?? -Infinity);
    if (marks && (now() - fell < LATE_MS || this.machine.lost)) return;
    this.violations += 1;
    if (!(now() - this.violationAt < 1_000)) {
      this.violationAt = now();
      await this.note("violation", "agent", { type: what.slice(0, 80), count: this.violations });
      this.host.notice("violation");
    }
    if (this.violations >= VIOLATIONS_MAX) await this.end("protocol", "agent");
  }

  async malformed(what) {
    if (this.machine.ended) return;
    if (this.record) await this.note("violation", "agent", { type: what.slice(0, 80), malformed: true });
    await this.end("protocol", "agent");
  }

  // --- check number ---------------------------------------------------------------------------------------------------

  askNumber() {
    if (this.sas.asked || this.machine.phase !== "unverified" || !this.record.frames) return;
    this.sas.asked = true;
    this.sas.numbers = choices(this.keys.number);
    this.host.numbers(this.sas.numbers);
  }

  async confirmNumber() {
    if (!this.sas.picked || !this.sas.claimed) return;
    this.record.number = this.keys.number;
    this.record.confirmed = true;
    await this.note("sas", "customer", { ok: true, number: this.keys.number, confirmed: "voice" });
    this.apply(this.machine.sasClaimed(true, now()));
    this.apply(this.machine.sasChosen(true, now()));
    if (this.machine.phase === "verified") this.say({ t: "sas", ok: true });
  }

  async numberDiffers(by) {
    await this.note("sas", by, { ok: false });
    this.say({ t: "sas", ok: false });
    await this.end("sas_mismatch", by);
  }

  // --- pause, timers, counters ----------------------------------------------------------------------------------------

  async hold(by) {
    const effects = this.machine.pause(by, now());
    this.apply(effects);
    if (!effects.includes("paused") || !this.machine.live) return;
    await this.showPicture();
    this.say({ t: "pause", on: true, by });
    // the entry carries the counter after the last picture
    this.pausedBy = by;
    setTimeout(() => this.run(() => this.pauseEntry()), PAUSE_ENTRY_MS);
  }

  async pauseEntry() {
    if (!this.pausedBy || this.machine.ended) return;
    const by = this.pausedBy;
    this.pausedBy = "";
    await this.count();
    await this.note("pause", by, { frames_sent: this.record.frames });
  }

  apply(effects) {
    for (const effect of effects) {
      if (effect === "ended") this.finishing = this.finish();
      else if (effect === "lost") {
        this.flowChangedAt = now();
        this.clearMarks();
        this.showPicture();
        this.rebuild();
      } else if (["back", "paused", "resumed"].includes(effect)) {
        this.flowChangedAt = now();
        this.clearMarks();
        this.showPicture();
      } else if (effect === "idleSoon") this.host.notice("idle_soon");
    }
  }

  async tick() {
    const at = now();
    this.apply(this.machine.tick(at));
    for (const [scope, until] of [...this.asks]) if (at >= until) await this.saidNo(scope, "system", until);
    if (this.board.tick(at)) this.host.marks(this.board);
    const active = this.links?.active;
    if (active && this.machine.live && !this.mustRebuild) {
      const before = this.machine.lost;
      this.apply(this.machine.heard(at, at - active.heardAt));
      if (before && !this.machine.lost) {
        this.links.dropAll(); // the old connection spoke first: it stays
        await this.connected(active);
      }
    }
    const several = (this.links?.rungs?.length ?? 0) > 0 || this.invitation.policy.relayOnly;
    const due = this.rebuildAt && at >= this.rebuildAt;
    if (due && ((this.machine.live && this.machine.lost) || (this.machine.phase === "connecting" && several))) {
      this.rebuild();
    }
    if (this.finishing) await this.finishing;
  }

  async count() {
    const peer = this.links?.active;
    if (!peer || this.machine.ended) return;
    const stats = await peer.stats().catch(() => null);
    if (!stats) return;
    this.record.countFrames(stats.frames);
    if (stats.path) this.record.path = stats.path;
    await this.followTarget();
    this.askNumber();
  }

  // The browser lets people switch to another tab: another picture is on the record, and the agent knows its size.
  async followTarget() {
    if (!this.track || !this.machine.live) return;
    const { width, height } = this.track.getSettings();
    const kind = kindOf(this.track);
    if (kind !== this.kind) {
      this.kind = this.record.targetKind = kind;
      await this.note("target", "customer", { kind });
      this.clearMarks();
    }
    if (this.size !== `${width}x${height}`) this.tellTarget();
  }

  // --- way out --------------------------------------------------------------------------------------------------------

  halt() {
    this.halted = true;
    if (this.links?.active) this.links.active.transceiver.sender.replaceTrack(null).catch(() => undefined);
    for (const track of this.stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
  }

  async peerEnded(reason) {
    if (reason === "sas_mismatch" && this.machine.phase === "unverified") {
      await this.numberDiffers("agent");
      return;
    }
    const known = /^[a-z_]{1,20}$/.test(reason) ? reason : "stopped";
    await this.end(known, "agent");
  }

  async end(reason, by) {
    this.apply(this.machine.end(reason, by, now()));
    if (this.finishing) await this.finishing;
  }

  // Pictures stop first; everything else can wait for them.
  async finish() {
    this.halt();
    this.clearMarks();
    clearInterval(this.ticking);
    clearInterval(this.counting);
    const { reason, endedBy } = this.machine;
    const active = this.links?.active;
    const stats = active ? await Promise.race([active.stats().catch(() => null), sleep(CLOSE_MS)]) : null;
    this.links?.close();
    if (!this.record) return;
    if (stats) this.record.countFrames(stats.frames);
    const granted = this.granted.size > 0;
    this.granted.clear();
    for (const scope of this.asks.keys()) this.host.settled(scope);
    this.asks.clear();
    if (granted) this.host.changed();
    if (reason === "refused") {
      await this.note("refusal", endedBy, { scope: "view" });
      await this.send("refused", { reason: endedBy });
    } else if (endedBy !== "agent") {
      await this.send("end", { reason });
    }
    await this.note("end", endedBy, this.record.endData(reason));
    this.receipt(this.record.receipt());
    setTimeout(() => this.live.close(), COUNTERSIGN_MS);
  }

  receipt(bytes) {
    this.host.receipt(bytes);
  }
}

function kindOf(track) {
  return { monitor: "screen", window: "window", browser: "tab" }[track.getSettings().displaySurface] ?? "screen";
}
