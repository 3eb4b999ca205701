// A button that opens a list of actions: closed by Escape, by a click elsewhere, and by what is chosen.

import { element } from "./dom.js";

export function menu(name, items) {
  const button = element("button", { type: "button", "aria-expanded": "false", onclick: () => show(list.hidden) }, name);
  const show = (open) => {
    list.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
  };
  const list = element("div", { class: "tl-menu-list", role: "group", "aria-label": name, hidden: true }, items.map(({ title, about, act, works }) =>
    element("button", {
      type: "button", disabled: !works, onclick: () => { show(false); button.focus(); act(); },
    }, element("b", {}, title), element("span", { class: "tl-small" }, about))));
  return element("div", {
    class: "tl-menu",
    onkeydown: (event) => { if (event.key === "Escape" && !list.hidden) { event.stopPropagation(); show(false); button.focus(); } },
    onfocusout: (event) => { if (!event.currentTarget.contains(event.relatedTarget)) show(false); },
  }, button, list);
}
