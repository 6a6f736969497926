// SPDX-License-Identifier: GPL-3.0-or-later
// The customer's end of the chat. Nothing is shown, and nothing confirmed, before the customer wants it; what waits is
// shown when they do. It gives no access and stands in no record: the agent's program keeps it on the ticket.

import { ChatBook, isGot, isText, LINES_MAX, WAITING_MAX } from "./chat.js";
import { Customer } from "./customer.js";
import { now } from "./session.js";

const ANSWER_MS = 120_000;

export class Talk extends Customer {
  constructor(...args) {
    super(...args);
    // wanted: null until somebody said yes or no
    this.chat = { book: new ChatBook(), wanted: null, until: null, waiting: [], pushed: 0, possible: false };
  }

  // The yes to the question, or the wish to write: what waited is shown.
  openChat() {
    return this.run(() => {
      const { chat } = this;
      if (!this.machine.live || !chat.possible) return;
      Object.assign(chat, { wanted: true, until: null });
      for (const message of chat.waiting.splice(0)) this.heardChat(message);
      this.pushChat();
    });
  }

  // The no to the question, silence, and the taking back.
  closeChat() {
    return this.run(() => Object.assign(this.chat, { wanted: false, until: null }));
  }

  sayChat(text) {
    return this.run(() => {
      const { chat } = this;
      if (this.machine.live && chat.possible && chat.wanted && chat.book.say(text, Date.now())) this.pushChat();
    });
  }

  pushChat() {
    const { chat } = this;
    if (!this.machine.flowing || !chat.wanted) return;
    for (const { n, text } of chat.book.after(chat.pushed)) {
      this.say({ t: "chat", n, text });
      chat.pushed = n;
    }
  }

  async liveControl(message) {
    if (message.t === "chat") await (isText(message) ? this.chatCame(message) : this.malformed("ctl chat"));
    else if (message.t === "chatgot") await (isGot(message) ? this.chat.book.got(message.n) : this.malformed("ctl chatgot"));
    else await super.liveControl(message);
  }

  chatCame(message) {
    const { chat } = this;
    if (chat.wanted) {
      this.heardChat(message);
      return;
    }
    const known = message.n <= chat.book.heardUpTo || chat.waiting.some(({ n }) => n === message.n);
    if (known || message.n > LINES_MAX || chat.waiting.length >= WAITING_MAX) return;
    chat.waiting.push({ n: message.n, text: message.text });
    if (chat.wanted === null && !chat.until) chat.until = now() + ANSWER_MS;
  }

  heardChat({ n, text }) {
    const { book } = this.chat;
    if (book.heard(n, text, Date.now())) {
      this.apply(this.machine.agentActive(now()));
      this.host.wrote();
    }
    this.say({ t: "chatgot", n: book.heardUpTo });
  }

  async connected(peer) {
    this.chat.pushed = 0;
    this.chat.possible = peer.caps.includes("chat");
    await super.connected(peer);
    this.pushChat();
  }

  apply(effects) {
    super.apply(effects);
    // behind what is said of it now: the agent's end must know first that it goes on
    if (effects.includes("back") || effects.includes("resumed")) this.run(() => this.pushChat());
  }

  async tick() {
    await super.tick();
    const { chat } = this;
    if (chat.until && now() >= chat.until) Object.assign(chat, { wanted: false, until: null });
  }
}
