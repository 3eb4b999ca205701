// An analysis to look at: lanes and arcs of the speakers, the utterances, and why each one has its emotion.
// The exported file and the page of the server share it; the page adds sound.

import { element } from "./dom.js";
import { exportButtons } from "./exports.js";
import { Filters } from "./filters.js";
import { plural } from "./format.js";
import { Lanes } from "./lanes.js";
import { UtteranceList } from "./list.js";
import { palette } from "./palette.js";
import { arcsOf, speakersOf } from "./people.js";
import { why } from "./why.js";

const HINT = "Choose an utterance to see every probability and what each modality says.";

export class Timeline {
  // `onPlay(utterance, place)` is called when an utterance is clicked or entered, `onSelect` when it is chosen at all.
  constructor(root, { onPlay = () => {}, onSelect = () => {} } = {}) {
    this.root = root;
    this.onSelect = onSelect;
    this.onPlay = onPlay;
    this.lanes = new Lanes({ onSelect: (place) => this.play(place) });
    this.list = new UtteranceList({ onSelect: (place) => this.select(place), onPlay: (place) => this.play(place) });
    this.filters = new Filters({ onChange: () => this.filter() });
    this.why = element("div");
    this.count = element("span", { class: "tl-small" });
    this.bar = element("div", { class: "tl-bar" });
    this.notes = element("div", {});
    this.patterns = element("div", { class: "tl-patterns" });
    this.close = element("button", { type: "button", class: "tl-close", "aria-label": "Close the explanation", onclick: () => this.select(undefined) }, "×");
    root.classList.add("tl");
    root.replaceChildren(this.patterns, ...this.parts());
  }

  parts() {
    this.aside = element("section", { class: "tl-card tl-why", "aria-label": "Why" },
      element("div", { class: "tl-title" }, element("h2", {}, "Why"), this.close), this.why);
    return [
      element("section", { class: "tl-card", "aria-label": "Timeline" },
        element("div", { class: "tl-title" }, element("h2", {}, "Timeline"), this.bar), this.filters.node, this.lanes.node),
      this.notes,
      element("div", { class: "tl-columns" },
        element("section", { class: "tl-card", "aria-label": "Utterances" },
          element("div", { class: "tl-title" }, element("h2", {}, "Utterances"), this.count), this.list.node),
        this.aside),
    ];
  }

  show(analysis) {
    this.analysis = analysis;
    this.grows = false;
    this.filters.clear();
    this.lanes.setZoom(0);
    this.patterns.replaceChildren(palette(this.root, analysis.labels));
    this.list.show(analysis);
    this.draw();
    this.notes.replaceChildren(...this.remarks());
    this.select(undefined);
  }

  // One utterance more at the end, as a live conversation brings it.
  append(utterance) {
    const { utterances, labels } = this.analysis;
    const place = utterances.push(utterance) - 1;
    this.grows = true;
    Object.assign(this.analysis, { speakers: speakersOf(utterances), arcs: arcsOf(utterances, labels) });
    this.list.append(this.analysis, place);
    this.draw();
    this.select(place);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const seen = this.filters.passes(utterance) ? this.list.rows[place] : this.count;
    seen.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
  }

  draw() {
    this.lanes.show(this.analysis);
    this.filters.show(this.analysis);
    this.bar.replaceChildren(exportButtons(this.analysis));
    this.filter();
  }

  remarks() {
    if (!this.analysis.notes?.length) return [];
    return [element("section", { class: "tl-card tl-notes", "aria-label": "Notes" },
      element("h2", {}, "Notes"), element("ul", {}, this.analysis.notes.map((note) => element("li", {}, note))))];
  }

  filter() {
    const { utterances } = this.analysis;
    const visible = (place) => this.filters.passes(utterances[place]);
    this.list.filter(visible);
    this.lanes.filter(visible);
    const shown = utterances.filter((_, place) => visible(place)).length;
    const all = plural(utterances.length, "utterance");
    const last = this.grows && !visible(utterances.length - 1) ? ", without the latest" : "";
    this.count.textContent = shown === utterances.length ? all : `${shown} of ${all}${last}`;
  }

  select(place) {
    if (place === undefined && this.aside.contains(document.activeElement)) this.list.focus();
    this.selected = place;
    this.list.select(place);
    this.lanes.select(place);
    this.aside.classList.toggle("tl-empty", place === undefined);
    this.why.replaceChildren(...(place === undefined ? [element("p", { class: "tl-small" }, HINT)] : why(this.analysis, place).flat().filter(Boolean)));
    if (place !== undefined) this.onSelect(this.analysis.utterances[place], place);
  }

  play(place) {
    this.select(place);
    this.onPlay(this.analysis.utterances[place], place);
  }

  step(by) {
    const place = this.list.neighbour(by);
    if (place !== undefined) this.select(place);
  }

  // Where the recording is: moves the head and marks the utterance that is spoken.
  moveTo(seconds) {
    if (!this.lanes.scale.timed) return;
    this.lanes.moveTo(seconds);
    this.list.mark(this.spokenAt(seconds));
  }

  spokenAt(seconds) {
    const { utterances } = this.analysis;
    let [low, high] = [0, utterances.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (utterances[middle].start <= seconds) low = middle + 1;
      else high = middle;
    }
    const place = low - 1;
    return place >= 0 && seconds < utterances[place].end ? place : undefined;
  }
}
