// SPDX-License-Identifier: GPL-3.0-or-later
// The session's record: entries linked by hash and signed with this session's key, and the receipt that carries them.

import { b64, lp, sha256, unb64, utf8 } from "./bytes.js";
import { Signed } from "./documents.js";
import { verify } from "./keys.js";

const LABEL = "deskside-chain-1";
const RECEIPT_LABEL = "deskside-receipt-1";
// readers take 5,000 entries and 4 MiB: there is room for the last ones and the countersignature
const FULL_ENTRIES = 4_900;
const FULL_CHARS = 3 << 20;

// The time of the record's entries: that of the computer's clock at the start, carried on by one that nobody sets.
function steadyClock(wall = () => Date.now(), ticks = () => performance.now()) {
  const start = wall() - ticks();
  return () => Math.round(start + ticks());
}

export class Record {
  // `checked` as `checkInvitation` returns it; `session` is the key pair of this session.
  constructor(checked, session, pin, utcMs = steadyClock()) {
    Object.assign(this, { checked, session, pin, utcMs });
    this.head = checked.inviteHash;
    this.entries = [];
    this.size = 0;
    this.grants = [];
    this.framesBefore = 0;
    this.framesNow = 0;
    this.consentedAt = null;
    this.grantedAt = null;
    this.targetKind = "";
    this.path = "";
    this.reconnects = 0;
    this.number = "";
    this.confirmed = false;
  }

  get frames() {
    return this.framesBefore + this.framesNow;
  }

  // Whether the session must end, so that its record can still be read.
  get full() {
    return this.entries.length >= FULL_ENTRIES || this.size >= FULL_CHARS;
  }

  countFrames(sent) {
    if (Number.isInteger(sent) && sent > this.framesNow) this.framesNow = sent;
  }

  // A new connection counts from zero.
  connectionReplaced() {
    this.framesBefore = this.frames;
    this.framesNow = 0;
  }

  async add(type, by, data) {
    const at = this.utcMs();
    this.follow(type, at, data);
    const n = this.entries.length;
    const signed = await Signed.make(this.session.private, LABEL, { n, prev: b64(this.head), at, by, type, data });
    const hash = await sha256(LABEL, this.head, signed.document);
    const entry = { n, at, by, type, data, hash, text: signed.toText() };
    this.entries.push(entry);
    this.size += entry.text.length + 8;
    this.head = hash;
    return entry;
  }

  follow(type, at, data) {
    if (type === "consent") this.consentedAt = at;
    if (type === "grant") {
      this.grants.push({ scope: String(data.scope ?? ""), from: at, to: null });
      this.grantedAt ??= at;
    }
    if (type === "revoke") this.close(at, data.scopes);
  }

  close(at, scopes) {
    for (const grant of this.grants) {
      if (grant.to === null && (!scopes || scopes.includes(grant.scope))) grant.to = at;
    }
  }

  endData(reason) {
    const { invitation, certificate } = this.checked;
    const now = this.utcMs();
    this.close(now);
    return {
      reason, duration_ms: this.grantedAt === null ? 0 : Math.max(0, now - this.grantedAt),
      agent: { id: certificate.agentId, name: certificate.name }, org_id: invitation.orgId, org_key: b64(this.pin.key),
      ticket: invitation.ticketId, ticket_no: invitation.ticketNo, requester: invitation.requesterId,
      mode: "browser",
      limit: "The server delivered the page that wrote this: it proves nothing against that server.",
      target_kind: this.targetKind, consented_at: this.consentedAt, grants: this.grants,
      sas: { number: this.number, confirmed: this.confirmed ? "voice" : "no" },
      path: this.path, frames_sent: this.frames, reconnects: this.reconnects,
    };
  }

  receipt(countersignature = null) {
    return utf8(JSON.stringify({
      v: 1, kind: "deskside-receipt", org_key: b64(this.pin.key), session_key: b64(this.session.public),
      invitation: this.checked.signed.toText(), entries: this.entries.map((entry) => entry.text),
      countersignature: countersignature && b64(countersignature),
    }, null, 1));
  }

  // Returns the complete receipt if this is the agent's countersignature of it, else null.
  async countersigned(value) {
    let signature;
    try {
      signature = unb64(value);
    } catch {
      return null;
    }
    const key = this.checked.certificate.deviceKey;
    const ended = this.entries.at(-1)?.type === "end";
    const good = ended && (await verify(key, signature, lp(RECEIPT_LABEL, lp(this.head))));
    return good ? this.receipt(signature) : null;
  }
}
