// The emotional arc of one speaker: their probabilities, smoothed over their utterances, stacked over the conversation.
// It breaks where the speaker is silent for long, so that it does not run through the turns of others.

import { drawing, element } from "./dom.js";
import { shareOf } from "./people.js";

const HEIGHT = 100;
const LABEL_FROM = 0.22;
const MARGIN = 5;
const THINNEST = 0.35;
const [SECONDS, TURNS, PIXELS] = [2, 1, 16];

// A mean over neighbours whose weight falls linearly; the reach grows slowly with the number of utterances.
export function smooth(rows) {
  const reach = Math.max(1, Math.round(Math.sqrt(rows.length) / 1.5));
  return rows.map((_, place) => {
    const sum = rows[0].map(() => 0);
    let weights = 0;
    for (let other = Math.max(0, place - reach); other <= Math.min(rows.length - 1, place + reach); other += 1) {
      const weight = 1 - Math.abs(place - other) / (reach + 1);
      weights += weight;
      rows[other].forEach((p, label) => { sum[label] += weight * p; });
    }
    return sum.map((value) => value / weights);
  });
}

// The utterances of a speaker, parted where others speak for long or there is nothing to hear: the closer one looks
// (`width` is that of the whole conversation, in pixels), the shorter a gap that is seen.
export function stretches(places, scale, width) {
  const far = Math.max((scale.timed ? SECONDS : TURNS) / scale.length, PIXELS / width);
  const parts = [];
  for (const place of places) {
    const part = parts[parts.length - 1];
    if (part && scale.from(place) - scale.to(part[part.length - 1]) <= far) part.push(place);
    else parts.push([place]);
  }
  return parts;
}

function stack(rows) {
  return rows.map((row) => {
    let sum = 0;
    return [0, ...row.map((p) => (sum += p))];
  });
}

// One stretch: where it lies in percent, and the heights of all labels there.
function drawn(places, rows, scale) {
  const from = 100 * scale.from(places[0]);
  const to = Math.max(100 * scale.to(places[places.length - 1]), from + THINNEST);
  const middles = places.map((place) => Math.min(to, 50 * (scale.from(place) + scale.to(place))));
  return { xs: [from, ...middles, to], stacked: stack([rows[0], ...rows, rows[rows.length - 1]]) };
}

function band({ xs, stacked }, label) {
  const upper = stacked.map((row, at) => `${xs[at].toFixed(3)} ${(HEIGHT * (1 - row[label + 1])).toFixed(2)}`);
  const lower = stacked.map((row, at) => `${xs[at].toFixed(3)} ${(HEIGHT * (1 - row[label])).toFixed(2)}`).reverse();
  return `M${upper.join("L")}L${lower.join("L")}Z`;
}

// A label is named where its band is thickest.
function name(labels, label, parts) {
  const all = parts.flatMap(({ xs, stacked }) => stacked.slice(1, -1).map((row, at) => ({
    x: xs[at + 1], thick: row[label + 1] - row[label], middle: 1 - (row[label] + row[label + 1]) / 2,
  })));
  const inside = all.filter(({ x }) => x > MARGIN && x < 100 - MARGIN);
  const best = inside.reduce((one, other) => (other.thick > one.thick ? other : one), { thick: 0 });
  if (best.thick < LABEL_FROM) return null;
  return element("span", { class: "tl-arc-name", style: { left: `${best.x}%`, top: `${best.middle * 100}%` } }, labels[label]);
}

export function arc({ labels, utterances }, places, scale, width) {
  const rows = smooth(places.map((place) => labels.map((label) => shareOf(utterances[place], label))));
  const parts = stretches(places, scale, width).map((part) => drawn(part, rows.splice(0, part.length), scale));
  const bands = labels.map((label, place) => drawing("path", {
    d: parts.map((part) => band(part, place)).join(""), style: { fill: `var(--e${place})`, stroke: `var(--e${place}-edge)` },
  }));
  return element(
    "div",
    { class: "tl-arc", "aria-hidden": "true", "data-parts": parts.length },
    drawing("svg", { viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none" }, bands),
    labels.map((_, place) => name(labels, place, parts)),
  );
}
