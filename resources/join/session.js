// SPDX-License-Identifier: GPL-3.0-or-later
// The customer's end inside: what is known of a session, its record and envelopes, its connections, and the way out.

import { b64 } from "./bytes.js";
import { Dropped, keyBytes, Misbehaved } from "./envelope.js";
import { CustomerHandshake } from "./handshake.js";
import { Links } from "./links.js";
import { Machine, within } from "./machine.js";
import { Board } from "./marks.js";
import { checkAnswer, fingerprintOf } from "./peer.js";

export const SCOPES = ["view", "pointer"];
// every word that an agent may ask with; what a browser cannot do is refused, what is no scope at all is malformed
export const ALL_SCOPES = [
  "view", "pointer", "control", "clipboard.to_customer", "clipboard.to_agent", "files.to_customer", "files.to_agent",
  "diagnostics", "recording",
];
export const now = () => Math.round(performance.now());
const REBUILD_MS = 4_000;
const NACK_MS = 1_000;
const NACK_WINDOW_MS = 4_000;
const CLOSE_MS = 80;
const AGAIN_MS = 300; // entries asked for more often are not sent again
const COUNTERSIGN_MS = 10_000;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export class Session {
  // `host`: changed(), numbers(list), ask(scope, why, until), settled(scope), marks(board), notice(code), wrote(),
  // receipt(bytes).
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
    // no reader takes a much longer record: what proves the consent must not be made unreadable
    if (this.record.full && !this.machine.ended) await this.end("limit", "system");
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
    if (t === "chain.again") await this.chainAgain(body.n);
    else if (this.machine.ended) {
      const receipt = t === "end" && body.countersign ? await this.record.countersigned(body.countersign) : null;
      if (receipt) this.receipt(receipt);
    } else if (t === "end") await this.peerEnded(body.reason);
    else if (t === "sas.accept") await this.accept(body);
    else if (t === "answer" && this.keys) await this.answer(body);
    else if (t === "rebind.request" && this.keys) this.rebind();
    else throw new Misbehaved(t);
  }

  // The agent's end lacks entries of the record. It gets them again, some at a time, whatever the phase.
  async chainAgain(n) {
    if (now() - (this.againAt ?? -AGAIN_MS) < AGAIN_MS) return;
    this.againAt = now();
    for (const entry of this.record.entries.slice(n, n + 40)) await this.send("chain", { entry: entry.text });
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
    // the agent follows this copy, whatever it missed
    this.say({ t: "pause", on: this.machine.paused, by: "customer" });
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
    // into the signed record goes a word: a list whose text looks like one is none
    const known = typeof reason === "string" && /^[a-z_]{1,20}$/.test(reason) ? reason : "stopped";
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
    } else if (endedBy !== "agent" || reason === "protocol") { // an agent who broke the rules does not know it ended
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
