// SPDX-License-Identifier: GPL-3.0-or-later
// One end of a session by werift, a WebRTC stack in TypeScript that shares no line with ours. Orders come as lines of
// JSON on stdin, what happens goes to stdout in the same form. The argument: our channels, {name: {id, ordered, reliable}}.
'use strict'

const readline = require('node:readline')
const { RTCPeerConnection, RTCRtpCodecParameters, MediaStreamTrack, RtpPacket, RtpHeader, H264RtpPayload, useH264,
  useVP8 } = require('werift')
const { DepacketizeBase, JitterBufferBase } = require('werift/nonstandard')

const channels = JSON.parse(process.argv[2])
const open = {}
const orders = {}
let pc, transceiver, track
let keyframesAsked = 0

const tell = (kind, words) => process.stdout.write(`${JSON.stringify({ t: kind, ...words })}\n`)

function told(name, channel) {
  channel.stateChanged.subscribe((state) => tell('channel', { channel: name, state }))
  return channel
}

// --- connection ---------------------------------------------------------------------------------------------------

function begin({ codec }) {
  const rtx = new RTCRtpCodecParameters({ mimeType: 'video/rtx', clockRate: 90000 })
  const video = [codec === 'VP8' ? useVP8() : useH264(), rtx]
  pc = new RTCPeerConnection({
    codecs: { video }, iceServers: [], bundlePolicy: 'max-bundle', iceUseIpv6: false,
    iceAdditionalHostAddresses: ['127.0.0.1'],
  })
  for (const [name, { id, ordered, reliable }] of Object.entries(channels)) {
    const limit = reliable ? {} : { maxRetransmits: 0 }
    const channel = pc.createDataChannel(name, { ordered, id, negotiated: true, ...limit })
    channel.onMessage.subscribe((data) => {
      const text = typeof data === 'string'
      tell('message', { channel: name, text, data: text ? data : data.toString('base64') })
    })
    open[name] = told(name, channel)
  }
  pc.connectionStateChange.subscribe((state) => tell('connection', { state }))
}

const whole = () => tell('description', { kind: pc.localDescription.type, sdp: pc.localDescription.sdp })

orders.answer = async ({ sdp, ...how }) => {
  begin(how)
  pc.onRemoteTransceiverAdded.subscribe((added) => {
    transceiver = added
    added.onTrack.subscribe(receive)
  })
  await pc.setRemoteDescription({ type: 'offer', sdp })
  await pc.setLocalDescription(await pc.createAnswer())
  whole()
}

orders.offer = async (how) => {
  begin(how)
  track = new MediaStreamTrack({ kind: 'video' })
  transceiver = pc.addTransceiver(track, { direction: 'sendonly' })
  transceiver.sender.onPictureLossIndication.subscribe(() => tell('keyframe', { asked: (keyframesAsked += 1) }))
  await pc.setLocalDescription(await pc.createOffer())
  whole()
}

orders.more = ({ channel }) => told(channel, pc.createDataChannel(channel))
orders.accept = ({ sdp }) => pc.setRemoteDescription({ type: 'answer', sdp })
orders.send = ({ channel, text, data }) => open[channel].send(text ? data : Buffer.from(data, 'base64'))
orders.stats = async () => {
  const report = [...(await pc.getStats()).values()]
  const out = report.find((item) => item.type === 'outbound-rtp')
  tell('stats', { sent_again: (out && out.retransmittedPacketsSent) || 0 })
}

// --- pictures -----------------------------------------------------------------------------------------------------

// through werift's own jitter buffer and depacketiser; what it gave up on is asked for as a whole picture
function receive(incoming) {
  const order = new JitterBufferBase(90000, { latency: 500 })
  const whole = { isFinalPacketInSequence: (header) => H264RtpPayload.isDetectedFinalPacketInSequence(header) }
  const frames = new DepacketizeBase('MPEG4/ISO/AVC', whole)
  incoming.onReceiveRtp.subscribe((rtp) => {
    for (const item of order.processInput({ rtp })) {
      if (item.isPacketLost) transceiver.receiver.sendRtcpPLI(incoming.ssrc)
      for (const { frame } of item.rtp ? frames.processInput({ rtp: item.rtp }) : []) {
        if (frame) tell('frame', { data: frame.data.toString('base64') })
      }
    }
  })
}

// frames: lists of RTP payloads; again from the first, a whole picture, when one is asked for and at the end
orders.play = ({ frames, fps, from }) => {
  let at = from, sequence = 0, timestamp = 0
  const restart = () => { at = 0 }
  transceiver.sender.onPictureLossIndication.subscribe(restart)
  setInterval(() => {
    const payloads = frames[at % frames.length]
    at += 1
    timestamp += Math.round(90000 / fps)
    payloads.forEach((payload, index) => {
      sequence = (sequence + 1) & 0xffff
      const marker = index === payloads.length - 1
      const header = new RtpHeader({ sequenceNumber: sequence, timestamp, payloadType: 96, ssrc: 1, marker })
      track.writeRtp(new RtpPacket(header, Buffer.from(payload, 'base64')))
    })
  }, 1000 / fps)
}

// --- orders -------------------------------------------------------------------------------------------------------

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
  const { do: what, ...words } = JSON.parse(line)
  try {
    await orders[what](words)
  } catch (error) {
    tell('failed', { what, why: String(error.stack) })
  }
}).on('close', () => process.exit(0))
