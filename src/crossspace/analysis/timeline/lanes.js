// One row for each speaker: their utterances along the conversation, their arc below, their shares at the side.

import { arc } from "./arc.js";
import { drawing, element } from "./dom.js";
import { clock, percent, plural } from "./format.js";
import { swatch } from "./palette.js";
import { arcsOf, speakersOf } from "./people.js";
import { scaleOf, ticksOf } from "./scale.js";

const ZOOMS = [1, 2, 4, 8, 16, 32];

export class Lanes {
  constructor({ onSelect }) {
    this.zoom = 0;
    this.tracks = element("div", { class: "tl-tracks" });
    this.scroll = element("div", { class: "tl-scroll", tabindex: 0, role: "region", "aria-label": "Timeline, scrolls sideways" }, this.tracks);
    this.closer = element("button", { type: "button", onclick: () => this.setZoom(this.zoom + 1) }, "Zoom in");
    this.wider = element("button", { type: "button", onclick: () => this.setZoom(this.zoom - 1) }, "Zoom out");
    this.node = element("div", { class: "tl-lanes" }, this.scroll, element("div", { class: "tl-zoom" }, this.wider, this.closer));
    this.tracks.addEventListener("click", (event) => {
      const place = event.target.dataset?.place;
      if (place !== undefined) onSelect(Number(place));
    });
    this.setZoom(0);
  }

  setZoom(zoom) {
    this.zoom = Math.min(ZOOMS.length - 1, Math.max(0, zoom));
    this.tracks.style.setProperty("--zoom", ZOOMS[this.zoom]);
    this.wider.disabled = this.zoom === 0;
    this.closer.disabled = this.zoom === ZOOMS.length - 1;
    if (this.analysis) this.axis.replaceChildren(...this.ticks());
    if (this.selected !== undefined) this.reveal(this.selected);
  }

  show(analysis) {
    this.analysis = analysis;
    this.scale = scaleOf(analysis);
    this.blocks = [];
    this.axis = element("div", { class: "tl-axis", "aria-hidden": "true" }, this.ticks());
    this.pin = element("div", { class: "tl-pin", hidden: true });
    this.head = element("div", { class: "tl-head", hidden: true });
    const arcs = arcsOf(analysis.utterances, analysis.labels);
    this.tracks.replaceChildren(
      ...speakersOf(analysis.utterances).map((speaker) => this.row(speaker, arcs[speaker])),
      element("div", { class: "tl-over" }, this.axis, this.pin, this.head),
    );
  }

  ticks() {
    const about = ZOOMS[this.zoom] * (this.scroll.clientWidth < 500 ? 4 : 8);
    return ticksOf(this.scale, about).map((tick) => element("span", { style: { left: `${tick.at * 100}%` } }, tick.text));
  }

  row(speaker, summary) {
    const own = this.analysis.utterances.map((one, place) => [one, place]).filter(([one]) => one.speaker === speaker);
    const lane = drawing("svg", { class: "tl-lane", role: "img", "aria-label": `${speaker}: ${plural(own.length, "utterance")}` });
    lane.append(...own.map(([one, place]) => this.block(one, place)));
    return element("section", { class: "tl-row", "aria-label": speaker },
      element("div", { class: "tl-who" }, element("h3", {}, speaker), this.shares(summary)),
      element("div", { class: "tl-track" }, lane, arc(this.analysis, speaker, this.scale)));
  }

  block(one, place) {
    const label = this.analysis.labels.indexOf(one.label);
    const from = this.scale.from(place);
    const width = Math.max(this.scale.to(place) - from, 0);
    const when = one.start === null ? `${place + 1}.` : clock(one.start);
    const block = drawing("rect", {
      class: "tl-block", "data-place": place, x: `${from * 100}%`, y: 3, height: 24, rx: 3,
      fill: `url(#emotion-${label})`, style: { stroke: `var(--e${label}-edge)`, width: `max(${width * 100}%, 2px)` },
    }, drawing("title", {}, `${when} ${one.speaker}: ${one.label} ${percent(one.confidence)}\n${one.text ?? ""}`));
    this.blocks[place] = block;
    return block;
  }

  shares({ utterances, seconds, shares }) {
    const most = Object.entries(shares).sort((one, other) => other[1] - one[1]).slice(0, 3);
    const spoken = seconds === null ? "" : `, ${clock(seconds)} spoken`;
    return [
      element("p", { class: "tl-small" }, plural(utterances, "utterance") + spoken),
      element("ul", { class: "tl-shares" }, most.map(([label, share]) =>
        element("li", {}, swatch(this.analysis.labels.indexOf(label)), `${label} ${percent(share)}`))),
    ];
  }

  filter(visible) {
    this.blocks.forEach((block, place) => block.classList.toggle("tl-dim", !visible(place)));
  }

  select(place) {
    this.blocks[this.selected]?.classList.remove("tl-selected");
    this.selected = place;
    this.pin.hidden = place === undefined;
    if (place === undefined) return;
    this.blocks[place].classList.add("tl-selected");
    this.pin.style.left = `${50 * (this.scale.from(place) + this.scale.to(place))}%`;
    this.reveal(place);
  }

  reveal(place) {
    if (this.zoom === 0) return;
    const box = this.blocks[place].getBoundingClientRect();
    const frame = this.scroll.getBoundingClientRect();
    const offset = (box.left + box.right - frame.left - frame.right) / 2;
    if (Math.abs(offset) > frame.width / 3) this.scroll.scrollLeft += offset;
  }

  moveTo(seconds) {
    this.head.hidden = !this.scale.timed;
    this.head.style.left = `${(100 * seconds) / this.scale.length}%`;
  }
}
