// SPDX-License-Identifier: GPL-3.0-or-later
// The end: why, what was seen, and the receipt.

import { hex } from "./bytes.js";
import { heading, make, show, tell, text } from "./dom.js";
import { hasWords, isKorean, say } from "./words.js";

// `told` gives the words of organisation, ticket and target; `receipt` is {bytes, count} or null.
export function showEnd(customer, told, receipt) {
  const { reason, endedBy } = customer.machine;
  const exact = [`end_${reason}_${endedBy}`, `end_${reason}`, "end_other"].find(hasWords);
  tell(`${say("endedTitle")}. ${say(exact)}`);
  show(() => {
    const save = make("button", { className: "primary", textContent: say("saveReceipt"), disabled: !receipt });
    save.addEventListener("click", () => keep(customer, receipt.bytes));
    const list = make("dl", {}, ...facts(customer, told).flatMap(([name, value]) =>
      [make("dt", { textContent: name }), make("dd", { textContent: value })]));
    const title = heading("endedTitle");
    (receipt ? save : title).dataset.first = "";
    const parts = [title, text(say(exact)), make("div", { className: "card" }, list)];
    if (receipt) parts.push(text(say(receipt.count > 1 ? "receiptComplete" : "receiptAlone"), "muted small"));
    return [...parts, told.trust(), make("div", { className: "foot" }, save, text(say("close"), "muted"))];
  });
}

function facts({ record, checked }, told) {
  const found = [
    [say("factWith"), say("who", { name: checked.certificate.name, organisation: told.organisation() })],
    [say("factTicket"), told.ticket()],
  ];
  if (!record?.grantedAt) return found;
  const form = new Intl.DateTimeFormat(isKorean() ? "ko" : "en", { timeStyle: "short" });
  found.push([say("factTime"), `${form.format(record.grantedAt)} – ${form.format(record.entries.at(-1).at)}`]);
  found.push([say("factSeen"), record.frames ? say("seen", { target: told.target() }) : say("seenNothing")]);
  found.push([say("factNumber"), say(record.confirmed ? "compared" : "notCompared")]);
  return found;
}

function keep({ checked }, bytes) {
  const url = URL.createObjectURL(new Blob([bytes], { type: "application/json" }));
  const number = checked.invitation.ticketNo.replaceAll(/[^\w-]/g, "") || "session";
  make("a", { href: url, download: `deskside-receipt-${number}-${hex(checked.invitation.sid).slice(0, 8)}.json` }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
