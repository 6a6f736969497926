// SPDX-License-Identifier: GPL-3.0-or-later
// How the page makes what it shows: plain elements, texts only as texts.

import { say } from "./words.js";

const COUNT_MS = 250;
const TOLD_MS = 5_000;
export const ALLOW_WAIT_MS = 1_000;

export const byId = (id) => document.getElementById(id);
const main = byId("main");
export const now = () => Math.round(performance.now());

export function make(kind, options = {}, ...inside) {
  const { className = "", onClick, ...more } = options;
  const element = Object.assign(document.createElement(kind), more);
  if (className) element.className = className;
  if (kind === "button") element.type = "button";
  if (onClick) element.addEventListener("click", onClick);
  element.append(...inside);
  return element;
}

// A button that gives a consent: only a click or Space presses it, Enter never does; it wakes after a moment.
export function consentButton(label, wait, onClick) {
  const button = make("button", { className: "primary", textContent: label, disabled: wait > 0, onClick });
  button.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  if (wait > 0) setTimeout(() => { button.disabled = false; }, wait);
  return button;
}

export const clock = (ms) => {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  return `${hours ? `${hours}:` : ""}${hours ? two(Math.floor(seconds / 60) % 60) : Math.floor(seconds / 60)}:${two(seconds % 60)}`;
};

// Says it to who listens to the page; it is taken away again, so that nobody finds an old question there.
let told = null;
export function tell(words) {
  if (byId("said").textContent !== words) byId("said").textContent = words;
  clearTimeout(told);
  told = setTimeout(() => { byId("said").textContent = ""; }, TOLD_MS);
}

// Shows one view; `draw` is called again when the language changes.
let draw = () => [];
let timer = null;
export function show(next) {
  clearInterval(timer);
  draw = next;
  const active = document.activeElement;
  const inside = main.contains(active);
  main.replaceChildren(...next());
  if (!inside && active && active !== document.body && active.checkVisibility()) return; // who writes is not disturbed
  const same = inside && [...main.querySelectorAll("button:enabled")].find((one) => one.textContent === active.textContent);
  (same || main.querySelector("[data-first]") || main.querySelector("h1, h2"))?.focus({ preventScroll: true });
  scrollTo(0, 0); // who asks stands on top
}

export function every(work) {
  clearInterval(timer);
  timer = setInterval(work, COUNT_MS);
  work();
}

// A place where reading begins; keys do not stop at it.
const title = (kind, words) => make(kind, { textContent: words, tabIndex: -1 });
export const heading = (key, values) => title("h1", say(key, values));
// A question or part under its own title.
let cards = 0;
export function card(words, ...inside) {
  const head = title("h2", words);
  head.id = `card-${cards += 1}`;
  const section = make("section", { className: "card" }, head, ...inside);
  section.setAttribute("aria-labelledby", head.id);
  return section;
}

export const text = (words, className = "") => make("p", { className, textContent: words });
export const notice = (words, kind) => make("p", { className: `notice ${kind}`, textContent: words });

// Shows the same again, in the language spoken now.
export const redraw = () => show(draw);
