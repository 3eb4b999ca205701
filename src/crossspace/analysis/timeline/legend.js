// How to read strip and curves.

import { drawing, element } from "./dom.js";
import { swatch } from "./palette.js";
import { emotionOf } from "./people.js";

function sample(...shapes) {
  return drawing("svg", { class: "tl-sample", viewBox: "0 0 34 16", width: 34, height: 16, "aria-hidden": "true" }, shapes);
}

function rect(x, y, width, height, opacity) {
  return drawing("rect", { x, y, width, height, rx: 1.5, "fill-opacity": opacity });
}

const BLOCKS = [rect(1, 3, 9, 10, 0.95), rect(13, 3, 5, 10, 0.55), rect(21, 3, 12, 10, 0.2)];
const BARS = [[1, 9], [8, 4], [15, 12], [22, 6], [29, 10]].map(([x, height]) => rect(x, 14 - height, 5, height, 0.8));

export function legend(analysis, crowded) {
  const heard = new Set(analysis.utterances.map(emotionOf));
  const emotions = analysis.labels.flatMap((label, place) => (heard.has(label) ? [element("li", {}, swatch(place), label)] : []));
  const strip = crowded
    ? [sample(...BARS), "Strip: a bar is a stretch of time, its colour the emotion spoken most, its height how much this person speaks. Zoom in for single utterances."]
    : [sample(...BLOCKS), "Strip: a block is an utterance, its colour the emotion; the paler, the less certain."];
  const curve = [
    sample(drawing("path", { d: "M1 11Q6 2 14 7V14H1ZM20 9Q27 2 33 8V14H20Z", "fill-opacity": 0.6 })),
    "Curves: how probable each emotion is, smoothed over the utterances of the speaker; broken where they are silent for long.",
  ];
  return [
    element("summary", { class: "tl-small" }, "How to read this"),
    element("ul", { class: "tl-colours", "aria-label": "Colours" }, emotions),
    element("p", { class: "tl-small" }, strip), element("p", { class: "tl-small tl-of-curves" }, curve),
  ];
}
