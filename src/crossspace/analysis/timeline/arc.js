// The emotional arc of one speaker: their probabilities, smoothed over their utterances, stacked over the conversation.

import { drawing, element } from "./dom.js";

const HEIGHT = 100;
const LABEL_FROM = 0.22;
const MARGIN = 5;

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

function stack(rows) {
  return rows.map((row) => {
    let sum = 0;
    return [0, ...row.map((p) => (sum += p))];
  });
}

function band(stacked, xs, label) {
  const upper = stacked.map((row, place) => `${xs[place]} ${HEIGHT * (1 - row[label + 1])}`);
  const lower = stacked.map((row, place) => `${xs[place]} ${HEIGHT * (1 - row[label])}`).reverse();
  return `M${upper.join("L")}L${lower.join("L")}Z`;
}

function name(labels, label, rows, stacked, xs) {
  const [left, right] = [xs[0] + MARGIN, xs[xs.length - 1] - MARGIN];
  const inside = rows.map((row, place) => (xs[place] > left && xs[place] < right ? row[label] : 0));
  const place = inside.indexOf(Math.max(...inside));
  if (inside[place] < LABEL_FROM) return null;
  const middle = 1 - (stacked[place][label] + stacked[place][label + 1]) / 2;
  return element("span", { class: "tl-arc-name", style: { left: `${xs[place]}%`, top: `${middle * 100}%` } }, labels[label]);
}

export function arc(analysis, speaker, scale) {
  const { labels, utterances } = analysis;
  const places = utterances.map((_, place) => place).filter((place) => utterances[place].speaker === speaker);
  let rows = smooth(places.map((place) => labels.map((label) => utterances[place].probabilities[label] ?? 0)));
  let xs = places.map((place) => 50 * (scale.from(place) + scale.to(place)));
  const ends = [scale.from(places[0]) * 100, scale.to(places[places.length - 1]) * 100];
  rows = [rows[0], ...rows, rows[rows.length - 1]];
  xs = [ends[0], ...xs, ends[1]];
  const stacked = stack(rows);
  const bands = labels.map((label, place) =>
    drawing("path", { d: band(stacked, xs, place), style: { fill: `var(--e${place})`, stroke: `var(--e${place}-edge)` } }));
  return element(
    "div",
    { class: "tl-arc", "aria-hidden": "true" },
    drawing("svg", { viewBox: `0 0 100 ${HEIGHT}`, preserveAspectRatio: "none" }, bands),
    labels.map((_, place) => name(labels, place, rows, stacked, xs)),
  );
}
