// One row for each speaker: their utterances along the conversation, their arc below, their shares at the side.

import { arc } from "./arc.js";
import { drawing, element } from "./dom.js";
import { clock, percent, plural } from "./format.js";
import { legend } from "./legend.js";
import { swatch } from "./palette.js";
import { arcsOf, speakersOf } from "./people.js";
import { scaleOf, ticksOf } from "./scale.js";
import { bars, barsIn, block, roomyFrom, tallies } from "./strip.js";
import { who } from "./who.js";

const [FEWEST, MOST] = [5, 9];
const UNSEEN = 800;

export class Lanes {
  constructor({ onSelect, onRename }) {
    this.onRename = onRename;
    this.zoom = 0;
    this.visible = () => true;
    this.unsure = () => false;
    this.tracks = element("div", { class: "tl-tracks" });
    this.scroll = element("div", { class: "tl-scroll", tabindex: 0, role: "region", "aria-label": "Timeline, scrolls sideways" }, this.tracks);
    this.closer = element("button", { type: "button", onclick: () => this.setZoom(this.zoom + 1) }, "Zoom in");
    this.wider = element("button", { type: "button", onclick: () => this.setZoom(this.zoom - 1) }, "Zoom out");
    this.curves = element("button", { type: "button", class: "tl-curves", "aria-pressed": "false", onclick: () => this.showCurves() }, "Curves");
    this.legend = element("details", { class: "tl-legend" });
    this.node = element("div", { class: "tl-lanes" }, this.scroll,
      element("div", { class: "tl-zoom" }, this.curves, this.wider, this.closer), this.legend);
    this.tracks.addEventListener("click", (event) => {
      const place = event.target.dataset?.place;
      if (place !== undefined) onSelect(Number(place));
    });
    // Not while somebody writes a name: the keyboard of a phone changes the size of the page, too.
    const resized = () => this.analysis && this.width !== this.seen() && !this.tracks.querySelector("form");
    new ResizeObserver(() => { if (resized()) this.draw(); }).observe(this.scroll);
  }

  // Small screens have them on demand.
  showCurves() {
    const on = this.node.classList.toggle("tl-with-curves");
    this.curves.setAttribute("aria-pressed", String(on));
  }

  seen() {
    return this.scroll.clientWidth || UNSEEN;
  }

  setZoom(zoom) {
    this.zoom = Math.min(this.deepest, Math.max(0, zoom));
    this.draw();
    if (this.selected !== undefined) this.reveal(this.selected);
  }

  // Far enough in for a block of its own for most utterances.
  get deepest() {
    let zoom = FEWEST;
    while (zoom < MOST && this.seen() * 2 ** zoom < this.roomy) zoom += 1;
    return zoom;
  }

  // Is drawn as soon as it is told what is visible.
  show(analysis, zoom = this.zoom) {
    Object.assign(this, { analysis, zoom, scale: scaleOf(analysis), stale: true });
    this.roomy = roomyFrom(analysis, this.scale);
  }

  draw() {
    const { analysis, scale } = this;
    this.stale = false;
    this.width = this.seen();
    this.tracks.style.setProperty("--zoom", 2 ** this.zoom);
    this.crowded = this.width * 2 ** this.zoom < this.roomy;
    this.wider.disabled = this.zoom === 0;
    this.closer.disabled = this.zoom === this.deepest;
    const ticks = ticksOf(scale, 2 ** this.zoom * (this.width < 500 ? 4 : 8));
    this.axis = element("div", { class: "tl-axis", "aria-hidden": "true" },
      ticks.map((tick) => element("span", { style: { left: `${tick.at * 100}%` } }, tick.text)));
    this.pin = element("div", { class: "tl-pin", hidden: true });
    this.head = element("div", { class: "tl-head", hidden: true });
    const [speakers, arcs] = [speakersOf(analysis.utterances), arcsOf(analysis.utterances, analysis.labels)];
    this.own = speakers.map((speaker) => analysis.utterances.flatMap((one, place) => (one.speaker === speaker ? [place] : [])));
    this.lines = speakers.map((speaker, at) =>
      drawing("svg", { class: "tl-lane", role: "img", "aria-label": `${speaker}: ${plural(this.own[at].length, "utterance")}` }));
    this.tracks.replaceChildren(...speakers.map((speaker, at) => this.row(speaker, speakers, arcs[speaker], at)),
      element("div", { class: "tl-over" }, this.axis, this.pin, this.head));
    this.legend.replaceChildren(...legend(analysis, this.crowded));
    this.fill();
    this.moveTo(this.heard);
  }

  row(speaker, speakers, summary, at) {
    const curve = arc(this.analysis, this.own[at], this.scale, this.width * 2 ** this.zoom);
    return element("section", { class: "tl-row", "aria-label": speaker },
      element("div", { class: "tl-who" }, who(speaker, speakers, this.onRename), this.shares(summary)),
      element("div", { class: "tl-track" }, this.lines[at], curve));
  }

  // What changes with the filters: the strips. Curves stay as they are.
  fill() {
    this.strips().forEach((shapes, at) => this.lines[at].replaceChildren(...shapes));
    this.place();
  }

  // The shapes of each speaker.
  strips() {
    const { analysis, scale, own } = this;
    if (!this.crowded) {
      const state = (place) => ({ unsure: this.unsure(analysis.utterances[place]), dim: !this.visible(place) });
      return own.map((places) => places.flatMap((place) => block(analysis, scale, place, state(place))));
    }
    const count = barsIn(this.width * 2 ** this.zoom);
    const tallied = own.map((places) => tallies(analysis, scale, places.filter((place) => this.visible(place)), count));
    const most = tallied.flat().reduce((highest, { spoken }) => Math.max(highest, spoken), 1e-6);
    return tallied.map((one) => bars(analysis, scale, one, most));
  }

  shares({ utterances, seconds, shares }) {
    const most = Object.entries(shares).filter(([, share]) => share >= 0.005).sort((one, other) => other[1] - one[1]).slice(0, 3);
    const spoken = seconds === null ? "" : `, ${clock(seconds)}`;
    return [
      element("p", { class: "tl-small" }, plural(utterances, "utterance") + spoken, spoken && element("span", { class: "tl-roomy" }, " spoken")),
      element("ul", { class: "tl-shares" }, most.map(([label, share]) =>
        element("li", {}, swatch(this.analysis.labels.indexOf(label)), `${label} ${percent(share)}`))),
    ];
  }

  // Shows some utterances, and some as unsure.
  filter(visible, unsure) {
    Object.assign(this, { visible, unsure });
    if (this.stale) this.draw();
    else this.fill();
  }

  select(place) {
    this.selected = place;
    this.place();
    if (place !== undefined) this.reveal(place);
  }

  place() {
    this.tracks.querySelector(".tl-selected")?.classList.remove("tl-selected");
    this.pin.hidden = this.selected === undefined;
    if (this.selected === undefined) return;
    this.tracks.querySelector(`.tl-block:not(.tl-stretch)[data-place="${this.selected}"]`)?.classList.add("tl-selected");
    this.pin.style.left = `${50 * (this.scale.from(this.selected) + this.scale.to(this.selected))}%`;
  }

  reveal(place) {
    if (this.zoom === 0) return;
    const width = this.tracks.clientWidth;
    const offset = 0.5 * (this.scale.from(place) + this.scale.to(place)) * width - this.scroll.scrollLeft - this.scroll.clientWidth / 2;
    if (Math.abs(offset) > this.scroll.clientWidth / 3) this.scroll.scrollLeft += offset;
  }

  moveTo(seconds) {
    this.heard = seconds;
    this.head.hidden = seconds === undefined || !this.scale.timed;
    this.head.style.left = `${(100 * seconds) / this.scale.length}%`;
  }
}
