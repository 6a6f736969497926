// SPDX-License-Identifier: GPL-3.0-or-later
// The connections of a session: epochs, relay credentials, rungs, who says hello on which, and which one is in use.

import { hex } from "./bytes.js";
import { call } from "./live.js";
import { Peer } from "./peer.js";

const RELAY_WAIT_MS = 3_000;
const ASK_MOST_MS = 1_000;
const ATTEMPTS_MAX = 2;
const RUNGS = [[/^turn:.*transport=udp$/, 0], [/^turn:.*transport=tcp$/, 1], [/^turns:.*transport=tcp$/, 2]];
const URL_FORM = /^(stun|turn|turns):[A-Za-z0-9.-]{1,253}:[1-9][0-9]{0,4}(\?transport=(udp|tcp))?$/;

const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Returns {servers, rungs}: what the server offers for one connection. The rung tells the agent's end which way to take.
function readRelay(body) {
  const urls = Array.isArray(body?.urls) ? body.urls.filter((url) => typeof url === "string" && URL_FORM.test(url)) : [];
  const turn = urls.filter((url) => url.startsWith("turn"));
  const servers = urls.filter((url) => url.startsWith("stun")).slice(0, 1).map((url) => ({ urls: url }));
  if (turn.length) servers.push({ urls: turn, username: String(body.username), credential: String(body.credential) });
  const rungs = turn.map((url) => RUNGS.find(([form]) => form.test(url))?.[1]).filter((rung) => rung !== undefined);
  return { servers, rungs: [...new Set(rungs)].sort() };
}

export class Links {
  // `on`: fingerprint(attempt), ready(attempt), connected(peer), message(peer, channel, data), noRelay(), wanted().
  constructor(token, sid, relayOnly, certificate, on) {
    Object.assign(this, { token, sid, relayOnly, certificate, on, active: null, next: 0, rungs: null, lastRung: null });
    this.attempts = new Map();
    this.closed = false;
  }

  nextRung() {
    const all = this.relayOnly ? (this.rungs ?? [0]) : [...new Set([0, ...(this.rungs ?? [])])];
    const after = all.find((rung) => this.lastRung !== null && rung > this.lastRung);
    this.lastRung = after ?? all[0] ?? 0;
    return this.lastRung;
  }

  // Begins the next connection; it makes itself known by `on`.
  open(rung) {
    for (const oldest of [...this.attempts.values()].slice(0, this.attempts.size - ATTEMPTS_MAX + 1)) this.drop(oldest);
    const attempt = { epoch: this.next, rung, peer: null, offer: null, offered: false, answered: false };
    this.next += 1;
    this.attempts.set(attempt.epoch, attempt);
    this.make(attempt).catch(() => this.drop(attempt));
    return attempt;
  }

  async make(attempt) {
    const relay = await this.askRelay(attempt);
    if (!relay || !this.attempts.has(attempt.epoch)) return;
    this.rungs = relay.rungs;
    if (this.relayOnly && !relay.rungs.length) {
      this.on.noRelay();
      return;
    }
    const on = {
      open: (peer) => this.sayHello(peer), message: (...what) => this.on.message(...what),
      failed: (peer) => peer !== this.active && this.drop(attempt),
    };
    const peer = new Peer(attempt.epoch, attempt.rung, relay.servers, this.relayOnly, this.certificate, on);
    attempt.peer = peer;
    attempt.fingerprint = await peer.begin();
    this.on.fingerprint(attempt);
    attempt.offer = await peer.offer();
    this.on.ready(attempt);
  }

  // The consent may still be on its way to the server; where a direct connection is allowed, this waits three seconds.
  async askRelay(attempt) {
    const until = performance.now() + RELAY_WAIT_MS;
    for (let tries = 1; this.attempts.has(attempt.epoch) && !this.closed; tries += 1) {
      const answer = await call("POST", `/session/v1/${hex(this.sid)}/turn`, undefined, this.token);
      if (answer.status >= 200 && answer.status < 300) return readRelay(answer.body);
      if (answer.status === 404 || answer.status === 405) return readRelay(null);
      if (!this.relayOnly && performance.now() > until) return readRelay(null);
      await sleep(Math.min(100 * tries, ASK_MOST_MS));
    }
    return null;
  }

  sayHello(peer) {
    if (peer.helloSent || !this.on.wanted()) return;
    peer.helloSent = peer.say({ t: "hello", proto: 1, epoch: peer.epoch, caps: ["view", "chat"] });
    this.settle(peer);
  }

  hello(peer, caps) {
    if (peer.helloGot) return;
    Object.assign(peer, { helloGot: true, caps });
    this.sayHello(peer);
    this.settle(peer);
  }

  settle(peer) {
    if (!peer.helloSent || !peer.helloGot || !this.attempts.delete(peer.epoch)) return;
    const before = this.active;
    this.active = peer;
    peer.heardAt = performance.now();
    before?.close();
    this.dropAll();
    this.on.connected(peer);
  }

  drop(attempt) {
    this.attempts.delete(attempt.epoch);
    attempt.peer?.close();
  }

  dropAll() {
    for (const attempt of [...this.attempts.values()]) this.drop(attempt);
  }

  close() {
    this.closed = true;
    this.dropAll();
    this.active?.close();
  }
}
