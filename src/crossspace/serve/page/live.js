// A live conversation: each utterance goes to the server as it is typed and comes back with its emotion.

import { ApiError, token } from "./api.js";

const $ = (id) => document.getElementById(id);

function address() {
  const url = new URL("v1/live", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

export class Live {
  // `onUtterance(utterance, first)` is told whether a conversation begins with it.
  constructor({ onUtterance, onError }) {
    Object.assign(this, { onUtterance, onError });
    this.people = [];
    $("panel-live").addEventListener("submit", (event) => { event.preventDefault(); this.say(); });
    $("live-swap").addEventListener("click", () => { $("live-speaker").value = this.other(); $("live-text").focus(); });
  }

  other() {
    const now = $("live-speaker").value.trim();
    const place = this.people.indexOf(now);
    return this.people.length > 1 ? this.people[(place + 1) % this.people.length] : now === "BEN" ? "ANN" : "BEN";
  }

  async say() {
    const speaker = $("live-speaker").value.trim() || "speaker";
    const text = $("live-text").value.trim();
    if (!text) return $("live-text").focus();
    if (!this.people.includes(speaker)) this.people.push(speaker);
    $("live-speakers").replaceChildren(...this.people.map((name) => new Option(name)));
    $("live-text").value = "";
    try {
      (await this.socket()).send(JSON.stringify({ speaker, text }));
    } catch (error) {
      $("live-text").value = text;
      this.onError(error);
    }
    return $("live-text").focus();
  }

  socket() {
    if (this.opened) return this.opened;
    let first = true;
    const socket = new WebSocket(address(), token.get() ? ["bearer", token.get()] : []);
    this.current = socket;
    this.opened = new Promise((resolve, reject) => {
      socket.onopen = () => resolve(socket);
      socket.onclose = (event) => {
        if (this.current !== socket) return;
        this.opened = undefined;
        const error = new ApiError(0, event.reason || "The server closed the line. What you say next begins a new conversation.");
        reject(error);
        if (event.code !== 1000) this.onError(error);
      };
      socket.onmessage = (event) => {
        const answer = JSON.parse(event.data);
        if (answer.error) this.onError(new ApiError(422, answer.error.message));
        else this.onUtterance(answer, first);
        if (!answer.error) first = false;
      };
    });
    return this.opened;
  }

  end() {
    const socket = this.current;
    this.current = this.opened = undefined;
    socket?.close(1000);
    this.people = [];
  }
}
