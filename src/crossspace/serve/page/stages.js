// How far an analysis is: what the server says of a request while it works on it, and how long that may still take.

import { token } from "./api.js";

const EVERY = 700;
const NAMES = {
  sending: "Sending", arriving: "Sending", looking: "Reading what came", waiting: "Waiting for those before", speech: "Finding speech",
  words: "Recognising words", audio: "Listening to voices", visual: "Looking at faces",
  text: "Reading the words", model: "Judging emotions",
};

export function nameOf(stage) {
  return NAMES[stage] ?? stage;
}

// A name that nobody guesses. Pages that did not come over HTTPS have no randomUUID.
export function newJob() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// From the parts of a stage that are done: how long the rest of it takes at the same pace, in seconds.
export class Pace {
  tell({ stage, done, of }, now) {
    if (stage !== this.stage || done === null) Object.assign(this, { stage, began: now, first: done ?? 0, last: done, left: undefined });
    else if (done !== this.last) {
      this.left = ((of - done) * (now - this.began)) / (done - this.first) / 1000;
      Object.assign(this, { last: done, told: now });
    }
    // Between two parts it runs down.
    return this.left && Math.max(0, this.left - (now - this.told) / 1000);
  }
}

export function watch(job, onStage) {
  let over = false;
  const ask = async () => {
    try {
      const headers = token.get() ? { Authorization: `Bearer ${token.get()}` } : {};
      const answer = await fetch(`v1/progress/${job}`, { headers });
      const said = answer.ok ? await answer.json() : {};
      if (!over && said.stage) onStage(said);
    } catch {
      // The request itself will say that the server is gone.
    }
    if (!over) setTimeout(ask, EVERY);
  };
  setTimeout(ask, EVERY);
  return () => { over = true; };
}
