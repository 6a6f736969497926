// SPDX-License-Identifier: GPL-3.0-or-later
// Phases, flags and every timer of a session, as in the desktop programs: the time comes with each call, a phase never
// goes back, silence never grants, and a session ends once, with one reason.

export const LIMITS = {
  invited: 600_000, prompted: 120_000, connecting: 30_000, unverified: 180_000, question: 60_000, idle: 600_000,
  idleWarning: 60_000, confirm: 1_800_000, hard: 3_600_000, paused: 300_000, silent: 3_000, lost: 30_000,
};

const ENDS = {
  invited: "expired", prompted: "refused", connecting: "unreachable", idle: "idle", limit: "limit", paused: "idle",
  lost: "lost", askedUnverified: "unverified", askedContinue: "not_confirmed",
};

// for these the server ends a session, whatever the agent's end says of it; others are what a member told the server
export const SERVER_ENDS = new Set(["revoked", "bad_invitation", "ticket_closed", "ticket_moved", "requester_changed", "requester_blocked"]);

export class Machine {
  constructor(now, limits = LIMITS) {
    this.limits = limits;
    this.phase = "invited";
    this.reason = null;
    this.endedBy = "";
    this.lost = false;
    this.causes = new Set();
    this.chosen = false;
    this.claimed = false;
    this.now = now;
    this.timers = new Map([["invited", now + limits.invited]]);
  }

  get live() {
    return this.phase === "unverified" || this.phase === "verified";
  }

  get paused() {
    return this.causes.size > 0;
  }

  get flowing() {
    return this.live && !this.paused && !this.lost;
  }

  get ended() {
    return this.phase === "ended";
  }

  // The open question, and when silence answers it.
  get question() {
    for (const name of ["askedUnverified", "askedContinue"]) {
      if (this.timers.has(name)) return { name, until: this.timers.get(name) };
    }
    return null;
  }

  until(name) {
    return this.timers.get(name) ?? null;
  }

  opened(now) {
    return this.step("invited", now, (at) => this.enter("prompted", at, this.limits.prompted));
  }

  consented(now) {
    return this.step("prompted", now, (at) => {
      this.consentedAt = at;
      this.enter("connecting", at, this.limits.connecting);
      this.timers.set("limit", at + this.limits.hard);
      this.timers.set("confirm", at + this.limits.confirm);
      return ["phase"];
    });
  }

  connected(now) {
    if (this.live) return this.heard(now, 0);
    return this.step("connecting", now, (at) => {
      this.enter("unverified", at);
      this.timers.set("unverified", at + this.limits.unverified);
      this.timers.set("silent", at + this.limits.silent);
      this.setIdle(at);
      return ["phase"];
    });
  }

  sasChosen(right, now) {
    return this.step("unverified", now, () => {
      this.chosen = right;
      return right ? this.verifyIfBoth() : this.finish("sas_mismatch", "customer");
    });
  }

  sasClaimed(same, now) {
    return this.step("unverified", now, () => {
      this.claimed = same;
      return same ? this.verifyIfBoth() : this.finish("sas_mismatch", "agent");
    });
  }

  // The answer "go on" to the open question; true if there was one.
  answered(name, now) {
    this.tick(now);
    if (!this.timers.delete(name)) return false;
    if (name === "askedContinue" && this.live) this.timers.set("confirm", this.now + this.limits.confirm);
    return true;
  }

  pause(cause, now) {
    const effects = this.tick(now);
    if (!this.live || this.causes.has(cause)) return effects;
    const first = !this.paused;
    this.causes.add(cause);
    if (!first) return effects;
    this.timers.set("paused", this.now + this.limits.paused);
    return [...effects, "paused"];
  }

  // Only the customer lifts a pause, whoever of the two made it.
  resume(now) {
    const effects = this.tick(now);
    if (!this.live || !this.paused) return effects;
    this.causes.clear();
    this.timers.delete("paused");
    return [...effects, "resumed"];
  }

  heard(now, silentMs) {
    const effects = this.tick(now);
    if (!this.live) return effects;
    if (silentMs >= this.limits.silent) return [...effects, ...this.lose()];
    this.timers.set("silent", this.now - Math.max(silentMs, 0) + this.limits.silent);
    if (!this.lost) return effects;
    this.lost = false;
    this.timers.delete("lost");
    return [...effects, "back"];
  }

  cut(now) {
    const effects = this.tick(now);
    return this.live ? [...effects, ...this.lose()] : effects;
  }

  agentActive(now) {
    const effects = this.tick(now);
    if (this.live) this.setIdle(this.now);
    return effects;
  }

  end(reason, by, now) {
    return [...this.tick(now), ...this.finish(reason, by)];
  }

  // Lets every timer that is due act, in the order of their times.
  tick(now) {
    this.now = Math.max(this.now, now);
    const effects = [];
    for (;;) {
      let next = null;
      for (const [name, due] of this.timers) if (due <= this.now && (!next || due < next[1])) next = [name, due];
      if (!next) return effects;
      this.timers.delete(next[0]);
      effects.push(...this.due(...next));
    }
  }

  due(name, at) {
    if (name in ENDS) return this.finish(ENDS[name], "system");
    if (name === "silent") return this.lose();
    if (name === "idleSoon") return ["idleSoon"];
    // Counted from the due time, not from now: a computer that slept through the question was silent.
    const question = name === "unverified" ? "askedUnverified" : "askedContinue";
    this.timers.set(question, at + this.limits.question);
    return ["ask"];
  }

  step(needed, now, go) {
    const effects = this.tick(now);
    return this.phase === needed ? [...effects, ...go(this.now)] : effects;
  }

  enter(phase, now, life) {
    for (const name of ["invited", "prompted", "connecting"]) this.timers.delete(name);
    this.phase = phase;
    if (life !== undefined) this.timers.set(phase, now + life);
    return ["phase"];
  }

  verifyIfBoth() {
    if (!this.chosen || !this.claimed) return [];
    this.timers.delete("unverified");
    this.timers.delete("askedUnverified");
    return this.enter("verified", this.now);
  }

  setIdle(now) {
    const { idle, idleWarning } = this.limits;
    this.timers.set("idle", now + idle);
    this.timers.set("idleSoon", now + Math.max(idle - idleWarning, idle / 2));
  }

  lose() {
    if (this.lost) return [];
    this.lost = true;
    this.timers.delete("silent");
    this.timers.set("lost", this.now + this.limits.lost);
    return ["lost"];
  }

  finish(reason, by) {
    if (this.ended) return [];
    Object.assign(this, { phase: "ended", reason, endedBy: by, lost: false });
    this.causes.clear();
    this.timers.clear();
    return ["ended"];
  }
}

// Limits of the invitation shorten these, never lengthen them.
export const within = (policy) => ({
  ...LIMITS, idle: Math.min(LIMITS.idle, policy.idleS * 1000), hard: Math.min(LIMITS.hard, policy.hardS * 1000),
});
