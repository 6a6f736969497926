// SPDX-License-Identifier: GPL-3.0-or-later
// What the pages do beyond what they do without it: times as this computer's clock has them, and the live chat.
const lang = document.documentElement.lang;
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Show every instant in this computer's own time zone; what stands there already is right, but elsewhere. */
function local(root) {
  const said = new Intl.DateTimeFormat(lang, { month: "short", day: "numeric", weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone: zone });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) { time.textContent = said.format(at); }
  }
}

local(document);
document.body.addEventListener("htmx:afterSwap", (event) => local(event.target));

// hours in this computer's zone, unless another one was chosen
const choose = document.querySelector("form[data-zone]");
if (choose && !new URLSearchParams(location.search).has("zone")) {
  const list = choose.querySelector("select");
  if (zone && list.value !== zone) {
    window.htmx?.ajax("GET", `/help/hours?lang=${lang}&zone=${encodeURIComponent(zone)}`, "#week");
  }
}

(document.querySelector("#wrong") ?? document.querySelector("#fits[tabindex]"))?.focus();

for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) { continue; }
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).value);
    button.textContent = button.dataset.copied;
  });
}

const lines = document.getElementById("lines");
if (lines?.dataset.live && "EventSource" in window) { (await import("./chat.js")).begin(lines); }
