// The speakers of a live conversation as chips: one is chosen, by a click, by arrows or by its number.

import { element } from "../timeline/dom.js";

const BEGIN = ["Speaker 1", "Speaker 2"];
const MOST_KEYS = 9;

export class Chips {
  // `onChange` is called when another one is chosen or called otherwise, `onRename(from, to)` when a name is to change.
  constructor(node, { onChange, onRename }) {
    Object.assign(this, { node, onChange, onRename });
    this.group = element("div", { class: "chips", role: "radiogroup", "aria-label": "Speaker" });
    this.pen = element("button", { type: "button", class: "tl-pen", "aria-label": "Rename the chosen speaker", title: "Rename (F2)", onclick: () => this.write(this.now) }, "✎");
    this.plus = element("button", { type: "button", onclick: () => this.write() }, "+ Speaker");
    this.writing = element("div", {});
    node.replaceChildren(this.group, this.pen, this.plus, this.writing);
    this.group.addEventListener("keydown", (event) => this.move(event));
    node.addEventListener("keydown", (event) => { if (event.key === "F2") this.write(this.now); });
    this.reset();
  }

  // To the server a speaker keeps the name that they began with, or it would take them for somebody new.
  reset() {
    this.people = BEGIN.map((name) => ({ name, sent: [name] }));
    this.now = this.people[0];
    this.draw();
  }

  shown(sent) {
    return this.people.find((one) => one.sent.includes(sent))?.name ?? sent;
  }

  draw() {
    this.writing.replaceChildren();
    this.group.replaceChildren(...this.people.map((one, place) => element("button", {
      type: "button", class: "tl-toggle", role: "radio", "aria-checked": String(one === this.now), tabindex: one === this.now ? 0 : -1,
      onclick: () => this.choose(place),
    }, one.name, place < MOST_KEYS ? element("kbd", { "aria-hidden": "true" }, String(place + 1)) : null)));
    this.onChange(this.now);
  }

  choose(place) {
    this.now = this.people[place];
    this.draw();
  }

  move(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const { length } = this.people;
    this.choose((this.people.indexOf(this.now) + step + length) % length);
    this.group.querySelector("[aria-checked=true]").focus();
  }

  // A new name, for `person` or for a new one.
  write(person) {
    const name = element("input", {
      type: "text", maxlength: 80, autocomplete: "off", value: person?.name ?? "", "aria-label": person ? `New name of ${person.name}` : "Name of the new speaker",
    });
    const end = () => { this.draw(); this.group.querySelector("[aria-checked=true]").focus(); };
    const set = () => {
      const to = name.value.trim();
      if (to && person && to !== person.name) this.onRename(person.name, to);
      else if (to && !person) this.add(to);
      end();
    };
    // No form of its own: it stands in one.
    name.addEventListener("keydown", (event) => {
      event.stopPropagation();
      if (event.key === "Enter") { event.preventDefault(); set(); }
      if (event.key === "Escape") end();
    });
    this.writing.replaceChildren(element("div", { class: "tl-rename" }, name, element("button", { type: "button", onclick: set }, person ? "Rename" : "Add")));
    name.focus();
    name.select();
  }

  add(name) {
    const there = this.people.find((one) => one.name === name);
    if (!there) this.people.push({ name, sent: [name] });
    this.now = there ?? this.people[this.people.length - 1];
  }

  // Gives what takes it back. A name that another one has joins the two.
  rename(from, to) {
    const [one, other] = [from, to].map((name) => this.people.find((person) => person.name === name));
    if (!one) return () => {};
    const place = this.people.indexOf(one);
    if (other) {
      other.sent.push(...one.sent);
      this.people.splice(place, 1);
      if (this.now === one) this.now = other;
    } else {
      one.name = to;
    }
    this.draw();
    return () => {
      one.name = from;
      if (other) {
        other.sent = other.sent.filter((name) => !one.sent.includes(name));
        this.people.splice(place, 0, one);
      }
      this.draw();
    };
  }
}
