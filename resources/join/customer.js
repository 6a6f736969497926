// SPDX-License-Identifier: GPL-3.0-or-later
// The customer's end: it alone grants, decides what is verified, and writes the record. Every grant comes from a method
// under "the customer's deeds", which the page calls for a person's click.

import { b64, lp } from "./bytes.js";
import { Record } from "./chain.js";
import { Reader, Writer } from "./envelope.js";
import { hmac, makePair } from "./keys.js";
import { Entries, Live } from "./live.js";
import { SERVER_ENDS } from "./machine.js";
import { makeCertificate } from "./peer.js";
import { Requests } from "./requests.js";
import { now, SCOPES } from "./session.js";

const TICK_MS = 250;
const STATS_MS = 1_000;
const PAUSE_ENTRY_MS = 500;

export class Customer extends Requests {
  // --- beginning ------------------------------------------------------------------------------------------------------

  open() {
    return this.run(async () => {
      const { iid, sid } = this.invitation;
      this.session = await makePair("Ed25519");
      this.certificate = await makeCertificate();
      this.record = new Record(this.checked, this.session, this.pin);
      this.writer = new Writer(sid, this.session.private);
      this.reader = new Reader(sid, this.checked.certificate.deviceKey);
      this.entries = new Entries(this.token, sid, this.invitation.ticketId);
      this.live = new Live(this.token, sid, {
        envelope: (data) => this.run(() => this.envelope(data)), nack: () => this.nack(),
        ended: (reason) => SERVER_ENDS.has(reason) && this.run(() => this.end(reason, "system")),
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
      this.take(stream);
      await this.note("consent", "customer", { scope: "view", target_kind: this.kind });
      this.record.targetKind = this.kind;
      await this.send("consented", { chain_head: b64(this.record.head), scope: "view", target_kind: this.kind });
      this.apply(this.machine.consented(now()));
      this.connect();
    });
  }

  // Another picture, which the browser's own window gave: written down first, then shown in the old one's place.
  change(stream) {
    return this.run(async () => {
      if (!this.machine.live || this.halted) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      const before = this.stream;
      const kind = kindOf(stream.getVideoTracks()[0]);
      await this.note("target", "customer", { kind });
      this.take(stream);
      this.record.targetKind = kind;
      this.clearMarks();
      this.tellGrants();
      this.tellTarget();
      await this.showPicture();
      for (const track of before.getTracks()) {
        track.onended = null;
        track.stop();
      }
    });
  }

  take(stream) {
    this.stream = stream;
    [this.track] = stream.getVideoTracks();
    this.track.contentHint = "text";
    const { track } = this;
    track.onended = () => this.track === track && this.stop(); // the browser's own bar, or the window or tab is gone
    this.kind = kindOf(this.track);
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
    this.entries.leave();
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
}

function kindOf(track) {
  return { monitor: "screen", window: "window", browser: "tab" }[track.getSettings().displaySurface] ?? "screen";
}
