// SPDX-License-Identifier: GPL-3.0-or-later
// One peer connection of one epoch: fixed data channels, one video section, and nothing that contacts anybody else.

import { unhex } from "./bytes.js";

const CHANNELS = {
  ctl: [0, true, true], hb: [1, false, false], fb: [2, false, false], cur: [3, false, false], ptr: [4, false, false],
  inp: [5, true, true], ann: [6, true, true], tile: [7, true, true], file: [8, true, true], clip: [9, true, true],
  diag: [10, true, true],
};
const GATHER_MS = 2_000;
const GATHER_RELAYED_MS = 3_500;
const BITS = 8_000_000;
const CANDIDATES_MAX = 20;

export const makeCertificate = () => RTCPeerConnection.generateCertificate({ name: "ECDSA", namedCurve: "P-256" });

// Returns the one SHA-256 fingerprint of a description, 32 bytes. Throws unless there is exactly one.
export function fingerprintOf(sdp) {
  const found = new Set([...sdp.matchAll(/^a=fingerprint:(.*)$/gm)].map((match) => match[1].trim().toLowerCase()));
  const [one] = found;
  if (found.size !== 1 || !/^sha-256 ([0-9a-f]{2}:){31}[0-9a-f]{2}$/.test(one)) throw new Error("fingerprint");
  return unhex(one.slice(8).replaceAll(":", ""));
}

// Returns the agent's answer as it may be used. Throws for what breaks a rule.
export function checkAnswer(sdp, relayOnly) {
  if (sdp.length > 16 * 1024) throw new Error("size");
  const sections = sdp.split(/^(?=m=)/m);
  const kinds = sections.slice(1).map((section) => section.split(" ")[0]).sort().join();
  if (kinds !== "m=application,m=video" || /^m=\S+ 0 /m.test(sdp)) throw new Error("sections");
  const video = sections.find((section) => section.startsWith("m=video"));
  if (!/^a=recvonly\r?$/m.test(video) || /^a=(sendrecv|sendonly|inactive)\r?$/m.test(sdp)) throw new Error("direction");
  if (!/^a=rtpmap:\d+ rtx\/90000\r?$/im.test(video)) throw new Error("retransmission");
  for (const [, name] of video.matchAll(/^a=rtpmap:\d+ ([^/]+)\//gm)) {
    if (!["VP8", "H264", "RTX"].includes(name.toUpperCase())) throw new Error("codec");
  }
  if ((sdp.match(/^a=candidate/gm) ?? []).length > CANDIDATES_MAX) throw new Error("candidates");
  fingerprintOf(sdp);
  return relayOnly ? sdp.replace(/^a=candidate:(?!.* typ relay).*\r?\n/gm, "") : sdp;
}

function codecs() {
  const all = RTCRtpSender.getCapabilities("video").codecs;
  const h264 = (codec) => /packetization-mode=1/.test(codec.sdpFmtpLine) && /profile-level-id=42e01f/i.test(codec.sdpFmtpLine);
  const of = (name) => all.filter((codec) => codec.mimeType.toLowerCase() === `video/${name}`);
  return [...of("vp8"), ...of("h264").filter(h264), ...of("rtx")];
}

export class Peer {
  // `on`: open(peer), message(peer, channel, data), failed(peer).
  constructor(epoch, rung, servers, relayOnly, certificate, on) {
    Object.assign(this, { epoch, rung, relayOnly, on, heardAt: 0, helloSent: false, helloGot: false });
    const iceTransportPolicy = relayOnly ? "relay" : "all";
    const how = { iceServers: servers, iceTransportPolicy, bundlePolicy: "max-bundle", certificates: [certificate] };
    this.pc = new RTCPeerConnection(how);
    this.channels = {};
    for (const [name, [id, ordered, reliable]] of Object.entries(CHANNELS)) {
      const options = { negotiated: true, id, ordered, ...(reliable ? {} : { maxRetransmits: 0 }) };
      const channel = this.pc.createDataChannel(name, options);
      channel.binaryType = "arraybuffer";
      channel.onmessage = (event) => this.received(name, event.data);
      this.channels[name] = channel;
    }
    this.channels.ctl.onopen = () => on.open(this);
    this.pc.ondatachannel = (event) => event.channel.close();
    this.pc.onconnectionstatechange = () => this.pc.connectionState === "failed" && on.failed(this);
    const sendEncodings = [{ maxBitrate: BITS }];
    this.transceiver = this.pc.addTransceiver("video", { direction: "sendonly", sendEncodings });
    this.transceiver.setCodecPreferences(codecs());
    this.wanted = null; // what is to leave
    this.shown = null; // what leaves
    this.showing = null; // while it changes
  }

  get connected() {
    return this.channels.ctl.readyState === "open";
  }

  // Makes the offer and returns its fingerprint; candidates are still being gathered.
  async begin() {
    await this.pc.setLocalDescription(await this.pc.createOffer());
    return fingerprintOf(this.pc.localDescription.sdp);
  }

  // Returns the whole offer, with the candidates found until now at the latest.
  async offer() {
    const most = this.relayOnly ? GATHER_RELAYED_MS : GATHER_MS;
    await new Promise((done) => {
      const check = () => this.pc.iceGatheringState === "complete" && done();
      this.pc.onicegatheringstatechange = check;
      setTimeout(done, most);
      check();
    });
    let left = CANDIDATES_MAX;
    return this.pc.localDescription.sdp.split("\r\n").filter((line) => {
      if (!line.startsWith("a=candidate:")) return !line.startsWith("a=end-of-candidates");
      const wanted = / udp /i.test(line) && (!this.relayOnly || line.includes(" typ relay"));
      return wanted && left-- > 0;
    }).join("\r\n");
  }

  answered(sdp) {
    return this.pc.setRemoteDescription({ type: "answer", sdp });
  }

  // Lets the picture leave, or nothing at all. The newest wish wins, also one that comes while an older one is being
  // carried out: the sender's own track is then still that of the wish before. Done when the newest is carried out.
  async show(track) {
    this.wanted = track;
    if (this.shown === track && !this.showing) return;
    this.showing ??= this.follow();
    await this.showing;
  }

  async follow() {
    try {
      do {
        const track = this.wanted;
        this.shown = undefined; // not known until it is done, nor after it failed
        await this.transceiver.sender.replaceTrack(track);
        this.shown = track;
        if (track) await this.sharpen();
      } while (this.shown !== this.wanted);
    } finally {
      this.showing = null;
    }
  }

  async sharpen() {
    const { sender } = this.transceiver;
    const parameters = sender.getParameters();
    parameters.degradationPreference = "maintain-resolution";
    if (parameters.encodings[0]) parameters.encodings[0].maxBitrate = BITS;
    await sender.setParameters(parameters).catch(() => undefined);
  }

  say(message) {
    return this.send("ctl", JSON.stringify(message));
  }

  send(name, data) {
    const channel = this.channels[name];
    if (channel.readyState !== "open" || channel.bufferedAmount > 1 << 20) return false;
    channel.send(data);
    return true;
  }

  received(name, data) {
    this.heardAt = performance.now();
    if (name === "hb") this.pong(data);
    else if (name !== "fb") this.on.message(this, name, data);
  }

  pong(data) {
    if (!(data instanceof ArrayBuffer) || data.byteLength !== 13 || new Uint8Array(data)[0] !== 1) return;
    const out = new DataView(new ArrayBuffer(29));
    new Uint8Array(out.buffer).set(new Uint8Array(data));
    out.setUint8(0, 2);
    const now = BigInt(Math.round(performance.now() * 1000));
    out.setBigUint64(13, now);
    out.setBigUint64(21, now);
    this.send("hb", out.buffer);
  }

  // {frames, path, width, height}: what left by this connection so far, and how.
  async stats() {
    const found = { frames: 0, path: "" };
    const report = await this.pc.getStats();
    for (const item of report.values()) {
      if (item.type === "outbound-rtp" && item.kind === "video") {
        Object.assign(found, { frames: item.framesSent ?? 0, width: item.frameWidth, height: item.frameHeight });
      }
      if (item.type === "transport" && item.selectedCandidatePairId) {
        const pair = report.get(item.selectedCandidatePairId);
        const ends = [report.get(pair?.localCandidateId), report.get(pair?.remoteCandidateId)];
        found.path = ends.some((end) => end?.candidateType === "relay") ? "relay" : "direct";
      }
    }
    return found;
  }

  close() {
    this.transceiver.sender.replaceTrack(null).catch(() => undefined);
    this.pc.close();
  }
}
