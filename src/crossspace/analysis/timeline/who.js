// The name of a speaker with a way to change it. A name that another one has joins the two.

import { element } from "./dom.js";

function form(speaker, others, { onRename, onCancel }) {
  const go = element("button", { type: "submit" }, "Rename");
  const name = element("input", { type: "text", value: speaker, maxlength: 200, autocomplete: "off", "aria-label": `New name of ${speaker}` });
  const wanted = () => name.value.trim();
  name.addEventListener("input", () => {
    go.textContent = others.includes(wanted()) ? `Join with ${wanted()}` : "Rename";
    go.disabled = !wanted();
  });
  return element("form", {
    class: "tl-rename",
    onsubmit: (event) => { event.preventDefault(); if (wanted() && wanted() !== speaker) onRename(wanted()); else onCancel(); },
    onkeydown: (event) => { if (event.key === "Escape") { event.stopPropagation(); onCancel(); } },
  }, name, go, element("button", { type: "button", onclick: onCancel }, "Cancel"));
}

export function who(speaker, speakers, onRename) {
  const others = speakers.filter((one) => one !== speaker);
  const open = () => {
    const writing = form(speaker, others, { onRename: (name) => onRename(speaker, name), onCancel: close });
    node.replaceChildren(writing);
    writing.querySelector("input").select();
  };
  const close = () => {
    node.replaceChildren(...shown);
    node.querySelector("button").focus();
  };
  const shown = [
    element("h3", {}, speaker),
    element("button", { type: "button", class: "tl-pen", "aria-label": `Rename ${speaker}`, title: "Rename, or join with another", onclick: open }, "✎"),
  ];
  const node = element("div", { class: "tl-name" }, ...shown);
  return node;
}
