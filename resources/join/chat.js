// SPDX-License-Identifier: GPL-3.0-or-later
// Chat of a session: what both wrote, numbered, so that nothing is shown twice and nothing is lost on a break.

export const CHARS_MAX = 4_000;
export const LINES_MAX = 500; // of each end, in one session
export const WAITING_MAX = 20; // texts that the other end has not got, or that nobody here wanted to see yet
const ID_MAX = 2 ** 32 - 1;

// Control characters but tab and line end, halves of a pair, what turns the writing round, and what nobody can see.
const HIDDEN = /[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\u{e0000}-\u{e007f}]/gu;
const LINE_END = /\r\n|[\r\v\f\x85\u2028\u2029]/g;

export const tidied = (text) => text.replace(LINE_END, "\n").replace(HIDDEN, "");

// Counted as the desktop programs count: by characters, not by halves of a pair.
export const lengthOf = (text) => (text.length > 2 * CHARS_MAX ? text.length : [...text].length);

// Whether a message of the agent has the form of a text, or of the answer to one.
export const isText = ({ n, text }) =>
  Number.isInteger(n) && n >= 1 && n <= ID_MAX && typeof text === "string" && text !== "" && lengthOf(text) <= CHARS_MAX;
export const isGot = ({ n }) => Number.isInteger(n) && n >= 0 && n < 2 ** 32;

export class ChatBook {
  constructor() {
    Object.assign(this, { lines: [], said: 0, gotUpTo: 0, heardUpTo: 0 });
  }

  // Writes a text; false for an empty one, one too many or one that is too long.
  say(raw, at) {
    const text = tidied(raw).trim();
    const waits = this.said - this.gotUpTo >= WAITING_MAX;
    if (!text || lengthOf(text) > CHARS_MAX || this.said >= LINES_MAX || waits) return false;
    this.said += 1;
    this.lines.push({ mine: true, n: this.said, text, at, sent: false });
    return true;
  }

  // The own texts behind this number that the agent has not confirmed.
  after(n) {
    return this.lines.filter((line) => line.mine && line.n > Math.max(n, this.gotUpTo));
  }

  got(number) {
    const n = Math.min(number, this.said);
    if (n <= this.gotUpTo) return false;
    this.gotUpTo = n;
    for (const line of this.lines) if (line.mine && line.n <= n) line.sent = true;
    return true;
  }

  // The agent wrote; false for what is here already, out of its order, or one too many.
  heard(n, raw, at) {
    if (n !== this.heardUpTo + 1 || n > LINES_MAX) return false;
    this.heardUpTo = n;
    const text = tidied(raw).trim();
    if (text) this.lines.push({ mine: false, n, text, at, sent: true });
    return true;
  }
}
