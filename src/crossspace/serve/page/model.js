// Which model speaks here, and its card.

import { call } from "./api.js";
import { withToken } from "./ask.js";
import { markdown } from "./card.js";

const $ = (id) => document.getElementById(id);

export async function showModel() {
  const model = await withToken(() => call("v1/model"));
  const shipped = model.in_the_box ? ", the one shipped with crossspace" : "";
  $("model").textContent = `Model: ${model.name}${shipped}. It knows ${model.labels.join(", ")}, from ${model.modalities.join(", ")}.`;
  if (!model.causal) $("live-hint").textContent += " This model was trained to see what comes after, too; live, it does with less.";
  if (model.card) {
    $("card-body").replaceChildren(...markdown(model.card));
    $("card-button").disabled = false;
    $("card-button").addEventListener("click", () => $("card").showModal());
  }
  return model;
}
