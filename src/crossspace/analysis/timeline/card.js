// A model card from its Markdown: headings, paragraphs, lists, tables, code, links. Built from text nodes, never from HTML.

import { element } from "./dom.js";

const INLINE = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\(([^)\s]+)\)/g;

function inline(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(INLINE)) {
    parts.push(text.slice(at, match.index));
    at = match.index + match[0].length;
    const [, code, strong, emphasis, name, address] = match;
    if (code) parts.push(element("code", {}, code));
    else if (strong) parts.push(element("strong", {}, inline(strong)));
    else if (emphasis) parts.push(element("em", {}, inline(emphasis)));
    else if (/^https?:\/\//.test(address)) parts.push(element("a", { href: address, rel: "noopener noreferrer", target: "_blank" }, name));
    else parts.push(name);
  }
  return [...parts, text.slice(at)];
}

function table(lines) {
  const rows = lines.map((line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
  const row = (cells, tag) => element("tr", {}, cells.map((cell) => element(tag, {}, inline(cell))));
  const body = rows.slice(1).filter((cells) => !cells.every((cell) => /^:?-+:?$/.test(cell)));
  return element("table", {}, element("thead", {}, row(rows[0], "th")), element("tbody", {}, body.map((cells) => row(cells, "td"))));
}

function list(lines, tag) {
  const items = [];
  for (const line of lines) {
    const item = /^\s*(?:[-*+]|\d+[.)])\s+(.*)$/.exec(line);
    if (item) items.push(item[1]);
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  return element(tag, {}, items.map((item) => element("li", {}, inline(item))));
}

// Blocks: each takes the lines it owns from the front. A heading of the card is one level below that of its dialog.
const PIECES = [
  [/^```/, (lines) => {
    const end = lines.findIndex((line, place) => place > 0 && line.startsWith("```"));
    const inner = lines.splice(0, (end < 0 ? lines.length : end) + 1).slice(1);
    return element("pre", {}, element("code", {}, inner.filter((line) => !line.startsWith("```")).join("\n")));
  }],
  [/^#{1,6}\s/, (lines) => {
    const [, marks, title] = /^(#+)\s+(.*?)\s*#*$/.exec(lines.shift());
    return element(`h${Math.min(6, Math.max(3, marks.length + 1))}`, {}, inline(title));
  }],
  [/^\s*\|/, (lines) => table(take(lines, (line) => /^\s*\|/.test(line)))],
  [/^\s*[-*+]\s/, (lines) => list(take(lines, (line) => line.trim()), "ul")],
  [/^\s*\d+[.)]\s/, (lines) => list(take(lines, (line) => line.trim()), "ol")],
];

function take(lines, belongs) {
  const end = lines.findIndex((line) => !belongs(line));
  return lines.splice(0, end < 0 ? lines.length : end);
}

export function markdown(text) {
  const lines = text.replace(/^---\r?\n[\s\S]*?\r?\n---\r?\n/, "").split(/\r?\n/);
  const nodes = [];
  while (lines.length) {
    if (!lines[0].trim()) { lines.shift(); continue; }
    const block = PIECES.find(([start]) => start.test(lines[0]));
    if (block) nodes.push(block[1](lines));
    else nodes.push(element("p", {}, inline(take(lines, (line) => line.trim() && !PIECES.some(([start]) => start.test(line))).join(" "))));
  }
  return nodes;
}
