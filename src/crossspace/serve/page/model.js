// Which model speaks here, and its card.

import { call } from "./api.js";
import { withToken } from "./ask.js";
import { markdown } from "./card.js";

const $ = (id) => document.getElementById(id);
const HINT = $("live-hint").textContent;

let known;

// Asks anew each time, which also shows whether the server accepts the token.
export async function askModel() {
  try {
    known = await withToken(() => call("v1/model"));
  } catch (error) {
    if (!known) $("model").textContent = "The server has not said which model it has.";
    throw error;
  }
  tell(known);
  return known;
}

// Asks until the server has answered once.
export async function model() {
  return known ?? askModel();
}

function tell({ name, labels, modalities, causal, card, in_the_box }) {
  const shipped = in_the_box ? ", the one shipped with crossspace" : "";
  $("model").textContent = `Model: ${name}${shipped}. It knows ${labels.join(", ")}, from ${modalities.join(", ")}.`;
  $("live-hint").textContent = causal ? HINT : `${HINT} This model was trained to see what comes after, too; live, it does with less.`;
  $("card-body").replaceChildren(...markdown(card ?? ""));
  $("card-button").disabled = !card;
}
