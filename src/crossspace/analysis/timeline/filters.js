// Speakers and emotions as switches; they are the legend, too.

import { element } from "./dom.js";
import { swatch } from "./palette.js";
import { speakersOf } from "./people.js";

export class Filters {
  constructor({ onChange }) {
    this.node = element("div", { class: "tl-filters" });
    this.onChange = onChange;
    this.clear();
  }

  clear() {
    this.speaker = null;
    this.emotions = new Set();
  }

  show(analysis) {
    const count = (key, value) => analysis.utterances.filter((one) => one[key] === value).length;
    const speakers = speakersOf(analysis.utterances);
    if (!speakers.includes(this.speaker)) this.speaker = null;
    const all = this.toggle(["Everyone"], analysis.utterances.length, this.speaker === null, () => { this.speaker = null; });
    const people = speakers.map((name) =>
      this.toggle([name], count("speaker", name), this.speaker === name, () => { this.speaker = this.speaker === name ? null : name; }));
    const emotions = analysis.labels.map((label, place) =>
      this.toggle([swatch(place), label], count("label", label), this.emotions.has(label), () => {
        if (!this.emotions.delete(label)) this.emotions.add(label);
      }));
    this.analysis = analysis;
    this.node.replaceChildren(
      element("div", { role: "group", "aria-label": "Show one speaker" }, speakers.length > 1 ? [all, ...people] : people),
      element("div", { role: "group", "aria-label": "Show some emotions" }, emotions),
    );
  }

  toggle(content, number, pressed, act) {
    return element("button", {
      type: "button", class: "tl-toggle", "aria-pressed": String(pressed),
      onclick: (event) => {
        const at = [...this.node.querySelectorAll("button")].indexOf(event.currentTarget);
        act();
        this.show(this.analysis);
        this.node.querySelectorAll("button")[at].focus();
        this.onChange();
      },
    }, ...content, element("span", { class: "tl-count" }, String(number)));
  }

  passes(one) {
    return (this.speaker === null || one.speaker === this.speaker) && (!this.emotions.size || this.emotions.has(one.label));
  }
}
