// An analysis as a file: JSON, CSV for spreadsheets, WebVTT for players. Made here, sent nowhere.

import { element } from "./dom.js";

function cell(value) {
  if (value === null || value === undefined) return "";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function toCsv(analysis) {
  const { labels } = analysis;
  const header = ["conversation_id", "utterance_id", "position", "speaker", "start", "end", "text", "label", "confidence"];
  const rows = analysis.utterances.map((one, place) => [
    analysis.conversation_id, one.id, place, one.speaker, one.start, one.end, one.text, one.label, one.confidence,
    ...labels.map((label) => one.probabilities[label]),
  ]);
  return [[...header, ...labels.map((label) => `p_${label}`)], ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
}

function stamp(seconds) {
  const whole = Math.round(seconds * 1000);
  const pad = (value, width) => String(value).padStart(width, "0");
  const hours = pad(Math.floor(whole / 3600000), 2);
  return `${hours}:${pad(Math.floor(whole / 60000) % 60, 2)}:${pad(Math.floor(whole / 1000) % 60, 2)}.${pad(whole % 1000, 3)}`;
}

function plain(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replace(/\s+/g, " ").trim();
}

export function canVtt(analysis) {
  return analysis.utterances.length > 0 && analysis.utterances.every((one) => one.start !== null && one.end !== null);
}

export function toVtt(analysis) {
  const cues = analysis.utterances.map((one, place) => {
    const emotion = one.label.toLowerCase().replace(/[^a-z0-9_-]+/g, "-");
    const words = one.text === null ? `(${one.label})` : one.text;
    return `${place + 1}\n${stamp(one.start)} --> ${stamp(one.end)}\n<v ${plain(one.speaker)}><c.${emotion}>${plain(words)}</c>\n`;
  });
  return ["WEBVTT\n", ...cues].join("\n");
}

export function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

export function exportButtons(analysis) {
  const stem = analysis.conversation_id.replace(/[^\p{L}\p{N}._-]+/gu, "_").replace(/^\.+/, "") || "conversation";
  const button = (name, ending, type, make, works = true) => element("button", {
    type: "button", disabled: !works, title: works ? `Save ${stem}.${ending}` : "WebVTT needs the time of every utterance",
    onclick: () => save(`${stem}.${ending}`, type, make(analysis)),
  }, name);
  return element("div", { class: "tl-exports", role: "group", "aria-label": "Export" },
    element("span", { class: "tl-small" }, "Export"),
    button("JSON", "json", "application/json", (one) => `${JSON.stringify(one, null, 2)}\n`),
    button("CSV", "csv", "text/csv", toCsv),
    button("WebVTT", "vtt", "text/vtt", toVtt, canVtt(analysis)));
}
