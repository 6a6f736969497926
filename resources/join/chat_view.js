// SPDX-License-Identifier: GPL-3.0-or-later
// The chat as the customer sees it: texts as texts, a field, and the way to close it. It stays put while the rest changes.

import { CHARS_MAX, lengthOf } from "./chat.js";
import { byId, make, tell, text } from "./dom.js";
import { isKorean, polite, say } from "./words.js";

const COUNT_FROM = CHARS_MAX - 500;

let shown = null; // {customer, log, field, send, count, state, empty, close, title}

function build(customer) {
  const field = make("textarea", { id: "chat-text", rows: 2 });
  const title = make("h2", { id: "chat-title" });
  const log = make("div", { className: "log", role: "log" });
  log.setAttribute("aria-labelledby", "chat-title");
  log.tabIndex = 0; // longer than its place: keys scroll it
  const made = {
    customer, log, field, title, rows: [], send: make("button", { className: "primary", onClick: give }),
    close: make("button", { className: "quiet", onClick: () => customer.closeChat() }),
    count: text("", "muted small"), state: text("", "muted small"), empty: text("", "muted"),
    label: make("label", { htmlFor: "chat-text", className: "unseen" }),
  };
  made.count.setAttribute("role", "status");
  field.addEventListener("input", typed);
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    give();
  });
  log.append(made.empty);
  byId("talk").replaceChildren(make("section", { className: "card chat" },
    make("div", { className: "foot" }, title, made.close), log, made.state, made.label, field,
    make("div", { className: "foot" }, made.count, made.send)));
  return made;
}

function give() {
  const { customer, field } = shown;
  const { book } = customer.chat;
  const before = book.said;
  customer.sayChat(field.value).then(() => {
    if (book.said > before) field.value = "";
    typed();
  });
}

function typed() {
  const left = CHARS_MAX - lengthOf(shown.field.value);
  let words = "";
  if (left < 0) words = say("charsOver", { n: -left });
  else if (left < CHARS_MAX - COUNT_FROM) words = say("charsLeft", { n: left });
  shown.count.textContent = words;
  shown.send.disabled = left < 0;
}

function row(line, name) {
  const form = new Intl.DateTimeFormat(isKorean() ? "ko" : "en", { timeStyle: "short" });
  const who = make("p", { className: "small strong", textContent: `${line.mine ? say("you") : polite(name)}, ${form.format(line.at)}` });
  const state = make("span", { className: "muted small" });
  const element = make("div", { className: line.mine ? "line mine" : "line" }, who, text(line.text, "said"), state);
  return { line, element, state };
}

// Shows what was written; hidden unless the customer opened it. `fresh`: the language is another one.
export function showChat(customer, name, fresh = false) {
  const open = customer.machine.live && customer.chat.wanted === true;
  const place = byId("talk");
  const opened = open && place.hidden;
  place.hidden = !open;
  if (!open) return;
  if (shown?.customer !== customer) shown = build(customer);
  const { book } = customer.chat;
  if (fresh) for (const each of shown.rows.splice(0)) each.element.remove();
  // who reads further up stays there, unless they write
  let end = opened || shown.log.scrollHeight - shown.log.scrollTop - shown.log.clientHeight < 24;
  for (const line of book.lines.slice(shown.rows.length)) {
    const made = row(line, name);
    shown.rows.push(made);
    shown.log.append(made.element);
    end ||= line.mine;
  }
  for (const { line, state } of shown.rows) {
    const words = line.sent ? "" : say("chatWaits");
    if (state.textContent !== words) state.textContent = words;
  }
  words(customer, name, book);
  if (end) shown.log.scrollTop = shown.log.scrollHeight;
  if (opened) shown.field.focus();
}

function words({ machine }, name, book) {
  let state = "";
  if (machine.lost) state = say("chatLost");
  else if (machine.paused) state = say("chatPaused");
  if (shown.state.textContent !== state && state) tell(state);
  shown.state.textContent = state;
  shown.title.textContent = say("chatTitle", { name });
  shown.close.textContent = say("chatClose");
  shown.send.textContent = say("chatSend");
  shown.label.textContent = shown.field.placeholder = say("chatField", { name: polite(name) });
  shown.empty.textContent = say("chatEmpty");
  shown.empty.hidden = book.lines.length > 0;
  typed();
}
