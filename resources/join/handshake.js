// SPDX-License-Identifier: GPL-3.0-or-later
// Commit-then-reveal with a check number of six digits, as in the desktop programs; the vectors are shared with them.

import { lp, random, sha256, utf8 } from "./bytes.js";
import { agree, expand, makePair } from "./keys.js";

const LABEL = "deskside-sas-1";

export function showNumber(bytes) {
  const digits = (new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0) % 1_000_000n).toString();
  const six = digits.padStart(6, "0");
  return `${six.slice(0, 3)} ${six.slice(3)}`;
}

const sized = (value) => {
  if (!(value instanceof Uint8Array) || value.length !== 32) throw new Error("value of the wrong size");
  return value;
};

// `binding`: inviteHash, sid, agentDeviceKey, customerSessionKey. `fixed` is given by tests alone.
export class CustomerHandshake {
  static async make(binding, fingerprint, fixed) {
    const self = new CustomerHandshake();
    self.binding = binding;
    const pair = fixed ?? (await makePair("X25519"));
    self.privateKey = pair.private;
    self.reveal = { public: pair.public, nonce: fixed?.nonce ?? random(32), fingerprint: sized(fingerprint) };
    self.commitment = await sha256(
      `${LABEL} commit`, binding.inviteHash, binding.sid, self.reveal.public, self.reveal.nonce, fingerprint,
    );
    return self;
  }

  // Takes the agent's values and returns the keys. Throws for values that give none.
  async accept(agent) {
    const { binding, reveal } = this;
    const shared = await agree(this.privateKey, sized(agent.public));
    const transcript = await sha256(
      LABEL, binding.inviteHash, binding.sid, binding.agentDeviceKey, binding.customerSessionKey, this.commitment,
      reveal.public, reveal.nonce, reveal.fingerprint, agent.public, sized(agent.nonce), sized(agent.fingerprint),
    );
    const part = (info, size = 32) => expand(shared, transcript, utf8(info), size);
    return {
      sealC2a: await part("seal c2a"), sealA2c: await part("seal a2c"), receipt: await part("receipt"),
      number: showNumber(await part("sas", 8)),
    };
  }
}

// The own number among two others, in random order, none marked.
export function choices(number) {
  const numbers = [number];
  while (numbers.length < 3) {
    const other = showNumber(random(8));
    if (!numbers.includes(other)) numbers.splice(random(1)[0] % (numbers.length + 1), 0, other);
  }
  return numbers;
}

export const joinProofFields = (iid, sessionKey) => lp(iid, sessionKey);
