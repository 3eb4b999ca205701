// Draws the analysis that an exported file carries. What is corrected in it can be saved as another such file.

import { markdown } from "./card.js";
import { save, stemOf } from "./exports.js";
import { Timeline } from "./timeline.js";

// As it was before anything was view.
const untouched = document.documentElement.cloneNode(true);

// JSON in which no character can end or open an element.
function embedded(analysis) {
  const code = (character) => `\\u00${character.charCodeAt(0).toString(16)}`;
  return JSON.stringify(analysis).replace(/[&<>]/g, code);
}

function saveReport(analysis) {
  untouched.querySelector("#analysis").textContent = embedded(analysis);
  save(`${stemOf(analysis)}.html`, "text/html", `<!doctype html>\n${untouched.outerHTML}\n`);
}

const carried = JSON.parse(document.getElementById("analysis").textContent);
const view = new Timeline(document.getElementById("timeline"), {
  exports: (analysis) => [{ title: "HTML", ending: "html", about: "this file, with your corrections", act: () => saveReport(analysis) }],
});
view.show(carried);

const cardText = JSON.parse(document.getElementById("card-text").textContent);
if (cardText) {
  const folded = document.getElementById("card");
  folded.querySelector(".card-body").replaceChildren(...markdown(cardText));
  folded.hidden = document.getElementById("card-link").hidden = false;
  document.getElementById("card-link").addEventListener("click", () => { folded.open = true; });
}
// Corrections are in the page alone until they are exported.
addEventListener("beforeunload", (event) => { if (view.unsaved) event.preventDefault(); });
