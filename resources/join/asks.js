// SPDX-License-Identifier: GPL-3.0-or-later
// Questions of a session that runs: the check number, going on, pointing, texts. Each default is no.

import { ALLOW_WAIT_MS, card, clock, consentButton, make, now, tell, text } from "./dom.js";
import { say } from "./words.js";

const COUNT_MS = 250;

// How long silence has; it counts for as long as it shows.
function countdown(words) {
  const time = make("span", { className: "time" });
  const work = () => { time.textContent = words(); };
  work();
  const count = setInterval(() => (time.isConnected ? work() : clearInterval(count)), COUNT_MS);
  return time;
}

function refusing(label, className, onClick) {
  const no = make("button", { className, textContent: label, onClick });
  no.dataset.first = "";
  return no;
}

const foot = (...parts) => make("div", { className: "foot" }, ...parts);

export function numbers(customer, name) {
  const pick = (number) => () => customer.pick(number);
  const buttons = customer.sas.numbers.map((number) => {
    const button = consentButton(number, 0, pick(number));
    button.className = "number";
    button.setAttribute("aria-label", say("numberSpoken", { number, digits: [...number.replace(" ", "")].join(" ") }));
    return button;
  });
  tell(say("numberAsk", { name }));
  return card(say("numberAsk", { name }), text(say("numberWhy"), "muted"), text(say("readAloud", { name }), "muted small"),
    make("div", { className: "numbers" }, ...buttons), make("button", { className: "danger", textContent: say("numberNone"), onClick: pick("") }));
}

export function question(customer, name) {
  const unverified = customer.machine.question.name === "askedUnverified";
  const words = unverified ? say("goOnUnverified") : say("goOnContinue", { name });
  const { until } = customer.machine.question;
  const time = countdown(() => say("endsIn", { n: Math.max(0, Math.ceil((until - now()) / 1000)) }));
  const no = refusing(say("stopSharing"), "danger", () => customer.stop());
  tell(words);
  return card(say("goOnTitle"), text(words), foot(no, time, consentButton(say("goOn"), ALLOW_WAIT_MS, () => customer.goOn())));
}

export function permission(customer, { scope, why, until }, name) {
  const no = refusing(say("no"), "", () => customer.refuseScope(scope));
  const yes = consentButton(say("pointerYes"), ALLOW_WAIT_MS, () => customer.grant(scope));
  const time = countdown(() => say("answerTime", { time: clock(until - now()) }));
  const parts = [text(say("pointerAllows", { name }))];
  const plain = [...why].map((char) => (/\p{C}/u.test(char) ? " " : char)).join("").trim();
  if (plain) parts.push(text(say("why", { name, why: plain }), "muted"));
  tell(say("pointerAsk", { name }));
  return card(say("pointerAsk", { name }), ...parts, foot(no, time, yes));
}

export function chatQuestion(customer, name) {
  const { until } = customer.chat;
  const no = refusing(say("chatNo"), "", () => customer.closeChat());
  const yes = consentButton(say("chatYes"), ALLOW_WAIT_MS, () => customer.openChat());
  const time = countdown(() => say("answerTime", { time: clock(until - now()) }));
  tell(say("chatAsk", { name }));
  return card(say("chatAsk", { name }), text(say("chatAllows", { name })), text(say("warning"), "muted small"),
    foot(no, time, yes));
}
