// SPDX-License-Identifier: GPL-3.0-or-later
// What the agent says: requests, pointer and drawings, the number. Everything is checked against this end's own state.

import { choices } from "./handshake.js";
import { readMark, readPointer } from "./marks.js";
import { ALL_SCOPES, now, SCOPES, Session } from "./session.js";

const ASK_ANSWER_MS = 120_000;
const ASK_AGAIN_MS = 30_000;
const ASK_MAX = 3;
const LATE_MS = 5_000;
const VIOLATIONS_MAX = 10;
const FROM_AGENT = new Set(["ctl", "ptr", "inp", "ann", "file", "clip"]);
const ELSEWHERE = new Set(["fileoffer", "fileaccept", "fileend", "clip"]);

export class Requests extends Session {
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
      else this.links.hello(peer, Array.isArray(message.caps) ? message.caps.slice(0, 32) : []);
    } else if (message.t === "end" && typeof message.reason === "string") {
      await this.peerEnded(message.reason);
    } else if (message.t === "end") {
      await this.malformed("ctl end");
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
    else if (t === "request" && ALL_SCOPES.includes(message.scope)) await this.request(message);
    else if (t !== "view" && t !== "retile") await this.malformed(`ctl ${t}`.slice(0, 60));
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
}
