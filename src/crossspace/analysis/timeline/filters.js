// Speakers and emotions as switches, and what the model is unsure of. On small screens they wait behind one button (`more`).

import { element } from "./dom.js";
import { swatch } from "./palette.js";
import { emotionOf, speakersOf } from "./people.js";

const HIGHEST = 95;

export class Filters {
  constructor({ onChange }) {
    this.onChange = onChange;
    this.below = element("input", { type: "range", min: 0, max: HIGHEST, step: 1, value: 0, "aria-label": "Unsure below" });
    this.below.addEventListener("input", () => this.changed());
    this.said = element("output", { class: "tl-count" });
    this.groups = element("div", { class: "tl-groups" });
    this.states = element("span", { class: "tl-states" });
    this.more = element("button", { type: "button", class: "tl-more", "aria-expanded": "false", "aria-controls": "filters", onclick: () => this.fold() });
    this.node = element("div", { class: "tl-filters", id: "filters" }, element("div", { class: "tl-folded" }, this.groups,
      element("div", { class: "tl-doubt", role: "group", "aria-label": "What is unsure or corrected" },
        element("label", { class: "tl-slider" }, "Unsure below", this.below, this.said), this.states)));
    this.clear();
  }

  fold(open = this.more.getAttribute("aria-expanded") !== "true") {
    this.more.setAttribute("aria-expanded", String(open));
    this.node.classList.toggle("tl-open", open);
  }

  // `model` says below which confidence it is unsure, if it knows.
  clear(model) {
    this.usual = String(Math.round(100 * (model?.unsure_below ?? 0)));
    this.speaker = null;
    this.emotions = new Set();
    this.only = new Set();
    this.below.value = this.usual;
    this.fold(false);
  }

  // Of what a person says nobody is unsure.
  isUnsure(one) {
    return !one.corrected && 100 * one.confidence < Number(this.below.value);
  }

  show(analysis) {
    this.analysis = analysis;
    const { utterances, labels } = analysis;
    const count = (test) => utterances.filter(test).length;
    const speakers = speakersOf(utterances);
    if (!speakers.includes(this.speaker)) this.speaker = null;
    const all = this.toggle(["Everyone"], utterances.length, this.speaker === null, () => { this.speaker = null; });
    const people = speakers.map((name) => this.toggle([name], count((one) => one.speaker === name), this.speaker === name,
      () => { this.speaker = this.speaker === name ? null : name; }));
    const emotions = labels.map((label, place) => this.toggle([swatch(place), label],
      count((one) => emotionOf(one) === label), this.emotions.has(label), () => this.flip(this.emotions, label)));
    this.groups.replaceChildren(
      element("div", { role: "group", "aria-label": "Show one speaker" }, speakers.length > 1 ? [all, ...people] : people),
      element("div", { role: "group", "aria-label": "Show some emotions" }, emotions),
    );
    this.tell(count);
  }

  tell(count) {
    const found = [["unsure", count((one) => this.isUnsure(one))], ["corrected", count((one) => one.corrected)]];
    for (const [name, number] of found) if (!number) this.only.delete(name);
    this.states.replaceChildren(...found.filter(([, number]) => number).map(([name, number]) =>
      this.toggle([`Only ${name}`], number, this.only.has(name), () => this.flip(this.only, name))));
    this.said.textContent = this.below.value === "0" ? "off" : `${this.below.value}%`;
    const on = (this.speaker !== null) + this.emotions.size + this.only.size + (this.below.value !== this.usual);
    this.more.textContent = on ? `Filters (${on} on)` : "Filters";
  }

  flip(set, one) {
    if (!set.delete(one)) set.add(one);
  }

  changed() {
    this.show(this.analysis);
    this.onChange();
  }

  toggle(content, number, pressed, act) {
    return element("button", {
      type: "button", class: "tl-toggle", "aria-pressed": String(pressed),
      onclick: (event) => {
        const at = [...this.node.querySelectorAll(".tl-toggle")].indexOf(event.currentTarget);
        act();
        this.changed();
        this.node.querySelectorAll(".tl-toggle")[at]?.focus();
      },
    }, ...content, element("span", { class: "tl-count" }, String(number)));
  }

  passes(one) {
    return (this.speaker === null || one.speaker === this.speaker) && (!this.emotions.size || this.emotions.has(emotionOf(one)))
      && (!this.only.has("unsure") || this.isUnsure(one)) && (!this.only.has("corrected") || Boolean(one.corrected));
  }
}
