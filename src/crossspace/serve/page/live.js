// A live conversation: each utterance goes to the server as it is typed and comes back with its emotion.

import { ApiError, token } from "./api.js";
import { Chips } from "./chips.js";
import { askModel } from "./model.js";

const $ = (id) => document.getElementById(id);
const NEXT = "What you say next begins a new conversation. Export this one before that if you want to keep it.";
const LATER = "Try again in a while.";

function address() {
  const url = new URL("v1/live", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

export class Live {
  // `onUtterance(utterance, model)` is told the model where a conversation begins with the utterance, `onRename(from, to)`
  // that somebody wants another name.
  constructor({ onUtterance, onRename, onError }) {
    Object.assign(this, { onUtterance, onError });
    this.waiting = [];
    this.chips = new Chips($("live-who"), { onChange: ({ name }) => { $("live-says").textContent = `${name} says`; }, onRename });
    $("form-live").addEventListener("submit", (event) => { event.preventDefault(); this.say(); });
    $("live-text").addEventListener("keydown", (event) => {
      // What is typed goes on as it began: only an empty field gives its numbers to the speakers.
      if ($("keys-on").checked && !event.target.value && this.choose(event.key)) event.preventDefault();
    });
  }

  // The speaker of a number key, if there is one and this is where people talk.
  choose(key) {
    if ($("panel-live").hidden || $("start").hidden || !/^[1-9]$/.test(key) || !this.chips.people[Number(key) - 1]) return false;
    this.chips.choose(Number(key) - 1);
    $("live-text").focus();
    return true;
  }

  async say() {
    const [speaker] = this.chips.now.sent;
    const text = $("live-text").value.trim();
    $("live-text").focus();
    if (!text) return;
    $("live-text").value = "";
    this.waiting.push(text);
    try {
      (await this.socket()).send(JSON.stringify({ speaker, text }));
    } catch (error) {
      this.giveBack(this.waiting.length);
      this.onError(error);
    }
  }

  // What was said and got no answer goes back to where it was typed.
  giveBack(count) {
    $("live-text").value = [...this.waiting.splice(0, count), $("live-text").value].filter(Boolean).join(" ");
  }

  socket() {
    this.opened ??= this.open().catch((error) => { this.opened = undefined; throw error; });
    return this.opened;
  }

  // A browser does not tell that a token was refused to a WebSocket; asking for the model before does.
  async open() {
    let begins = await askModel();
    const socket = new WebSocket(address(), token.get() ? ["bearer", token.get()] : []);
    this.current = socket;
    return new Promise((resolve, reject) => {
      socket.onopen = () => resolve(socket);
      socket.onclose = (event) => {
        if (this.current !== socket) return;
        this.opened = undefined;
        this.giveBack(this.waiting.length);
        const error = new ApiError(0, `${event.reason || "The server closed the line."} ${begins ? LATER : NEXT}`);
        reject(error);
        this.onError(error);
      };
      socket.onmessage = (event) => {
        if (this.current !== socket) return;
        const answer = JSON.parse(event.data);
        if (answer.error) this.refuse(answer.error.message);
        else {
          this.waiting.shift();
          this.onUtterance({ ...answer, speaker: this.chips.shown(answer.speaker) }, begins);
          begins = undefined;
        }
      };
    });
  }

  // Where nothing waits for an answer, it is why the line closes, and the closing says that, too.
  refuse(message) {
    if (!this.waiting.length) return;
    this.giveBack(1);
    this.onError(new ApiError(422, message));
  }

  end() {
    const socket = this.current;
    this.current = this.opened = undefined;
    socket?.close(1000);
    this.waiting = [];
    this.chips.reset();
  }
}
