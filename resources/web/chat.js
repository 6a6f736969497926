// SPDX-License-Identifier: GPL-3.0-or-later
// The live chat: hears that something moved, reads the conversation anew, sends without leaving the page.
const WAIT_MS = 60_000; // unanswered for so long, and the customer is told what that means

export function begin(lines) {
  const live = document.getElementById("live");
  const form = document.getElementById("reply-form");
  let waiting = 0;
  let somebody = true;
  let online = false;

  function say(name, on) {
    live.hidden = false;
    live.classList.toggle("on", on);
    const words = live.lastElementChild;
    if (words.textContent !== live.dataset[name]) { words.textContent = live.dataset[name]; }
  }

  function show() {
    if (!online) { say("off", false); } else if (somebody) { say("on", true); } else { say("nobody", false); }
  }

  // the line names each state by a mark, and so does the conversation: what is shown already is not read again
  let wanted = "";
  let busy = false;

  function read() {
    busy = true;
    wanted = "";
    document.body.dispatchEvent(new CustomEvent("deskside:moved"));
  }

  function look() {
    if (wanted && wanted !== lines.querySelector("#log").dataset.mark) { read(); }
  }

  const source = new EventSource(lines.dataset.live);
  source.addEventListener("here", (event) => { online = true; somebody = event.data !== "nobody"; show(); });
  source.addEventListener("moved", (event) => { wanted = event.data; if (!busy) { look(); } });
  source.addEventListener("error", () => { online = false; show(); });

  let known = lines.querySelectorAll(".line:not(.mine)").length;
  document.body.addEventListener("htmx:afterSwap", (event) => {
    if (event.target !== lines) { return; }
    const answers = lines.querySelectorAll(".line:not(.mine)").length;
    const log = lines.querySelector("#log");
    document.getElementById("state").textContent = log.dataset.state;
    if ("ended" in log.dataset) { // it is somebody else's now: the field stays, so that what is in it can be copied
      source.close();
      clearTimeout(waiting);
      live.hidden = true;
      form?.querySelector("button[type=submit]").setAttribute("hidden", "");
      return;
    }
    if (answers > known) {
      clearTimeout(waiting);
      live.lastElementChild.textContent = lines.dataset.new;
    }
    known = answers;
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.target !== lines) { return; }
    busy = false;
    look(); // what was told meanwhile; each telling is followed once at most
  });

  form?.addEventListener("submit", async (event) => {
    if (form.elements.files?.files.length) { return; } // with files the page is sent as a whole
    const body = form.elements.body.value;
    if (!body.trim()) { return; }
    event.preventDefault();
    const button = form.querySelector("button[type=submit]");
    button.disabled = true;
    busy = true; // the answer reads the conversation anyhow
    form.elements.live.value = "1";
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "error" });
      const told = answer.ok ? await answer.json() : null;
      if (!told) { form.elements.live.value = ""; form.submit(); return; } // the page says what is wrong
      form.elements.form.value = told.form;
      form.elements.body.value = "";
      if (told.elsewhere) { location.assign(told.elsewhere); return; }
      read();
      clearTimeout(waiting);
      waiting = setTimeout(() => say("wait", false), WAIT_MS);
    } catch {
      busy = false;
      online = false;
      show(); // the words stay in the field, and the form's mark makes a second try harmless
    } finally {
      button.disabled = false;
      form.elements.live.value = "";
      form.elements.body.focus();
    }
  });
  form?.elements.body.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { form.requestSubmit(); }
  });
}
