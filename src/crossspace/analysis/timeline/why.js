// Why an utterance has its emotion: all probabilities, each modality alone, and what each one adds.

import { element } from "./dom.js";
import { capital, clock, percent, points } from "./format.js";
import { corrections } from "./correct.js";
import { chip, swatch } from "./palette.js";
import { emotionOf, isUnsure } from "./people.js";

const CLOSE = 0.1;

function meter(place, part) {
  return element("span", { class: "tl-meter", "aria-hidden": "true" },
    element("span", { style: { width: `${part * 100}%`, background: `var(--e${place})`, "border-color": `var(--e${place}-edge)` } }));
}

function verdict(analysis, one) {
  if (one.corrected) {
    return element("p", { class: "tl-small" }, `Corrected by hand. The model says ${one.label} (${percent(one.confidence)}).`);
  }
  const [first, second] = Object.entries(one.probabilities).sort((a, b) => b[1] - a[1]);
  if (!second) return null;
  if (isUnsure(analysis, one)) {
    return element("p", { class: "tl-small" }, `The model is unsure, as below ${percent(analysis.model.unsure_below)} always. `
      + `It may be ${first[0]} (${percent(first[1])}) or ${second[0]} (${percent(second[1])}).`);
  }
  const close = first[1] - second[1] < CLOSE;
  return element("p", { class: "tl-small" }, close
    ? `A close call: ${second[0]} is nearly as probable (${percent(second[1])}).`
    : `The next guess is ${second[0]} (${percent(second[1])}).`);
}

function probabilities(labels, one) {
  return element("ul", { class: "tl-bars" }, labels.map((label, place) =>
    element("li", { class: label === one.label ? "tl-best" : null },
      element("span", { class: "tl-chip" }, swatch(place), label),
      meter(place, one.probabilities[label] ?? 0),
      element("span", { class: "tl-number" }, percent(one.probabilities[label] ?? 0)))));
}

function alone(labels, scores) {
  if (!scores) return element("span", { class: "tl-small" }, "not known");
  const [label, part] = Object.entries(scores).sort((a, b) => b[1] - a[1])[0];
  return chip(labels, label, element("span", { class: "tl-sure" }, percent(part)));
}

function signed(value, largest) {
  if (value === undefined) return element("span", { class: "tl-small" }, "not known");
  const width = `${(50 * Math.abs(value)) / largest}%`;
  const side = value < 0 ? { right: "50%", width } : { left: "50%", width };
  return [
    element("span", { class: "tl-signed", "aria-hidden": "true" },
      element("span", { class: value < 0 ? "tl-minus" : "tl-plus", style: side })),
    element("span", { class: "tl-number" }, points(value)),
  ];
}

// Some models do not say what a modality alone would.
function saysAlone(one) {
  return Object.keys(one.unimodal).length > 0;
}

function modality(labels, one, name, largest) {
  const title = element("th", { scope: "row" }, capital(name));
  if (name in one.missing) {
    return element("tr", {}, title, element("td", { colspan: 2, class: "tl-missing" }, `Missing: ${one.missing[name]}`));
  }
  return element("tr", {}, title,
    saysAlone(one) ? element("td", {}, alone(labels, one.unimodal[name])) : null,
    element("td", {}, element("span", { class: "tl-add" }, signed(one.contributions[name], largest))));
}

function modalities(analysis, one) {
  const names = [...new Set([...(analysis.model.modalities ?? []), ...Object.keys(one.unimodal), ...Object.keys(one.missing)])];
  const largest = Math.max(0.2, ...Object.values(one.contributions).map(Math.abs));
  return [
    element("table", { class: "tl-says" },
      element("thead", {}, element("tr", {},
        element("th", { scope: "col" }, "From"),
        saysAlone(one) ? element("th", { scope: "col" }, "Alone it says") : null,
        element("th", { scope: "col" }, `Towards ${one.label}`))),
      element("tbody", {}, names.map((name) => modality(analysis.labels, one, name, largest)))),
    element("p", { class: "tl-small" },
      `“Towards ${one.label}” is how many points each source adds to the probability of ${one.label}, or takes from it (Shapley value).`),
  ];
}

// What a machine recognised, and how sure it was of it.
function recognised({ recognised: parts = {} }) {
  const said = Object.entries(parts).map(([part, sure]) => `${part === "text" ? "words" : part} ${percent(sure)}`);
  return said.length ? element("p", { class: "tl-small" }, element("span", { class: "tl-heard" }, "recognised"), ` by a machine, with a confidence of: ${said.join(", ")}`) : null;
}

// `acts` are what may be done with the utterance, as corrections() takes them.
export function why(analysis, place, acts) {
  const one = analysis.utterances[place];
  const when = one.start === null ? `utterance ${place + 1}` : `${clock(one.start, { tenths: true })}–${clock(one.end, { tenths: true })}`;
  return [
    element("p", { class: "tl-small" }, element("b", {}, one.speaker), ` · ${when}`),
    element("blockquote", { class: one.text === null ? "tl-untold" : null }, one.text ?? "no words known"),
    recognised(one),
    element("p", { class: "tl-verdict" }, isUnsure(analysis, one) ? "unsure, perhaps " : "", chip(analysis.labels, emotionOf(one)), one.corrected ? "" : ` ${percent(one.confidence)}`),
    verdict(analysis, one),
    corrections(analysis, place, acts),
    element("h3", {}, "Every emotion"),
    probabilities(analysis.labels, one),
    element("h3", {}, "Where it comes from"),
    modalities(analysis, one),
  ];
}
