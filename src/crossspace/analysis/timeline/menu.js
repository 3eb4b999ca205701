// A button that opens a list of actions: closed by Escape, by leaving it, and by what is chosen.

import { element } from "./dom.js";

export function menu(name, items) {
  const button = element("button", { type: "button", "aria-expanded": "false", onclick: () => show(list.hidden) }, name);
  const elsewhere = (event) => { if (!node.contains(event.target)) show(false); };
  const show = (open) => {
    list.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    // Only while it is open: menus come and go with what they are for.
    if (open) document.addEventListener("pointerdown", elsewhere);
    else document.removeEventListener("pointerdown", elsewhere);
  };
  const item = ({ title, about, act, works }) => element("button", {
    type: "button", disabled: !works, onclick: () => { show(false); button.focus(); act(); },
  }, element("b", {}, title), element("span", { class: "tl-small" }, about));
  const list = element("div", { class: "tl-menu-list", role: "group", "aria-label": name, hidden: true }, items.map(item));
  const node = element("div", {
    class: "tl-menu",
    onkeydown: (event) => { if (event.key === "Escape" && !list.hidden) { event.stopPropagation(); show(false); button.focus(); } },
    onfocusout: (event) => { if (event.relatedTarget && !node.contains(event.relatedTarget)) show(false); },
  }, button, list);
  return node;
}
