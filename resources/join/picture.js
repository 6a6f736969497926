// SPDX-License-Identifier: GPL-3.0-or-later
// The customer's own picture, and what the agent shows on it.

import { make } from "./dom.js";
import { UNIT } from "./marks.js";
import { say } from "./words.js";

let canvas = null;
export function picture(customer) {
  const video = make("video", { muted: true, autoplay: true, playsInline: true });
  video.setAttribute("aria-label", say("previewSelf"));
  video.srcObject = customer.stream;
  canvas = make("canvas");
  canvas.setAttribute("aria-hidden", "true");
  video.addEventListener("resize", () => paint(customer.board));
  queueMicrotask(() => paint(customer.board));
  return make("div", { className: "picture" }, video, canvas);
}

export function paint(board) {
  const video = canvas?.previousElementSibling;
  if (!video) return;
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = globalThis.devicePixelRatio || 1;
  Object.assign(canvas, { width: Math.round(width * ratio), height: Math.round(height * ratio) });
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  const scale = Math.min(width / (video.videoWidth || width), height / (video.videoHeight || height));
  const [wide, high] = [(video.videoWidth || width) * scale, (video.videoHeight || height) * scale];
  const at = ([x, y]) => [(width - wide) / 2 + (x / UNIT) * wide, (height - high) / 2 + (y / UNIT) * high];
  Object.assign(pen, { lineWidth: 3, lineCap: "round", lineJoin: "round" });
  for (const mark of board.marks.values()) line(pen, mark, mark.points.map(at));
  if (board.pointer) spot(pen, at(board.pointer));
}

function line(pen, { kind, colour }, points) {
  pen.strokeStyle = `#${colour.toString(16).padStart(6, "0")}`;
  pen.beginPath();
  const [first, ...rest] = points;
  if (kind === "box") {
    const [[left, top], [right, bottom]] = points;
    pen.rect(left, top, right - left, bottom - top);
  } else {
    pen.moveTo(...first);
    for (const point of rest.length ? rest : [first]) pen.lineTo(...point);
  }
  if (kind === "arrow") {
    const [[x1, y1], [x2, y2]] = points;
    const way = Math.atan2(y2 - y1, x2 - x1);
    for (const turn of [2.6, -2.6]) {
      pen.moveTo(x2, y2);
      pen.lineTo(x2 + 12 * Math.cos(way + turn), y2 + 12 * Math.sin(way + turn));
    }
  }
  pen.stroke();
}

function spot(pen, [x, y]) {
  for (const [radius, colour] of [[11, "#fff"], [8, "#d93025"]]) {
    pen.beginPath();
    pen.fillStyle = colour;
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.fill();
  }
}
