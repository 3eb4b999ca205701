// What the server understands of a transcript, before it is analyzed: or why it cannot be used.

import { element } from "../timeline/dom.js";
import { clock, plural } from "../timeline/format.js";
import { call } from "./api.js";

const PAUSE = 400;
const SHOWN = 5;
// Nobody has to know that now: the analysis will say so, and asks for the token.
const PASSING = new Set([0, 401, 429, 503, 504]);

function span(start, end) {
  return start === null ? "without times" : `${clock(start)}–${clock(end)}`;
}

function heading({ format, utterances, timed, start, end }) {
  const some = timed && timed < utterances ? `, ${utterances - timed} without` : "";
  return element("p", { class: "preview-title" },
    element("b", {}, format), ` · ${plural(utterances, "utterance")} · ${span(start, end)}${some}`);
}

function speakers({ speakers: known, speaker_count: all }) {
  const rest = all - known.length;
  return element("ul", { class: "preview-people", "aria-label": plural(all, "speaker") },
    known.map(({ name, utterances }) => element("li", {}, name, element("span", { class: "tl-count" }, String(utterances)))),
    rest > 0 ? element("li", {}, `and ${rest} more`) : null);
}

function first({ first: cues, utterances }) {
  const row = ({ speaker, start, text }, place) => element("tr", {},
    element("td", { class: "tl-when" }, start === null ? `${place + 1}.` : clock(start)),
    element("th", { scope: "row" }, speaker),
    element("td", { class: text === null ? "tl-untold" : null }, text ?? "no words known"));
  const more = utterances > SHOWN ? element("p", { class: "small" }, `… and ${(utterances - SHOWN).toLocaleString("en")} more`) : null;
  return [element("table", { class: "preview-first" }, element("tbody", {}, cues.slice(0, SHOWN).map(row))), more];
}

function sounds({ sounds: cues, sound_count: all }) {
  if (!all) return null;
  const named = cues.slice(0, SHOWN).map(({ text, start }) => (start === null ? text : `${text} at ${clock(start)}`));
  const rest = all > named.length ? ` and ${all - named.length} more` : "";
  return element("p", { class: "small" }, `Set apart, as sounds or songs: ${named.join(", ")}${rest}.`);
}

export class Preview {
  // `onTell` is told in a sentence what came of it, for those who do not see it appear.
  constructor(node, { onTell }) {
    Object.assign(this, { node, onTell });
    this.clear();
  }

  clear() {
    clearTimeout(this.timer);
    this.controller?.abort();
    this.controller = undefined;
    this.state("empty");
    this.node.hidden = true;
    this.node.replaceChildren();
  }

  state(name) {
    this.node.classList.toggle("refused", name === "refused");
    this.node.setAttribute("aria-busy", String(name === "reading"));
  }

  // While somebody writes, the server is asked only when they pause; what was asked before is given up.
  later(file) {
    clearTimeout(this.timer);
    this.controller?.abort();
    this.timer = setTimeout(() => this.ask(file), PAUSE);
  }

  async ask(file) {
    clearTimeout(this.timer);
    this.controller?.abort();
    const controller = this.controller = new AbortController();
    const form = new FormData();
    form.append("transcript", file);
    this.state("reading");
    try {
      const found = await call("v1/transcript", { body: form, signal: controller.signal });
      if (this.controller === controller) this.show(found);
    } catch (error) {
      if (this.controller === controller && error.name !== "AbortError") this.refuse(error);
    }
  }

  show(found) {
    this.state("good");
    this.node.hidden = false;
    this.onTell(`Understood as ${found.format}: ${plural(found.utterances, "utterance")}, ${plural(found.speaker_count, "speaker")}.`);
    this.node.replaceChildren(
      heading(found), speakers(found), ...first(found).filter(Boolean), ...[sounds(found)].filter(Boolean),
      ...(found.notes.length ? [element("ul", { class: "preview-notes", "aria-label": "Notes" }, found.notes.map((note) => element("li", {}, note)))] : []),
    );
  }

  refuse(error) {
    if (PASSING.has(error.status)) return this.clear();
    this.state("refused");
    this.node.hidden = false;
    this.onTell(`This transcript cannot be used. ${error.message}`);
    this.node.replaceChildren(element("b", {}, "This transcript cannot be used."), element("p", {}, error.message));
  }
}
