// What a person may put right of one utterance: its emotion, and who said it.

import { element } from "./dom.js";
import { emotionOf, speakersOf } from "./people.js";

const ANOTHER = "\u0000another";

function field(name, what, options, onChange) {
  return element("label", { class: "tl-field" }, name,
    element("select", { "data-correct": what, onchange: (event) => onChange(event.target.value) }, options));
}

function choice(value, text, chosen) {
  return element("option", { value, selected: value === chosen }, text);
}

function emotion(labels, one, onCorrect) {
  const options = labels.map((label) => choice(label, label === one.label ? `${label} (model’s)` : label, emotionOf(one)));
  return field("Emotion", "emotion", options, onCorrect);
}

// Somebody who has not spoken yet is written, not chosen.
function another(select, onAssign) {
  const back = () => { select.value = select.dataset.now; written.remove(); select.focus(); };
  const name = element("input", { type: "text", maxlength: 200, autocomplete: "off", "aria-label": "Name of the new speaker" });
  const written = element("form", {
    class: "tl-rename",
    onsubmit: (event) => { event.preventDefault(); if (name.value.trim()) onAssign(name.value.trim()); else back(); },
    onkeydown: (event) => { if (event.key === "Escape") { event.stopPropagation(); back(); } },
  }, name, element("button", { type: "submit" }, "Set"));
  select.closest(".tl-correct").append(written);
  name.focus();
}

function speaker(speakers, one, onAssign) {
  const options = [...speakers.map((name) => choice(name, name, one.speaker)), choice(ANOTHER, "Somebody else …")];
  const labelled = field("Speaker", "speaker", options, (value) => {
    if (value === ANOTHER) another(select, onAssign);
    else onAssign(value);
  });
  const select = labelled.querySelector("select");
  select.dataset.now = one.speaker;
  return labelled;
}

// `onLeave` is called when somebody goes back to where they came from.
export function corrections({ labels, utterances }, place, { onCorrect, onAssign, onLeave }) {
  const one = utterances[place];
  const leave = (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    onLeave();
  };
  return element("div", { class: "tl-correct", role: "group", "aria-label": "Correct this utterance", onkeydown: leave },
    emotion(labels, one, (label) => onCorrect(place, label)),
    speaker(speakersOf(utterances), one, (name) => onAssign(place, name)),
    one.corrected ? element("button", { type: "button", "data-correct": "back", onclick: () => onCorrect(place, one.label) }, `Back to ${one.label}`) : null);
}
