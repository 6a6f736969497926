// SPDX-License-Identifier: GPL-3.0-or-later
// What the customer sees: the warning, the request, what is shared now, the end. Silence and every default mean no.

import { chatQuestion, numbers, permission, question } from "./asks.js";
import { unb64, unhex } from "./bytes.js";
import { showChat } from "./chat_view.js";
import { ALLOW_WAIT_MS, byId, clock, consentButton, every, heading, make, notice, now, redraw, show, tell, text } from "./dom.js";
import { Bad, checkInvitation, fingerprint, Signed } from "./documents.js";
import { showEnd } from "./ending.js";
import { works } from "./keys.js";
import { call } from "./live.js";
import { picture, paint } from "./picture.js";
import { Talk } from "./talk.js";
import { isKorean, polite, say, speak } from "./words.js";

const SCAM_WAIT_MS = 5_000;
const SEEN = "deskside.opened";
const SHARE = {
  video: { frameRate: { max: 30 } }, audio: false, selfBrowserSurface: "exclude", surfaceSwitching: "include",
};

// --- beginning ----------------------------------------------------------------------------------------------------------

let organisation = null;
let customer = null;

const ticketLabel = (number) => (/^\d+$/.test(number) ? `#${number}` : number);
const nameOf = (org) => (isKorean() ? org.org_name_ko || org.org_name_en : org.org_name_en || org.org_name_ko);

function seen(iid, until, at) {
  let known = {};
  try {
    known = JSON.parse(localStorage.getItem(SEEN) ?? "{}");
  } catch { /* begun anew */ }
  known = Object.fromEntries(Object.entries(known).filter(([, kept]) => kept > at));
  if (iid in known) return false;
  known[iid] = until;
  localStorage.setItem(SEEN, JSON.stringify(known));
  return true;
}

// A link as the agent sends it, of this page or of the Companion, or the part of one behind the mark.
function readLink(words) {
  const companion = /^deskside:\/\/invite\/([0-9a-f]{32})\/?#([\w-]{43})$/i.exec(words.trim());
  const part = companion ? `${companion[1]}.${companion[2]}` : words.slice(words.indexOf("#") + 1).trim();
  const [iid, secret = "", ...more] = part.split(".");
  try {
    if (more.length || unhex(iid).length !== 16 || unb64(secret).length !== 32) return null;
    return { iid, secret: unb64(secret) };
  } catch {
    return null;
  }
}

async function begin() {
  const canShare = typeof navigator.mediaDevices?.getDisplayMedia === "function" && typeof RTCPeerConnection === "function";
  if (!canShare || !(await works())) {
    show(() => [heading("pageTitle"), notice(say("unsupported"), "danger")]);
    return;
  }
  const link = readLink(location.hash);
  history.replaceState(null, "", "/join"); // the secret does not stay in the address
  if (link) open({ iid: link.iid }, link.secret);
  else askCode("");
}

function askCode(problem) {
  show(() => {
    const code = make("input", { id: "code", autocomplete: "off", maxLength: 300, name: "code" });
    code.dataset.first = "";
    code.setAttribute("aria-describedby", problem ? "problem code-help" : "code-help");
    code.setAttribute("aria-invalid", String(Boolean(problem)));
    const told = problem ? [Object.assign(notice(say(problem), "danger"), { id: "problem" })] : [];
    const give = () => {
      const link = readLink(code.value);
      const digits = code.value.replaceAll(/[\s-]/g, "");
      if (link) open({ iid: link.iid }, link.secret);
      else if (/^\d{9}$/.test(digits)) open({ code: digits }, null);
      else askCode("badCode");
    };
    const form = make("form", { className: "card" },
      make("label", { htmlFor: "code", textContent: say("codeLabel") }), code,
      make("p", { id: "code-help", className: "muted small", textContent: say("codeText") }),
      make("button", { className: "primary", textContent: say("codeGo"), onClick: give }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      give();
    });
    return [heading("codeTitle"), ...told, form];
  });
}

async function open(ask, secret) {
  show(() => [text(say("loading"), "muted")]);
  const [org, revoked, redeemed] = await Promise.all([
    call("GET", "/join/organisation"), call("GET", "/session/v1/revocations"),
    call("POST", "/session/v1/redeem", ask),
  ]);
  if (org.status !== 200 || revoked.status !== 200 || redeemed.status === 0) {
    show(() => [heading("pageTitle"), notice(say("unreachable"), "danger")]);
    return;
  }
  if (redeemed.status !== 200) {
    if (ask.code) askCode("badCode");
    else refusedInvitation();
    return;
  }
  organisation = org.body;
  try {
    const pin = { orgId: org.body.org_id, key: unb64(org.body.org_key), mark: "" };
    pin.mark = await fingerprint(pin.key);
    const signed = Signed.fromParts(redeemed.body.invitation, redeemed.body.signature);
    const list = Signed.fromParts(revoked.body.document, revoked.body.signature);
    const joinSecret = secret ?? unb64(redeemed.body.join_secret);
    const checked = await checkInvitation(signed, joinSecret, pin, list, seen, Date.now());
    customer = new Talk(host, checked, redeemed.body.token, pin, platform());
    globalThis.addEventListener("pagehide", () => customer.leave());
    await customer.open();
    warn();
  } catch (error) {
    if (!(error instanceof Bad)) console.warn(error);
    refusedInvitation();
  }
}

const refusedInvitation = () => show(() => [heading("endedTitle"), notice(say("end_bad_invitation"), "danger")]);

function platform() {
  const data = navigator.userAgentData;
  const brand = data?.brands?.find(({ brand: name }) => !/not.?a/i.test(name));
  return `${brand ? `${brand.brand} ${brand.version}, ` : ""}${data?.platform ?? navigator.platform}`.slice(0, 64);
}

// --- the warning and the request ----------------------------------------------------------------------------------------

let warnedAt = null;
function warn() {
  warnedAt ??= now();
  show(() => {
    const no = make("button", { textContent: say("scamNo"), onClick: () => customer.refuse() });
    no.dataset.first = "";
    const yes = consentButton(say("scamYes"), Math.max(0, SCAM_WAIT_MS - (now() - warnedAt)), request);
    const wait = make("span", { className: "time" });
    every(() => {
      const left = Math.max(0, Math.ceil((SCAM_WAIT_MS - (now() - warnedAt)) / 1000));
      wait.textContent = left ? say("scamWait", { n: left }) : "";
    });
    const list = make("ul", { className: "card list" },
      ...["scam1", "scam2", "scam3", "scam4"].map((key) => make("li", { textContent: say(key) })));
    return [heading("scamTitle"), notice(say("scamFirst"), "danger"), list, make("div", { className: "foot" }, no, wait, yes)];
  });
}

let requestedAt = null;
let problem = "";
function request() {
  requestedAt ??= now();
  show(() => {
    const { invitation, certificate } = customer.checked;
    const org = nameOf(organisation);
    const no = make("button", { textContent: say("no"), onClick: () => customer.refuse() });
    no.dataset.first = "";
    const yes = consentButton(say("yes"), Math.max(0, ALLOW_WAIT_MS - (now() - requestedAt)), allow);
    const time = make("span", { className: "time" });
    every(() => {
      const left = (customer.machine.until("prompted") ?? now()) - now();
      time.textContent = say("answerTime", { time: clock(left) });
      if ([60, 30, 10].includes(Math.ceil(left / 1000))) tell(time.textContent);
    });
    const number = ticketLabel(invitation.ticketNo);
    const minutes = Math.floor(customer.machine.limits.hard / 60_000);
    const card = make("div", { className: "card" },
      text(say("who", { name: certificate.name, organisation: org }), "name"),
      text(say("key", { mark: customer.pin.mark }), "key"),
      text(say("ticket", { number, subject: invitation.subject })), text(say("wish"), "strong"));
    const limits = make("ul", { className: "card list" },
      ...[say("picker"), say("notIncluded"), `${say("endsAfter", { n: minutes })} ${say("stopHow")}`].map((words) =>
        make("li", { textContent: words })));
    const parts = [heading("requestTitle"), card, limits, notice(say("warning"), "warning"), trust()];
    if (problem) parts.push(notice(say(problem), "danger"));
    return [...parts, make("div", { className: "foot" }, no, time, yes)];
  });
}

const trust = () =>
  make("p", { className: "muted small", textContent: `${say("trust", { organisation: nameOf(organisation) })} ${say("trustReceipt")}` });

// The browser's own window asks what to show; nothing leaves before it is answered and the consent is written.
async function allow(event) {
  event.currentTarget.disabled = true;
  let stream;
  try {
    stream = await navigator.mediaDevices.getDisplayMedia(SHARE);
  } catch {
    if (customer.machine.ended) return;
    problem = "pickerFailed";
    request();
    tell(say(problem));
    return;
  }
  await customer.allow(stream);
}

// --- what is shared -----------------------------------------------------------------------------------------------------

let liveShown = "";
let ask = null;
let startedAt = 0;
let noticeKey = "";
let unread = false; // a text came while the person was elsewhere
const target = () => say({ screen: "targetScreen", window: "targetWindow", tab: "targetTab" }[customer.kind] ?? "targetScreen");

function live() {
  const { machine } = customer;
  const name = customer.checked.certificate.name;
  bar();
  showChat(customer, name);
  const { chat } = customer;
  const number = customer.sas.asked && !customer.sas.picked && machine.phase === "unverified";
  const state = [machine.question?.name, number, ask?.scope, noticeKey, isKorean(), customer.stream.id, machine.live,
    chat.until, chat.possible, chat.wanted, chat.waiting.length].join();
  const waits = machine.question || number || ask || chat.until || unread; // people look elsewhere while they share
  document.title = `${waits ? "❗ " : ""}${say("pageTitle")} · Deskside`;
  if (liveShown === state) return;
  liveShown = state;
  show(() => {
    const parts = [];
    if (machine.question) parts.push(question(customer, name));
    if (ask) parts.push(permission(customer, ask, name));
    if (number) parts.push(numbers(customer, name));
    if (chat.until) parts.push(chatQuestion(customer, name));
    if (noticeKey) parts.push(notice(say(noticeKey), "warning"));
    parts.push(heading("preview", { name }), picture(customer));
    if (machine.live) parts.push(deeds(name));
    parts.push(text(say("stopHow"), "muted small"), trust());
    every(bar);
    return parts;
  });
}

// What the customer can do beside the bar: show something else, and write.
function deeds(name) {
  const { chat } = customer;
  const row = make("div", { className: "foot deeds" }, make("button", { textContent: say("change"), onClick: change }));
  if (chat.possible && !chat.wanted && !chat.until) {
    const n = chat.waiting.length;
    const words = n ? say("chatOpenMore", { n }) : say("chatOpen", { name: polite(name) });
    row.append(make("button", { textContent: words, onClick: () => customer.openChat() }));
  }
  return row;
}

// Until something else was picked in the browser's own window, everything stays as it is.
async function change(event) {
  event.currentTarget.disabled = true;
  noticeKey = "";
  try {
    await customer.change(await navigator.mediaDevices.getDisplayMedia(SHARE));
  } catch {
    noticeKey = "changeFailed";
    tell(say(noticeKey));
  }
  liveShown = "";
  host.changed();
}

function bar() {
  const { machine } = customer;
  const values = { name: customer.checked.certificate.name, organisation: nameOf(organisation), target: target() };
  const running = machine.live || machine.phase === "connecting";
  byId("bar").hidden = !running;
  if (!running) return;
  if (machine.live) startedAt ||= now();
  let key = "looking";
  if (!machine.live) key = "connecting";
  else if (machine.lost) key = "lost";
  else if (machine.paused) key = "paused";
  const words = say(key, values);
  if (byId("bar-what").textContent !== words) {
    byId("bar-what").textContent = words;
    tell(words);
  }
  byId("bar-check").textContent =
    machine.phase === "verified" ? say("verified", { number: customer.keys.number }) : say("notVerified");
  byId("bar-clock").textContent = startedAt ? clock(now() - startedAt) : "";
  const { path } = customer.record;
  byId("bar-clock").title = path ? say(path) : "";
  byId("stop").textContent = say("stop");
  byId("stop").setAttribute("aria-label", say("stopSharing"));
  byId("pause").textContent = say(machine.paused ? "resume" : "pause");
  byId("pause").disabled = !machine.live;
  const given = byId("bar-given");
  const pointing = customer.granted.has("pointer");
  if (pointing !== given.childElementCount > 0) {
    given.replaceChildren(...(pointing ? [revokeButton()] : []));
  }
}

function revokeButton() {
  const button = make("button", { textContent: `${say("pointerName")} ✕`, onClick: () => customer.revoke("pointer") });
  button.setAttribute("aria-label", say("pointerBack"));
  return button;
}

// --- the end ------------------------------------------------------------------------------------------------------------

let receipt = null;
function ended() {
  byId("bar").hidden = true;
  byId("talk").hidden = true;
  document.title = "Deskside";
  const ticket = () => ticketLabel(customer.checked.invitation.ticketNo);
  showEnd(customer, { organisation: () => nameOf(organisation), ticket, target, trust }, receipt);
}

// --- what the customer's end tells --------------------------------------------------------------------------------------

const host = {
  changed() {
    if (!customer) return;
    const { machine } = customer;
    if (machine.ended) {
      if (!this.over) {
        this.over = true;
        ended();
      }
    } else if (machine.live || machine.phase === "connecting") live();
  },
  numbers: () => live(),
  ask(scope, why, until) {
    ask = { scope, why, until };
    live();
  },
  settled() {
    ask = null;
  },
  wrote() {
    unread ||= !document.hasFocus();
  },
  marks: (board) => paint(board),
  notice(key) {
    noticeKey = { idle_soon: "idleSoon", violation: "violation" }[key] ?? "";
  },
  receipt(bytes) {
    receipt = { bytes, count: (receipt?.count ?? 0) + 1 };
    this.over = true;
    ended();
  },
};

function language(korean) {
  speak(korean);
  document.documentElement.lang = korean ? "ko" : "en";
  document.title = `${say("pageTitle")} · Deskside`;
  byId("language").textContent = say("language");
  byId("bar").setAttribute("aria-label", say("share"));
  byId("bar-given").replaceChildren();
  redraw();
  if (!customer || customer.machine.ended) return;
  showChat(customer, customer.checked.certificate.name, true);
  host.changed();
}

byId("language").addEventListener("click", () => language(!isKorean()));
byId("stop").addEventListener("click", () => customer.stop());
byId("pause").addEventListener("click", () => (customer.machine.paused ? customer.resume() : customer.pause()));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.isComposing || !customer) return;
  if (customer.machine.phase === "prompted") customer.refuse();
  else if (ask) customer.refuseScope(ask.scope);
  else if (customer.chat.until) customer.closeChat();
});
globalThis.addEventListener("focus", () => {
  unread = false;
  host.changed();
});
globalThis.addEventListener("pageshow", (event) => event.persisted && location.reload()); // what was left has ended
globalThis.addEventListener("hashchange", () => !customer && readLink(location.hash) && begin()); // a link put into an open page
language((navigator.languages?.[0] ?? navigator.language ?? "").toLowerCase().startsWith("ko"));
begin();
