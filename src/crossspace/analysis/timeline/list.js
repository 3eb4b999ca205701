// The utterances in order, as one list box: one stop for the tab key, arrows to move, Enter to hear, letters to correct.

import { element } from "./dom.js";
import { clock, percent } from "./format.js";
import { chip } from "./palette.js";
import { emotionOf } from "./people.js";

// What was recognised by a machine is marked; people wrote the rest.
export function isRecognised(one) {
  return Object.keys(one.recognised ?? {}).length > 0;
}

export class UtteranceList {
  constructor({ onSelect, onPlay, onCorrect }) {
    this.node = element("ol", { class: "tl-list", role: "listbox", tabindex: 0, "aria-label": "Utterances" });
    this.onSelect = onSelect;
    this.rows = [];
    this.node.addEventListener("click", (event) => {
      const row = event.target.closest("[data-place]");
      if (row) onPlay(Number(row.dataset.place));
    });
    this.node.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -Infinity, End: Infinity }[event.key];
      const what = { e: "emotion", s: "speaker" }[event.key];
      if (step !== undefined) onSelect(this.neighbour(step));
      else if (event.key === "Enter" && this.active !== undefined) onPlay(this.active);
      else if (what && this.active !== undefined) onCorrect(this.active, what);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  show(analysis) {
    this.rows = [];
    this.selected = this.active = this.current = undefined;
    this.node.removeAttribute("aria-activedescendant");
    this.node.replaceChildren();
    analysis.utterances.forEach((_, place) => this.append(analysis, place));
  }

  append(analysis, place) {
    const row = element("li", { class: "tl-item", id: `utterance-${place}`, role: "option", "aria-selected": "false", "data-place": place });
    this.rows.push(row);
    this.node.append(row);
    this.fill(analysis, place);
  }

  // Anew what stands in a row.
  fill(analysis, place) {
    const one = analysis.utterances[place];
    const sure = element("span", { class: one.corrected ? "tl-hand-made" : "tl-sure" }, one.corrected ? "corrected" : percent(one.confidence));
    this.rows[place].replaceChildren(
      element("span", { class: "tl-when" }, one.start === null ? `${place + 1}.` : clock(one.start)),
      element("span", { class: "tl-speaker" }, one.speaker,
        isRecognised(one) ? element("span", { class: "tl-heard" }, "recognised") : null),
      element("span", { class: one.text === null ? "tl-text tl-untold" : "tl-text" }, one.text ?? "no words known"),
      chip(analysis.labels, emotionOf(one), sure),
    );
  }

  filter(visible, unsure) {
    this.rows.forEach((row, place) => {
      row.hidden = !visible(place);
      row.classList.toggle("tl-unsure", unsure(place));
    });
  }

  // The next place that is not filtered away; before the first selection the steps begin outside of either end.
  neighbour(step) {
    const shown = this.rows.map((_, place) => place).filter((place) => !this.rows[place].hidden);
    const active = shown.indexOf(this.active);
    const at = active < 0 && step < 0 ? shown.length : active;
    return shown[Math.min(shown.length - 1, Math.max(0, at + step))];
  }

  // Without a place nothing is selected, and the keys go on from where the selection was.
  select(place) {
    this.rows[this.selected]?.setAttribute("aria-selected", "false");
    this.selected = place;
    if (place === undefined) return;
    this.active = place;
    this.rows[place].setAttribute("aria-selected", "true");
    this.node.setAttribute("aria-activedescendant", this.rows[place].id);
    this.reveal(place);
  }

  mark(place) {
    if (place === this.current) return;
    this.rows[this.current]?.removeAttribute("aria-current");
    this.current = place;
    if (place === undefined) return;
    this.rows[place].setAttribute("aria-current", "true");
    this.reveal(place);
  }

  focus() {
    this.node.focus({ preventScroll: true });
    this.rows[this.active]?.scrollIntoView({ block: "nearest" });
  }

  // Scrolls the list alone, never the page.
  reveal(place) {
    const row = this.rows[place].getBoundingClientRect();
    const frame = this.node.getBoundingClientRect();
    if (row.top < frame.top) this.node.scrollTop -= frame.top - row.top + 8;
    else if (row.bottom > frame.bottom) this.node.scrollTop += row.bottom - frame.bottom + 8;
  }
}
