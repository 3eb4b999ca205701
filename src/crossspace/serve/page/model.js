// Which model speaks here, what it can do, and its card.

import { call } from "./api.js";
import { withToken } from "./ask.js";
import { markdown } from "../timeline/card.js";
import { hint, promise } from "./promise.js";

const $ = (id) => document.getElementById(id);

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

// What the server has said so far, if anything.
export function asKnown() {
  return known;
}

function tell(answer) {
  const { name, labels, modalities, causal, card, in_the_box } = answer;
  const shipped = in_the_box ? ", the one shipped with crossspace" : "";
  $("model").textContent = `Model: ${name}${shipped}. It knows ${labels.join(", ")}, from ${modalities.join(", ")}.`;
  if (!document.body.matches(".result, .live")) $("lead").textContent = promise(answer);
  $("bring").textContent = hint(answer);
  $("live-later").textContent = causal ? "" : "This model was trained to see what comes after, too; live, it does with less.";
  $("card-body").replaceChildren(...markdown(card ?? ""));
  $("card-button").disabled = !card;
  document.dispatchEvent(new Event("model"));
}
