// The utterances of one speaker along the conversation: a block for each, or, where blocks would be thinner than can be
// seen, bars that each stand for a stretch of time: its colour is the emotion spoken most, its height how much is spoken.

import { drawing } from "./dom.js";
import { clock, percent, plural } from "./format.js";
import { emotionOf } from "./people.js";

const NARROW = 4;
const BAR = 7;
const [TOP, BOTTOM, LOWEST] = [3, 27, 5];

// A paler colour is a less certain one; the edge stays, so that the block does too.
function paleness(confidence) {
  return (0.25 + 0.75 * confidence).toFixed(2);
}

function look(label, confidence, unsure) {
  return {
    fill: `url(#emotion-${label})`, "fill-opacity": unsure ? 0.12 : paleness(confidence),
    "stroke-dasharray": unsure ? "2 2" : null,
  };
}

// From how many pixels on, for the whole conversation, an utterance of usual length can be seen as a block of its own.
export function roomyFrom({ utterances }, scale) {
  const widths = utterances.map((_, place) => scale.to(place) - scale.from(place)).sort((a, b) => a - b);
  return widths.length ? NARROW / Math.max(widths[widths.length >> 1], 1e-9) : 0;
}

export function block(analysis, scale, place, { unsure, dim }) {
  const one = analysis.utterances[place];
  const label = analysis.labels.indexOf(emotionOf(one));
  const from = scale.from(place);
  const width = Math.max(scale.to(place) - from, 0);
  const when = one.start === null ? `${place + 1}.` : clock(one.start);
  const sure = one.corrected ? `${one.corrected}, corrected` : `${one.label} ${percent(one.confidence)}`;
  const title = drawing("title", {}, `${when} ${one.speaker}: ${sure}\n${one.text ?? ""}`);
  const rect = drawing("rect", {
    class: `tl-block${dim ? " tl-dim" : ""}`, "data-place": place, x: `${from * 100}%`, y: TOP, height: BOTTOM - TOP, rx: 3,
    ...look(label, one.corrected ? 1 : one.confidence, unsure),
    style: { stroke: `var(--e${label}-edge)`, width: `max(${width * 100}%, 2px)` },
  }, title);
  const mark = one.corrected
    ? drawing("rect", { class: "tl-hand", x: `${from * 100}%`, y: BOTTOM + 1, height: 2, style: { width: `max(${width * 100}%, 2px)` } })
    : null;
  return [rect, mark].filter(Boolean);
}

export function barsIn(width) {
  return Math.max(1, Math.floor(width / BAR));
}

// For each bar what is spoken in it: by emotion how much, and the most certain utterance.
export function tallies(analysis, scale, places, count) {
  const bars = Array.from({ length: count }, () => ({ spoken: 0, by: new Map() }));
  for (const place of places) {
    const [from, to] = [scale.from(place) * count, Math.max(scale.to(place) * count, scale.from(place) * count + 1e-6)];
    const emotion = emotionOf(analysis.utterances[place]);
    for (let at = Math.floor(from); at < Math.min(count, Math.ceil(to)); at += 1) {
      const part = Math.min(to, at + 1) - Math.max(from, at);
      const own = bars[at].by.get(emotion) ?? { part: 0, sure: 0, number: 0, best: place };
      const { confidence } = analysis.utterances[place];
      if (confidence > analysis.utterances[own.best].confidence) own.best = place;
      bars[at].by.set(emotion, { ...own, part: own.part + part, sure: own.sure + part * confidence, number: own.number + 1 });
      bars[at].spoken += part;
    }
  }
  return bars;
}

function when(scale, at, count) {
  const [from, to] = [at, at + 1].map((end) => (end / count) * scale.length);
  return scale.timed ? `${clock(from)}–${clock(to)}` : `${Math.floor(from) + 1}.–${Math.ceil(to)}.`;
}

// `most` is how much is spoken in the fullest bar of anyone.
export function bars(analysis, scale, tallied, most) {
  const count = tallied.length;
  return tallied.flatMap(({ spoken, by }, at) => {
    if (!by.size) return [];
    const [emotion, own] = [...by].reduce((one, other) => (other[1].part > one[1].part ? other : one));
    const label = analysis.labels.indexOf(emotion);
    const height = LOWEST + (BOTTOM - TOP - LOWEST) * Math.min(1, spoken / most);
    const all = [...by.values()].reduce((sum, one) => sum + one.number, 0);
    return [drawing("rect", {
      class: "tl-block tl-stretch", "data-place": own.best, x: `${(100 * at) / count}%`, y: BOTTOM - height, height, rx: 1,
      ...look(label, own.sure / own.part, false),
      style: { stroke: `var(--e${label}-edge)`, width: `calc(${100 / count}% - 1.5px)` },
    }, drawing("title", {}, `${when(scale, at, count)}: mostly ${emotion} (${own.number} of ${plural(all, "utterance")})`))];
  });
}
