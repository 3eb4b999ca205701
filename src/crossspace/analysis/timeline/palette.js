// One look for each emotion: a colour for light pages, one for dark pages, and a pattern, so that colour never stands alone.
// Hues after Okabe and Ito, as in the figures of the reports; the edge has a contrast of 3:1 with the page in both themes.

import { drawing, element } from "./dom.js";

const LOOKS = {
  grey: ["#8b93a1", "#8b93a1"],
  red: ["#d55e01", "#f0793a"],
  blue: ["#0173b2", "#3d9ad1"],
  yellow: ["#f0dc32", "#f0dc32"],
  sky: ["#56b4e9", "#8fd0f5"],
  teal: ["#029e73", "#2cc59b"],
  violet: ["#6b4fa0", "#9d85d6"],
  amber: ["#e69f01", "#f0b13c"],
  pink: ["#cc78bc", "#d98abb"],
  brown: ["#7a5230", "#b98a62"],
  slate: ["#2f4b4f", "#6f979c"],
  olive: ["#a3b75c", "#a3b75c"],
};

const USUAL = {
  neu: "grey", ang: "red", neg: "red", mad: "red", sad: "blue", pos: "blue", hap: "yellow", joy: "yellow", exc: "amber",
  fru: "pink", pow: "pink", sur: "sky", dis: "teal", pea: "olive", fea: "violet", sca: "violet",
};

const MARKS = {
  grey: "", red: "M-2 2L2-2M0 8L8 0M6 10L10 6", blue: "M2 0V8M6 0V8", yellow: "M2 2h.01M6 6h.01",
  sky: "M4 1.5V6.5M1.5 4H6.5", teal: "M0 2H8M0 6H8", violet: "M0 5L2 3L6 7L8 5", amber: "M0 0L8 8M8 0L0 8",
  pink: "M-2 6L2 10M0 0L8 8M6-2L10 2", brown: "M2 2H6V6H2Z", slate: "M0 4H8M4 0V8", olive: "M0 6Q4 0 8 6",
};

const ORDER = ["sky", "amber", "teal", "yellow", "blue", "red", "pink", "grey", "violet", "brown", "slate", "olive"];

export function looks(labels) {
  const chosen = new Map();
  for (const label of labels) {
    const usual = USUAL[label.trim().toLowerCase().slice(0, 3)];
    if (usual && ![...chosen.values()].includes(usual)) chosen.set(label, usual);
  }
  const taken = new Set(chosen.values());
  const free = ORDER.filter((name) => !taken.has(name));
  const rest = labels.filter((label) => !chosen.has(label));
  rest.forEach((label, place) => chosen.set(label, (free.length ? free : ORDER)[place % (free.length || ORDER.length)]));
  return labels.map((label) => chosen.get(label));
}

// Sets --e0, --e1, … and their edges on `root`, and returns the hidden drawing that holds the patterns.
export function palette(root, labels) {
  const patterns = looks(labels).map((name, place) => {
    const [light, dark] = LOOKS[name];
    root.style.setProperty(`--e${place}`, `light-dark(${light}, ${dark})`);
    root.style.setProperty(
      `--e${place}-edge`,
      `light-dark(color-mix(in srgb, ${light}, #000 38%), color-mix(in srgb, ${dark}, #fff 35%))`,
    );
    root.style.setProperty(`--e${place}-mark`, `color-mix(in srgb, light-dark(${light}, ${dark}), #000 42%)`);
    return drawing(
      "pattern",
      { id: `emotion-${place}`, width: 8, height: 8, patternUnits: "userSpaceOnUse" },
      drawing("rect", { width: 8, height: 8, style: { fill: `var(--e${place})` } }),
      drawing("path", { d: MARKS[name], class: "tl-mark", style: { stroke: `var(--e${place}-mark)` } }),
    );
  });
  return drawing("svg", { class: "tl-patterns", "aria-hidden": "true" }, drawing("defs", {}, patterns));
}

export function swatch(place) {
  return drawing(
    "svg",
    { class: "tl-swatch", width: 16, height: 16, "aria-hidden": "true" },
    drawing("rect", {
      x: 0.75, y: 0.75, width: 14.5, height: 14.5, rx: 4, fill: `url(#emotion-${place})`,
      style: { stroke: `var(--e${place}-edge)` },
    }),
  );
}

export function chip(labels, label, ...more) {
  return element("span", { class: "tl-chip" }, swatch(labels.indexOf(label)), label, ...more);
}
