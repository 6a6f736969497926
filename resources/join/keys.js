// SPDX-License-Identifier: GPL-3.0-or-later
// Ed25519, X25519, HMAC, HKDF and AES-GCM by WebCrypto alone. A browser without them cannot open this page.

import { equal, join, unhex } from "./bytes.js";

const PKCS8 = { Ed25519: unhex("302e020100300506032b657004220420"), X25519: unhex("302e020100300506032b656e04220420") };
const USES = { Ed25519: ["sign"], X25519: ["deriveBits"] };

// Return whether this browser has what the session needs.
export async function works() {
  try {
    const pair = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
    await crypto.subtle.sign("Ed25519", pair.privateKey, Uint8Array.of(1));
    await crypto.subtle.generateKey("X25519", false, ["deriveBits"]);
    localStorage.setItem("deskside.works", "1"); // where invitations that were opened are remembered
    localStorage.removeItem("deskside.works");
    return true;
  } catch {
    return false;
  }
}

export async function makePair(kind) {
  const uses = kind === "Ed25519" ? ["sign", "verify"] : ["deriveBits"];
  const pair = await crypto.subtle.generateKey(kind, false, uses);
  return { private: pair.privateKey, public: new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey)) };
}

// For the shared vectors: a private key of 32 bytes.
export const privateKey = (kind, bytes) =>
  crypto.subtle.importKey("pkcs8", join(PKCS8[kind], bytes), kind, false, USES[kind]);

export async function verify(publicKey, signature, bytes) {
  try {
    const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
    return await crypto.subtle.verify("Ed25519", key, signature, bytes);
  } catch {
    return false;
  }
}

export const sign = async (key, bytes) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, bytes));

// Throws for a public key that gives nothing but zeros.
export async function agree(own, publicKey) {
  const other = await crypto.subtle.importKey("raw", publicKey, "X25519", false, []);
  const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: other }, own, 256));
  if (equal(shared, new Uint8Array(32))) throw new Error("useless public key");
  return shared;
}

export async function hmac(secret, bytes) {
  const key = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes));
}

export async function expand(shared, salt, info, size) {
  const key = await crypto.subtle.importKey("raw", shared, "HKDF", false, ["deriveBits"]);
  const how = { name: "HKDF", hash: "SHA-256", salt, info };
  return new Uint8Array(await crypto.subtle.deriveBits(how, key, size * 8));
}

export const sealKey = (bytes) => crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);

export const seal = async (key, iv, plain, additionalData) =>
  new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData }, key, plain));

export const unseal = async (key, iv, sealed, additionalData) =>
  new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv, additionalData }, key, sealed));
