// SPDX-License-Identifier: GPL-3.0-or-later
// Pointer and drawings of the agent: bounded in number, rate and time.

export const UNIT = 65_535;
const MARKS_MAX = 64;
const POINTS_MAX = 512;
const POINTER_LIFE_MS = 3_000;
const TTL_MAX_S = 60;

class Bucket {
  constructor(perSecond, atOnce) {
    Object.assign(this, { rate: perSecond, most: atOnce, left: atOnce, at: null });
  }

  take(now) {
    const passed = this.at === null ? 0 : Math.max(0, now - this.at);
    this.at = now;
    this.left = Math.min(this.most, this.left + (passed * this.rate) / 1000);
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}

export class Board {
  constructor() {
    this.pointer = null;
    this.pointerUntil = 0;
    this.marks = new Map();
    this.markRate = new Bucket(30, 60);
    this.pointerRate = new Bucket(60, 180);
  }

  point(at, now) {
    if (!this.pointerRate.take(now)) return false;
    this.pointer = at;
    this.pointerUntil = now + POINTER_LIFE_MS;
    return true;
  }

  add(mark, now) {
    if (!this.markRate.take(now) || (!this.marks.has(mark.id) && this.marks.size >= MARKS_MAX)) return false;
    this.marks.set(mark.id, { ...mark, until: mark.ttl ? now + mark.ttl * 1000 : Infinity });
    return true;
  }

  remove(id, now) {
    if (!this.markRate.take(now)) return false;
    this.marks.delete(id);
    return true;
  }

  clear() {
    const showed = this.pointer !== null || this.marks.size > 0;
    this.pointer = null;
    this.marks.clear();
    return showed;
  }

  tick(now) {
    let changed = false;
    for (const [id, mark] of this.marks) if (mark.until <= now) changed = this.marks.delete(id) || changed;
    if (this.pointer !== null && now >= this.pointerUntil) {
      this.pointer = null;
      changed = true;
    }
    return changed;
  }
}

const whole = (value, most) => Number.isInteger(value) && value >= 0 && value <= most;
const place = (point) => Array.isArray(point) && point.length === 2 && point.every((step) => whole(step, UNIT));

// Returns a message of `ptr`, or null when it is none.
export function readPointer(buffer) {
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength !== 6) return null;
  const view = new DataView(buffer);
  if (view.getUint8(0) !== 0x30) return null;
  return { at: view.getUint8(5) ? [view.getUint16(1), view.getUint16(3)] : null };
}

// Returns a message of `ann`, or null when it is none.
export function readMark(data) {
  let message;
  try {
    message = typeof data === "string" && data.length <= 16 * 1024 ? JSON.parse(data) : null;
  } catch {
    return null;
  }
  if (typeof message !== "object" || message === null) return null;
  if (message.t === "clear") return message;
  if (!whole(message.id, 0xffff_ffff)) return null;
  if (message.t === "remove") return message;
  const { kind, points, colour, ttl } = message;
  const known = message.t === "add" && ["pen", "box", "arrow"].includes(kind);
  const form = Array.isArray(points) && points.length >= 1 && points.length <= POINTS_MAX && points.every(place);
  if (!known || !form || (kind !== "pen" && points.length !== 2)) return null;
  return whole(colour, 0xff_ffff) && whole(ttl, TTL_MAX_S) ? message : null;
}
