// An analysis to look at and to correct: lanes and arcs of the speakers, the utterances, and why each has its emotion.
// The exported file and the page of the server share it; the page adds sound.

import { element } from "./dom.js";
import { Edits } from "./edits.js";
import { exportMenu } from "./exports.js";
import { Filters } from "./filters.js";
import { plural } from "./format.js";
import { glance } from "./glance.js";
import { Lanes } from "./lanes.js";
import { UtteranceList } from "./list.js";
import { palette } from "./palette.js";
import { arcsOf, speakersOf } from "./people.js";
import { why } from "./why.js";

const HINT = "Choose an utterance to see every probability and what each modality says, and to correct it.";
const SMALL = "(max-width: 56rem)";

export class Timeline {
  // `onPlay(utterance, place)` is called when an utterance is clicked or entered, `onSelect` when it is chosen at all,
  // `onRename(from, to)` when a speaker gets another name (it gives what takes that back), `onEdit(analysis)` after any
  // change; `exports(analysis)` gives formats that are made elsewhere.
  constructor(root, { onPlay = () => {}, onSelect = () => {}, onRename = () => {}, onEdit = () => {}, exports = () => [] } = {}) {
    Object.assign(this, { root, onPlay, onSelect, onRename, onEdit, exports });
    this.lanes = new Lanes({ onSelect: (place) => this.play(place), onRename: (from, to) => this.rename(from, to) });
    this.list = new UtteranceList({
      onSelect: (place) => this.select(place), onPlay: (place) => this.play(place), onCorrect: (place, what) => this.reach(place, what),
    });
    this.filters = new Filters({ onChange: () => this.filter() });
    this.acts = {
      onCorrect: (place, label) => this.correct(place, label), onAssign: (place, name) => this.assign(place, name), onLeave: () => this.list.focus(),
    };
    document.addEventListener("keydown", (event) => this.hear(event));
    root.classList.add("tl");
    root.replaceChildren(...this.parts());
  }

  parts() {
    this.patterns = element("div", { class: "tl-patterns" });
    this.said = element("p", { class: "tl-unseen", role: "status" });
    this.why = element("div");
    this.count = element("span", { class: "tl-small" });
    this.bar = element("div", { class: "tl-bar" });
    this.notes = element("div", {});
    this.moments = element("div", { class: "tl-at-once" });
    this.glance = element("details", { class: "tl-card tl-glance" },
      element("summary", {}, element("h2", {}, "At a glance")), this.moments);
    this.close = element("button", { type: "button", class: "tl-close", "aria-label": "Close the explanation", onclick: () => this.select(undefined) }, "×");
    this.aside = element("section", { class: "tl-card tl-why", "aria-label": "Why" },
      element("div", { class: "tl-title" }, element("h2", {}, "Why"), this.close), this.why);
    return [
      this.patterns, this.said, this.glance,
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
    this.edits = new Edits(analysis);
    this.grows = this.unsaved = false;
    this.filters.clear(analysis.model);
    this.patterns.replaceChildren(palette(this.root, analysis.labels));
    this.glance.open = this.lanes.legend.open = !matchMedia(SMALL).matches;
    this.said.textContent = "";
    this.list.show(analysis);
    this.lanes.heard = undefined;
    this.lanes.show(analysis, 0);
    this.draw();
    this.notes.replaceChildren(...this.remarks());
    this.select(undefined);
  }

  // One utterance more at the end, as a live conversation brings it.
  append(utterance) {
    const { utterances } = this.analysis;
    const place = utterances.push(utterance) - 1;
    this.grows = true;
    this.list.append(this.analysis, place);
    this.draw();
    this.select(place);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const seen = this.filters.passes(utterance) ? this.list.rows[place] : this.count;
    seen.scrollIntoView({ block: "nearest", behavior: still ? "auto" : "smooth" });
  }

  draw() {
    const { utterances, labels } = this.analysis;
    Object.assign(this.analysis, { speakers: speakersOf(utterances), arcs: arcsOf(utterances, labels) });
    this.lanes.show(this.analysis);
    this.filters.show(this.analysis);
    this.moments.replaceChildren(...glance(this.analysis, (place) => this.play(place)));
    this.glance.hidden = !utterances.length;
    this.bar.replaceChildren(this.filters.more, this.takeBack(), exportMenu(this.analysis, this.exports(this.analysis), () => { this.unsaved = false; }));
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
    this.list.filter(visible, (place) => this.filters.isUnsure(utterances[place]));
    this.lanes.filter(visible, (one) => this.filters.isUnsure(one));
    const shown = utterances.filter((_, place) => visible(place)).length;
    const all = plural(utterances.length, "utterance");
    const last = this.grows && !visible(utterances.length - 1) ? ", without the latest" : "";
    const corrected = utterances.filter((one) => one.corrected).length;
    const by = corrected ? `, ${corrected} corrected by hand` : "";
    this.count.textContent = `${shown === utterances.length ? all : `${shown} of ${all}${last}`}${by}`;
  }

  rename(from, to) {
    const back = this.onRename(from, to);
    this.changed(this.edits.rename(from, to, back), `${this.edits.last.said}. Ctrl+Z takes it back.`);
    this.lanes.tracks.querySelector(`[aria-label="${CSS.escape(`Rename ${to}`)}"]`)?.focus();
  }

  assign(place, speaker) {
    this.changed(this.edits.assign(place, speaker), this.edits.last.said);
  }

  correct(place, label) {
    this.changed(this.edits.correct(place, label), this.edits.last.said);
  }

  undo() {
    const { last } = this.edits;
    if (last) this.changed(this.edits.undo(), `Taken back: ${last.said}.`);
  }

  takeBack() {
    const { last } = this.edits;
    return element("button", {
      type: "button", class: "tl-undo", hidden: !last, title: last && `Take back: ${last.said} (Ctrl+Z)`, onclick: () => this.undo(),
    }, "Undo");
  }

  // After a change the same thing has the focus as before it.
  changed(places, said) {
    const what = document.activeElement?.dataset.correct;
    places.forEach((place) => this.list.fill(this.analysis, place));
    this.draw();
    this.explain();
    this.said.textContent = said;
    if (what) (this.why.querySelector(`[data-correct=${what}]`) ?? this.why.querySelector("select")).focus();
    this.unsaved = Boolean(this.edits.last);
    this.onEdit(this.analysis);
  }

  // Ctrl+Z takes back a change, but in a field it belongs to what is written there.
  hear(event) {
    const isUndo = event.key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
    if (!isUndo || !this.edits?.last || event.target.matches("input:not([type=range]), textarea")) return;
    event.preventDefault();
    this.undo();
  }

  // To where an utterance is corrected: its `emotion` or its `speaker`.
  reach(place = this.list.active, what = "emotion") {
    if (place === undefined) return;
    this.select(place);
    this.why.querySelector(`[data-correct=${what}]`).focus();
  }

  select(place) {
    if (place === undefined && this.aside.contains(document.activeElement)) this.list.focus();
    this.selected = place;
    this.list.select(place);
    this.lanes.select(place);
    this.aside.classList.toggle("tl-empty", place === undefined);
    this.explain();
    if (place !== undefined) this.onSelect(this.analysis.utterances[place], place);
  }

  explain() {
    const { selected } = this;
    this.why.replaceChildren(...(selected === undefined ? [element("p", { class: "tl-small" }, HINT)]
      : why(this.analysis, selected, this.acts).flat().filter(Boolean)));
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
