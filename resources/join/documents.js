// SPDX-License-Identifier: GPL-3.0-or-later
// Signed documents: the signature covers the exact bytes and is checked before anything is read. And everything that is
// checked before an invitation is shown.

import { b64, digest, equal, hex, lp, text, unb64, utf8 } from "./bytes.js";
import { sign, verify } from "./keys.js";

const TOLERANCE_MS = 5 * 60_000;
const CERTIFICATE_MAX_MS = 7 * 24 * 3_600_000;
const LIFE_MS = 600_000;
const DAY_MS = 24 * 3_600_000;
const DOCUMENT_MAX = 32 * 1024;

export class Bad extends Error {}

export class Signed {
  constructor(document, signature) {
    if (signature.length !== 64 || document.length > DOCUMENT_MAX) throw new Bad("not a signed document");
    this.document = document;
    this.signature = signature;
  }

  static fromText(value) {
    const [document, signature, ...more] = String(value).split(".");
    try {
      if (signature === undefined || more.length) throw new Bad("not a signed document");
      return new Signed(unb64(document), unb64(signature));
    } catch {
      throw new Bad("not a signed document");
    }
  }

  static fromParts(document, signature) {
    try {
      return new Signed(utf8(document), unb64(signature));
    } catch {
      throw new Bad("not a signed document");
    }
  }

  static async make(key, label, fields) {
    const document = utf8(JSON.stringify(fields));
    return new Signed(document, await sign(key, lp(label, document)));
  }

  toText() {
    return `${b64(this.document)}.${b64(this.signature)}`;
  }

  async open(label, publicKey) {
    if (!(await verify(publicKey, this.signature, lp(label, this.document)))) throw new Bad("signature");
    const fields = this.peek();
    if (fields.v !== 1) throw new Bad("version");
    return fields;
  }

  // Reads what nobody has vouched for yet.
  peek() {
    let fields;
    try {
      fields = JSON.parse(text(this.document));
    } catch {
      throw new Bad("not JSON");
    }
    if (typeof fields !== "object" || fields === null || Array.isArray(fields)) throw new Bad("not an object");
    return fields;
  }
}

const textOf = (fields, name, most) => {
  const value = fields[name];
  if (typeof value !== "string" || Array.from(value).length > most) throw new Bad(name);
  return value;
};
const numberOf = (fields, name, low = 0, high = 2 ** 53) => {
  const value = fields[name];
  if (!Number.isInteger(value) || value < low || value > high) throw new Bad(name);
  return value;
};
const bytesOf = (fields, name, size) => {
  try {
    const raw = unb64(fields[name]);
    if (raw.length === size) return raw;
  } catch { /* said below */ }
  throw new Bad(name);
};
const textsOf = (fields, name, most = 64) => {
  const value = fields[name];
  const good = Array.isArray(value) && value.length <= most;
  if (!good || !value.every((item) => typeof item === "string" && item.length <= 64)) throw new Bad(name);
  return value;
};
const flagOf = (fields, name) => {
  if (typeof fields[name] !== "boolean") throw new Bad(name);
  return fields[name];
};
const innerOf = (fields, name) => {
  if (typeof fields[name] !== "object" || fields[name] === null) throw new Bad(name);
  return fields[name];
};

async function readCertificate(signed, organisationKey) {
  const fields = await signed.open("deskside-cert-1", organisationKey);
  const certificate = {
    orgId: textOf(fields, "org_id", 64), serial: textOf(fields, "serial", 64), agentId: textOf(fields, "agent_id", 64),
    name: textOf(fields, "name", 120), team: textOf(fields, "team", 120), deviceKey: bytesOf(fields, "device_key", 32),
    notBefore: numberOf(fields, "not_before"), notAfter: numberOf(fields, "not_after"),
    scopesMax: textsOf(fields, "scopes_max"),
  };
  const life = certificate.notAfter - certificate.notBefore;
  if (life <= 0 || life > CERTIFICATE_MAX_MS || !certificate.name.trim()) throw new Bad("certificate");
  return certificate;
}

async function readInvitation(signed, organisationKey) {
  const inside = Signed.fromText(textOf(signed.peek(), "agent_cert", 8192));
  const certificate = await readCertificate(inside, organisationKey);
  const fields = await signed.open("deskside-invitation-1", certificate.deviceKey);
  const policy = innerOf(fields, "policy");
  const invitation = {
    iid: bytesOf(fields, "iid", 16), sid: bytesOf(fields, "sid", 16), orgId: textOf(fields, "org_id", 64),
    ticketId: textOf(fields, "ticket_id", 64), ticketNo: textOf(fields, "ticket_no", 32),
    subject: textOf(fields, "subject", 120), requesterId: textOf(innerOf(fields, "requester"), "id", 64),
    joinHash: bytesOf(fields, "join_hash", 32), modes: textsOf(fields, "modes", 4),
    scopesMax: textsOf(fields, "scopes_max"), created: numberOf(fields, "created"),
    notAfter: numberOf(fields, "not_after"),
    policy: {
      relayOnly: flagOf(policy, "relay_only"), idleS: numberOf(policy, "idle_s", 1, 86_400),
      hardS: numberOf(policy, "hard_s", 1, 86_400), fpsMax: numberOf(policy, "fps_max", 1, 240),
    },
  };
  const life = invitation.notAfter - invitation.created;
  if (life <= 0 || life > LIFE_MS) throw new Bad("life");
  if (!invitation.requesterId || !invitation.ticketId) throw new Bad("ticket");
  if (invitation.orgId !== certificate.orgId) throw new Bad("organisation");
  if (!invitation.scopesMax.every((scope) => certificate.scopesMax.includes(scope))) throw new Bad("scopes");
  return { invitation, certificate };
}

async function checkRevocations(signed, pin, certificate, now) {
  const fields = await signed.open("deskside-revocations-1", pin.key);
  const named = { serials: certificate.serial, keys: b64(certificate.deviceKey), agents: certificate.agentId };
  const revoked = Object.entries(named).some(([list, name]) => textsOf(fields, list, 2000).includes(name));
  if (textOf(fields, "org_id", 64) !== pin.orgId || revoked) throw new Bad("revoked");
  if (now - numberOf(fields, "made") > DAY_MS) throw new Bad("revocation list");
}

// Return what may be shown. `seen` tells whether an invitation was opened here before, and remembers it.
export async function checkInvitation(signed, joinSecret, pin, revocations, seen, now) {
  const { invitation, certificate } = await readInvitation(signed, pin.key);
  const valid = certificate.notBefore - TOLERANCE_MS <= now && now < certificate.notAfter + TOLERANCE_MS;
  if (certificate.orgId !== pin.orgId || !valid) throw new Bad("certificate");
  await checkRevocations(revocations, pin, certificate, now);
  if (invitation.orgId !== pin.orgId) throw new Bad("organisation");
  if (now < invitation.created - TOLERANCE_MS || now >= invitation.notAfter) throw new Bad("time");
  if (!equal(await digest(joinSecret), invitation.joinHash)) throw new Bad("join secret");
  if (!invitation.modes.includes("browser") || !invitation.scopesMax.includes("view")) throw new Bad("scopes");
  if (!seen(hex(invitation.iid), invitation.notAfter + DAY_MS, now)) throw new Bad("used");
  return { signed, invitation, certificate, joinSecret, inviteHash: await digest(signed.document) };
}

// The key's SHA-256 as people compare it: eight groups of four.
export async function fingerprint(key) {
  return hex(await digest(key)).toUpperCase().slice(0, 32).match(/.{4}/g).join(" ");
}
