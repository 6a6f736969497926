// SPDX-License-Identifier: GPL-3.0-or-later
// Signed envelopes between the two ends, sealed from the first offer on. What anybody on the way could have made is
// dropped; what only the agent can have signed, but is wrong, ends the session.

import { b64, join, lp, text, unb64, utf8 } from "./bytes.js";
import { seal, sealKey, sign, unseal, verify } from "./keys.js";

const LABEL = "deskside-env-1";
const ROLE = { customer: 1, agent: 2 };
const SEALED = new Set(["offer", "answer", "rebind.request"]);
const MAX = 64 * 1024;
const LAST = 2 ** 40; // the number of the goodbye that is ready from the start
const NUMBERS = ["epoch", "rung", "n"];
const BODIES = {
  "sas.accept": ["A", "Na", "Fa"], answer: ["epoch", "rung", "sdp"], "rebind.request": ["epoch", "why"],
  "chain.again": ["n"], end: ["reason", "countersign"],
};

export class Dropped extends Error {}
export class Misbehaved extends Error {}

const covered = (sid, from, n, t) => lp(LABEL, sid, from, n, t);
const nonce = (from, n) => {
  const out = new DataView(new ArrayBuffer(12));
  out.setUint32(0, ROLE[from]);
  out.setBigUint64(4, BigInt(n));
  return new Uint8Array(out.buffer);
};

export class Writer {
  constructor(sid, key) {
    this.sid = sid;
    this.key = key;
    this.sealing = false;
    this.next = 0;
  }

  async useKey(bytes) {
    this.seal = await sealKey(bytes);
  }

  // Returns {n, data}. Call one after the other.
  async write(t, body, n = this.next++) {
    const sealing = this.sealing || SEALED.has(t);
    if (n !== LAST) this.sealing = sealing;
    const about = covered(this.sid, "customer", n, t);
    let carried = JSON.stringify(body);
    if (sealing) carried = b64(await seal(this.seal, nonce("customer", n), utf8(carried), about));
    const sig = b64(await sign(this.key, join(about, lp(carried))));
    return { n, data: utf8(JSON.stringify({ v: 1, sid: b64(this.sid), from: "customer", n, t, body: carried, sig })) };
  }

  // An end that can be sent at once when the page goes away, when nothing can be signed any more.
  goodbye() {
    return this.write("end", { reason: "stopped" }, LAST);
  }
}

export class Reader {
  constructor(sid, publicKey) {
    this.sid = sid;
    this.publicKey = publicKey;
    this.last = -1;
    this.sealedSeen = false;
  }

  async useKey(bytes) {
    this.seal = await sealKey(bytes);
  }

  // Returns {t, n, body}. Throws Dropped or Misbehaved.
  async read(raw) {
    const outer = parsed(raw);
    if (outer.v !== 1 || outer.sid !== b64(this.sid) || outer.from !== "agent") throw new Dropped("not for here");
    const about = covered(this.sid, "agent", outer.n, outer.t);
    if (!(await verify(this.publicKey, bytes(outer.sig), join(about, lp(outer.body))))) throw new Dropped("signature");
    if (outer.n <= this.last) throw new Dropped("seen before");
    this.last = outer.n;
    if (!Object.hasOwn(BODIES, outer.t)) throw new Misbehaved(outer.t);
    return { t: outer.t, n: outer.n, body: typed(await this.opened(outer, about), outer.t) };
  }

  async opened(outer, about) {
    if (!this.sealedSeen && !SEALED.has(outer.t)) return outer.body;
    if (!this.seal) throw new Misbehaved(outer.t);
    try {
      const plain = text(await unseal(this.seal, nonce("agent", outer.n), bytes(outer.body), about));
      this.sealedSeen = true;
      return plain;
    } catch {
      throw new Misbehaved(outer.t);
    }
  }
}

function bytes(value) {
  try {
    return unb64(value);
  } catch {
    return new Uint8Array();
  }
}

function parsed(raw) {
  try {
    if (raw.length > MAX) throw new Dropped("too long");
    const outer = JSON.parse(text(raw));
    const texts = ["sid", "from", "t", "body", "sig"].every((name) => typeof outer[name] === "string");
    const form = texts && Number.isSafeInteger(outer.n) && outer.n >= 0 && outer.n <= LAST && outer.t.length <= 16;
    if (!form || outer.body.length > 60_000 || Object.keys(outer).length !== 7) throw new Dropped("no envelope");
    return outer;
  } catch {
    throw new Dropped("no envelope");
  }
}

function typed(plain, t) {
  let body;
  try {
    body = JSON.parse(plain);
  } catch {
    throw new Misbehaved(t);
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw new Misbehaved(t);
  if (Object.keys(body).some((name) => !BODIES[t].includes(name))) throw new Misbehaved(t);
  for (const name of BODIES[t]) {
    const value = body[name];
    const optional = name === "countersign" && (value === undefined || value === null);
    const most = name === "sdp" ? 16 * 1024 : 96;
    const highest = name === "n" ? 1 << 20 : 1000;
    const number = NUMBERS.includes(name) && Number.isInteger(value) && value >= 0 && value <= highest;
    if (!optional && !number && (typeof value !== "string" || value.length > most)) throw new Misbehaved(t);
  }
  return body;
}

// 32 bytes that a signed body carries as text.
export function keyBytes(value) {
  const raw = bytes(value);
  if (raw.length !== 32) throw new Misbehaved("value");
  return raw;
}
