// SPDX-License-Identifier: GPL-3.0-or-later
// What the customer sees: the warning, the request, what is shared now, the end. Silence and every default mean no.

import { hex, unb64, unhex } from "./bytes.js";
import { Customer } from "./customer.js";
import { byId, clock, consentButton, every, heading, make, notice, now, redraw, show, tell, text } from "./dom.js";
import { Bad, checkInvitation, fingerprint, Signed } from "./documents.js";
import { works } from "./keys.js";
import { call } from "./live.js";
import { picture, paint } from "./picture.js";
import { isKorean, say, speak } from "./words.js";

const SCAM_WAIT_MS = 5_000;
const ALLOW_WAIT_MS = 1_000;
const SEEN = "deskside.opened";
const SHARE = {
  video: { frameRate: { max: 30 } }, audio: false, selfBrowserSurface: "exclude", surfaceSwitching: "include",
};
const COUNT_MS = 250;

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
    const give = () => {
      const link = readLink(code.value);
      const digits = code.value.replaceAll(/[\s-]/g, "");
      if (link) open({ iid: link.iid }, link.secret);
      else if (/^\d{9}$/.test(digits)) open({ code: digits }, null);
      else askCode("badCode");
    };
    const form = make("form", { className: "card" },
      make("label", { htmlFor: "code", textContent: say("codeLabel") }), code,
      make("p", { className: "muted small", textContent: say("codeText") }),
      make("button", { className: "primary", textContent: say("codeGo"), onClick: give }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      give();
    });
    return [heading("codeTitle"), ...(problem ? [notice(say(problem), "danger")] : []), form];
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
    customer = new Customer(host, checked, redeemed.body.token, pin, platform());
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
    return;
  }
  await customer.allow(stream);
}

// --- what is shared -----------------------------------------------------------------------------------------------------

let liveShown = "";
let ask = null;
let startedAt = 0;
let noticeKey = "";
const target = () => say({ screen: "targetScreen", window: "targetWindow", tab: "targetTab" }[customer.kind] ?? "targetScreen");

function live() {
  const { machine } = customer;
  const name = customer.checked.certificate.name;
  bar();
  const number = customer.sas.asked && !customer.sas.picked && machine.phase === "unverified";
  const state = [machine.question?.name, number, ask?.scope, noticeKey, isKorean()].join();
  const waits = machine.question || number || ask; // people look elsewhere while they share
  document.title = `${waits ? "❗ " : ""}${say("pageTitle")} · Deskside`;
  if (liveShown === state) return;
  liveShown = state;
  show(() => {
    const parts = [];
    if (machine.question) parts.push(question(name));
    if (ask) parts.push(permission(name));
    if (number) parts.push(numbers(name));
    if (noticeKey) parts.push(notice(say(noticeKey), "warning"));
    parts.push(text(say("preview", { name }), "strong"), picture(customer), text(say("stopHow"), "muted small"), trust());
    every(bar);
    return parts;
  });
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

function numbers(name) {
  const pick = (number) => () => customer.pick(number);
  const buttons = customer.sas.numbers.map((number) => {
    const button = consentButton(number, 0, pick(number));
    button.className = "number";
    button.setAttribute("aria-label", say("numberSpoken", { digits: [...number.replace(" ", "")].join(" ") }));
    return button;
  });
  tell(say("numberAsk", { name }));
  return make("section", { className: "card" }, make("h2", { textContent: say("numberAsk", { name }) }),
    text(say("numberWhy"), "muted"), text(say("readAloud", { name }), "muted small"),
    make("div", { className: "numbers" }, ...buttons),
    make("button", { className: "danger", textContent: say("numberNone"), onClick: pick("") }));
}

function question(name) {
  const unverified = customer.machine.question.name === "askedUnverified";
  const words = unverified ? say("goOnUnverified") : say("goOnContinue", { name });
  const time = make("span", { className: "time" });
  const count = setInterval(() => {
    const open = customer.machine.question;
    if (!open) clearInterval(count);
    else time.textContent = say("endsIn", { n: Math.max(0, Math.ceil((open.until - now()) / 1000)) });
  }, COUNT_MS);
  const no = make("button", { className: "danger", textContent: say("stopSharing"), onClick: () => customer.stop() });
  no.dataset.first = "";
  const yes = consentButton(say("goOn"), ALLOW_WAIT_MS, () => customer.goOn());
  tell(words);
  return make("section", { className: "card" }, make("h2", { textContent: say("goOnTitle") }), text(words),
    make("div", { className: "foot" }, no, time, yes));
}

function permission(name) {
  const { scope, why } = ask;
  const no = make("button", { textContent: say("no"), onClick: () => customer.refuseScope(scope) });
  no.dataset.first = "";
  const yes = consentButton(say("pointerYes"), ALLOW_WAIT_MS, () => customer.grant(scope));
  const time = make("span", { className: "time" });
  const count = setInterval(() => {
    if (!ask) clearInterval(count);
    else time.textContent = say("answerTime", { time: clock(ask.until - now()) });
  }, COUNT_MS);
  const parts = [make("h2", { textContent: say("pointerAsk", { name }) }), text(say("pointerAllows", { name }))];
  const plain = [...why].map((char) => (/\p{C}/u.test(char) ? " " : char)).join("").trim();
  if (plain) parts.push(text(say("why", { name, why: plain }), "muted"));
  tell(say("pointerAsk", { name }));
  return make("section", { className: "card" }, ...parts, make("div", { className: "foot" }, no, time, yes));
}

// --- the end ------------------------------------------------------------------------------------------------------------

let receipt = null;
function ended() {
  byId("bar").hidden = true;
  document.title = "Deskside";
  show(() => {
    const { machine, record, checked } = customer;
    const { reason, endedBy } = machine;
    const exact = [`end_${reason}_${endedBy}`, `end_${reason}`, "end_other"].find((key) => hasWords(key));
    const facts = [
      [say("factWith"), say("who", { name: checked.certificate.name, organisation: nameOf(organisation) })],
      [say("factTicket"), ticketLabel(checked.invitation.ticketNo)],
    ];
    if (record?.grantedAt) {
      const form = new Intl.DateTimeFormat(isKorean() ? "ko" : "en", { timeStyle: "short" });
      const last = record.entries.at(-1).at;
      facts.push([say("factTime"), `${form.format(record.grantedAt)} – ${form.format(last)}`]);
      facts.push([say("factSeen"), record.frames ? say("seen", { target: target() }) : say("seenNothing")]);
      facts.push([say("factNumber"), say(record.confirmed ? "compared" : "notCompared")]);
    }
    const save = make("button", { className: "primary", textContent: say("saveReceipt"), disabled: !receipt, onClick: keep });
    save.dataset.first = "";
    const list = make("dl", {}, ...facts.flatMap(([name, value]) =>
      [make("dt", { textContent: name }), make("dd", { textContent: value })]));
    const parts = [heading("endedTitle"), text(say(exact)), make("div", { className: "card" }, list)];
    if (receipt) {
      const complete = receipt.count > 1;
      parts.push(text(say(complete ? "receiptComplete" : "receiptAlone"), "muted small"));
    }
    tell(`${say("endedTitle")}. ${say(exact)}`);
    return [...parts, trust(), make("div", { className: "foot" }, save, text(say("close"), "muted"))];
  });
}

const hasWords = (key) => {
  try {
    return Boolean(say(key));
  } catch {
    return false;
  }
};

function keep() {
  const url = URL.createObjectURL(new Blob([receipt.bytes], { type: "application/json" }));
  const number = customer.checked.invitation.ticketNo.replaceAll(/[^\w-]/g, "") || "session";
  make("a", { href: url, download: `deskside-receipt-${number}-${hex(customer.invitation.sid).slice(0, 8)}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
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
  byId("bar").setAttribute("aria-label", say("previewSelf"));
  byId("bar-given").replaceChildren();
  redraw();
  if (customer && !customer.machine.ended) host.changed();
}

byId("language").addEventListener("click", () => language(!isKorean()));
byId("stop").addEventListener("click", () => customer.stop());
byId("pause").addEventListener("click", () => (customer.machine.paused ? customer.resume() : customer.pause()));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && customer?.machine.phase === "prompted") customer.refuse();
  if (event.key === "Escape" && ask) customer.refuseScope(ask.scope);
});
globalThis.addEventListener("pageshow", (event) => event.persisted && location.reload()); // what was left has ended
globalThis.addEventListener("hashchange", () => !customer && readLink(location.hash) && begin()); // a link put into an open page
language((navigator.languages?.[0] ?? navigator.language ?? "").toLowerCase().startsWith("ko"));
begin();
