// A conversation at a glance: who speaks how much, and where an emotion is most certain.

import { element } from "./dom.js";
import { clock, percent, plural } from "./format.js";
import { chip } from "./palette.js";
import { arcsOf, emotionOf, isUnsure } from "./people.js";

const [MOST_SPEAKERS, MOST_MOMENTS] = [8, 6];

function talk(utterances, labels) {
  const arcs = Object.entries(arcsOf(utterances, labels));
  const timed = arcs.every(([, { seconds }]) => seconds !== null);
  const amount = ({ utterances: number, seconds }) => (timed ? seconds : number);
  const all = arcs.reduce((sum, [, one]) => sum + amount(one), 0) || 1;
  const row = ([name, one]) => element("li", {},
    element("span", { class: "tl-talker" }, name),
    element("span", { class: "tl-meter", "aria-hidden": "true" }, element("span", { class: "tl-talk", style: { width: `${(100 * amount(one)) / all}%` } })),
    element("span", { class: "tl-number" }, percent(amount(one) / all)),
    element("span", { class: "tl-number tl-small" }, timed ? clock(one.seconds) : plural(one.utterances, "utterance")));
  const rows = arcs.sort((one, other) => amount(other[1]) - amount(one[1]));
  const rest = rows.length - MOST_SPEAKERS;
  return element("div", {},
    element("h3", {}, timed ? "Share of the talk" : "Share of the utterances"),
    element("ul", { class: "tl-talks" }, rows.slice(0, MOST_SPEAKERS).map(row)),
    rest > 0 ? element("p", { class: "tl-small" }, `and ${plural(rest, "other speaker")}`) : null);
}

function isNeutral(label) {
  return /^(neu|no emotion|none$|calm$)/i.test(label);
}

function moments(analysis, onChoose) {
  const { utterances, labels } = analysis;
  const felt = utterances.map((one, place) => [one, place])
    .filter(([one]) => !isNeutral(emotionOf(one)) && !one.corrected && !isUnsure(analysis, one));
  const best = felt.sort(([one], [other]) => other.confidence - one.confidence).slice(0, MOST_MOMENTS);
  const row = ([one, place]) => element("li", {},
    element("button", { type: "button", class: "tl-moment", onclick: () => onChoose(place) },
      element("span", { class: "tl-when" }, one.start === null ? `${place + 1}.` : clock(one.start)),
      chip(labels, one.label, element("span", { class: "tl-sure" }, percent(one.confidence))),
      element("span", { class: "tl-said" }, element("b", {}, one.speaker), ` ${one.text ?? "no words known"}`)));
  return element("div", {},
    element("h3", {}, "Strongest moments"),
    best.length ? element("ul", { class: "tl-moments" }, best.map(row)) : element("p", { class: "tl-small" }, "Of no utterance is the model sure that it is anything but neutral."));
}

export function glance(analysis, onChoose) {
  if (!analysis.utterances.length) return [];
  return [talk(analysis.utterances, analysis.labels), moments(analysis, onChoose)];
}
