// SPDX-License-Identifier: GPL-3.0-or-later
// Bytes as signatures cover them and as JSON and the live socket carry them.

const encoder = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const utf8 = (text) => encoder.encode(text);
export const text = (bytes) => strict.decode(bytes);
export const random = (count) => crypto.getRandomValues(new Uint8Array(count));

export function join(...parts) {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

// Each field preceded by its length as a big-endian u16; texts are UTF-8, numbers decimal text.
export function lp(...fields) {
  return join(...fields.flatMap((field) => {
    const raw = field instanceof Uint8Array ? field : utf8(String(field));
    if (raw.length > 0xffff) throw new RangeError("field too long");
    return [Uint8Array.of(raw.length >> 8, raw.length & 0xff), raw];
  }));
}

export const digest = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
export const sha256 = (...fields) => digest(lp(...fields));

export function b64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

// Undoes b64 and refuses whatever b64 would not have written.
export function unb64(value) {
  if (typeof value !== "string" || !/^[A-Za-z0-9_-]*$/.test(value)) throw new SyntaxError("base64url");
  const binary = atob(value.replaceAll("-", "+").replaceAll("_", "/"));
  const out = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  if (b64(out) !== value) throw new SyntaxError("base64url");
  return out;
}

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function unhex(value) {
  if (!/^([0-9a-f]{2})*$/i.test(value)) throw new SyntaxError("hex");
  return Uint8Array.from(value.match(/../g) ?? [], (pair) => parseInt(pair, 16));
}

export function equal(one, two) {
  if (one.length !== two.length) return false;
  let difference = 0;
  for (let n = 0; n < one.length; n += 1) difference |= one[n] ^ two[n];
  return difference === 0;
}

// --- MessagePack, as far as the live socket speaks it: maps, texts, bytes, whole numbers, lists, flags, nothing ------

export function pack(value) {
  if (value === null || value === undefined) return Uint8Array.of(0xc0);
  if (typeof value === "boolean") return Uint8Array.of(value ? 0xc3 : 0xc2);
  if (typeof value === "number") return packedNumber(value);
  if (typeof value === "string") {
    const raw = utf8(value);
    return join(raw.length < 32 ? Uint8Array.of(0xa0 | raw.length) : sized(0xd9, raw.length), raw);
  }
  if (value instanceof Uint8Array) return join(sized(0xc4, value.length), value);
  const items = Object.entries(value);
  if (items.length > 15) throw new RangeError("too many fields");
  return join(Uint8Array.of(0x80 | items.length), ...items.flatMap(([name, item]) => [pack(name), pack(item)]));
}

function sized(first, length) {
  if (length < 0x100) return Uint8Array.of(first, length);
  if (length < 0x10000) return Uint8Array.of(first + 1, length >> 8, length & 0xff);
  return Uint8Array.of(first + 2, length >>> 24, (length >> 16) & 0xff, (length >> 8) & 0xff, length & 0xff);
}

function packedNumber(value) {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError("number");
  if (value < 0x80) return Uint8Array.of(value);
  const out = new DataView(new ArrayBuffer(9));
  out.setUint8(0, 0xcf);
  out.setBigUint64(1, BigInt(value));
  return new Uint8Array(out.buffer);
}

export function unpack(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (count) => {
    if (at + count > bytes.length) throw new SyntaxError("MessagePack");
    at += count;
    return at - count;
  };
  const unsigned = (size) => {
    const start = take(size);
    if (size === 1) return view.getUint8(start);
    if (size === 2) return view.getUint16(start);
    return size === 4 ? view.getUint32(start) : Number(view.getBigUint64(start));
  };
  const signed = (size) => {
    const start = take(size);
    if (size === 1) return view.getInt8(start);
    if (size === 2) return view.getInt16(start);
    return size === 4 ? view.getInt32(start) : Number(view.getBigInt64(start));
  };
  const raw = (count) => {
    const start = take(count);
    return bytes.slice(start, start + count);
  };
  const many = (count, read) => {
    if (count > 4096) throw new SyntaxError("MessagePack");
    return Array.from({ length: count }, read);
  };
  const value = (depth) => {
    if (depth > 16) throw new SyntaxError("MessagePack");
    const map = (count) => Object.fromEntries(many(count, () => [String(value(depth + 1)), value(depth + 1)]));
    const list = (count) => many(count, () => value(depth + 1));
    const kind = unsigned(1);
    if (kind < 0x80) return kind;
    if (kind < 0x90) return map(kind & 0x0f);
    if (kind < 0xa0) return list(kind & 0x0f);
    if (kind < 0xc0) return text(raw(kind & 0x1f));
    if (kind >= 0xe0) return kind - 0x100;
    switch (kind) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: case 0xc5: case 0xc6: return raw(unsigned(1 << (kind - 0xc4)));
      case 0xca: return view.getFloat32(take(4));
      case 0xcb: return view.getFloat64(take(8));
      case 0xcc: case 0xcd: case 0xce: case 0xcf: return unsigned(1 << (kind - 0xcc));
      case 0xd0: case 0xd1: case 0xd2: case 0xd3: return signed(1 << (kind - 0xd0));
      case 0xd9: case 0xda: case 0xdb: return text(raw(unsigned(1 << (kind - 0xd9))));
      case 0xdc: case 0xdd: return list(unsigned(kind === 0xdc ? 2 : 4));
      case 0xde: case 0xdf: return map(unsigned(kind === 0xde ? 2 : 4));
      default: throw new SyntaxError("MessagePack");
    }
  };
  const found = value(0);
  if (at !== bytes.length) throw new SyntaxError("MessagePack");
  return found;
}
