// SPDX-License-Identifier: GPL-3.0-or-later
// The way to the server: calls under /session/v1, and the page's own socket for envelopes.

import { equal, hex, pack, unpack } from "./bytes.js";

const PING_MS = 25_000;
const AGAIN_MS = 1_000;
const QUEUE_MAX = 64;
const LEAVE_MOST = 20; // browsers let 64 KiB outlive a page

// Returns {status, body}; status 0 when the server was not reached.
export async function call(method, path, body, token, keepalive = false) {
  const headers = { accept: "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (token) headers.authorization = `Bearer ${token}`;
  const how = { method, headers, keepalive, credentials: "omit", cache: "no-store", redirect: "error" };
  try {
    const answer = await fetch(path, { ...how, body: body === undefined ? undefined : JSON.stringify(body) });
    const raw = await answer.text();
    return { status: answer.status, body: raw ? JSON.parse(raw) : null };
  } catch {
    return { status: 0, body: null };
  }
}

export class Live {
  // `on`: envelope(bytes), nack(), ended(reason).
  constructor(token, sid, on) {
    Object.assign(this, { token, sid, on, waiting: [], closed: false });
    this.open();
    this.ping = setInterval(() => this.write({ m: "ping" }), PING_MS);
  }

  open() {
    const url = new URL("/live", location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => {
      this.write({ m: "auth", token: this.token });
      for (const message of this.waiting.splice(0)) this.write(message);
    };
    socket.onmessage = (event) => this.received(event.data);
    socket.onclose = () => {
      if (!this.closed) setTimeout(() => !this.closed && this.open(), AGAIN_MS);
    };
    this.socket = socket;
  }

  // Sends an envelope; without a connection it waits for the next one.
  send({ n, data }) {
    const message = { m: "sig", session: this.sid, to: "agent", n, data };
    if (this.socket.readyState === WebSocket.OPEN) {
      this.write(message);
    } else {
      this.waiting.push(message);
      if (this.waiting.length > QUEUE_MAX) this.waiting.shift();
    }
  }

  write(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(pack(message));
  }

  received(data) {
    let message;
    try {
      message = unpack(new Uint8Array(data));
    } catch {
      return;
    }
    const ours = message?.session instanceof Uint8Array && equal(message.session, this.sid);
    if (!ours) return;
    if (message.m === "sig" && message.data instanceof Uint8Array) this.on.envelope(message.data);
    else if (message.m === "sig_nack") this.on.nack();
    else if (message.m === "session_ended") this.on.ended(String(message.reason));
  }

  close() {
    this.closed = true;
    clearInterval(this.ping);
    this.socket.close();
  }
}

// Keeps the ticket's copy of the record: what could not be handed in is tried again.
export class Entries {
  constructor(token, sid, ticket) {
    Object.assign(this, { token, sid, ticket, waiting: [], busy: null });
  }

  add(entry, hash) {
    this.waiting.push({ n: entry.n, kind: entry.type, entry: entry.text, hash, at: entry.at });
    this.busy ??= this.work().finally(() => { this.busy = null; });
    return this.busy;
  }

  // The page goes away: what waits is handed in by a call that outlives it. The server keeps each entry once.
  leave() {
    const entries = this.waiting.slice(0, LEAVE_MOST);
    if (entries.length) this.hand(entries);
  }

  hand(entries) {
    const path = `/session/v1/${hex(this.sid)}/entries`;
    return call("POST", path, { sid: hex(this.sid), ticket: this.ticket, entries }, this.token, true);
  }

  async work() {
    for (let tries = 0; this.waiting.length && tries < 30; tries += 1) {
      const entries = this.waiting.slice(0, 50);
      const answer = await this.hand(entries);
      if (answer.status >= 200 && answer.status < 300) this.waiting.splice(0, entries.length);
      else if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) return;
      else await new Promise((done) => setTimeout(done, AGAIN_MS));
    }
  }
}
