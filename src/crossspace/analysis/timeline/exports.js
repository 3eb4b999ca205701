// An analysis as a file: JSON, CSV for spreadsheets, WebVTT for players. Made here, sent nowhere; the same as exports.py makes.

import { element } from "./dom.js";
import { menu } from "./menu.js";
import { emotionOf, isUnsure } from "./people.js";

// A cell that a spreadsheet would take for a formula begins with an apostrophe.
function cell(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function best(scores) {
  return scores && Object.keys(scores).reduce((one, other) => (scores[other] > scores[one] ? other : one));
}

export function toCsv(analysis) {
  const { labels } = analysis;
  const modalities = analysis.model.modalities ?? [];
  const recognised = ["text", "speaker"].filter((what) => analysis.utterances.some((one) => what in (one.recognised ?? {})));
  const corrected = (cells) => (analysis.utterances.some((one) => one.corrected) ? cells : []);
  const calibrated = (cells) => (analysis.model.unsure_below ? cells : []);
  const header = [
    "conversation_id", "utterance_id", "position", "speaker", "start", "end", "text", "label", "confidence",
    ...calibrated(["unsure"]),
    ...corrected(["corrected"]),
    ...labels.map((label) => `p_${label}`),
    ...modalities.flatMap((name) => [`${name}_alone`, `${name}_contribution`, `${name}_missing`]),
    ...recognised.map((what) => `recognised.${what}`),
  ];
  const rows = analysis.utterances.map((one, place) => [
    analysis.conversation_id, one.id, place, one.speaker, one.start, one.end, one.text, one.label, one.confidence,
    ...calibrated([isUnsure(analysis, one)]),
    ...corrected([one.corrected]),
    ...labels.map((label) => one.probabilities[label]),
    ...modalities.flatMap((name) => [best(one.unimodal[name]), one.contributions[name], one.missing[name]]),
    ...recognised.map((what) => one.recognised?.[what]),
  ]);
  return [header, ...rows].map((row) => `${row.map(cell).join(",")}\n`).join("");
}

function stamp(seconds) {
  const whole = Math.round(seconds * 1000);
  const pad = (value, width) => String(value).padStart(width, "0");
  const hours = pad(Math.floor(whole / 3600000), 2);
  return `${hours}:${pad(Math.floor(whole / 60000) % 60, 2)}:${pad(Math.floor(whole / 1000) % 60, 2)}.${pad(whole % 1000, 3)}`;
}

function plain(text) {
  return text.replace(/\s+/g, " ").trim().replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll("{\\", "&#123;\\");
}

const LATEST = 10000 * 3600;

// The utterances that make a valid cue.
function timed(analysis) {
  return analysis.utterances.filter(({ start, end }) => start !== null && end !== null
    && start >= 0 && start < end && end <= LATEST && stamp(start) !== stamp(end));
}

export function toVtt(analysis) {
  const cues = timed(analysis).map((one) => {
    const emotion = emotionOf(one).replace(/[^\p{L}\p{N}_-]+/gu, "-");
    const words = plain(one.text || "(no transcript)");
    const said = `<c.${emotion}>${words}</c>`;
    // Where nobody knows who speaks, no name stands before the words.
    const named = one.speaker === "speaker" ? said : `<v ${plain(one.speaker) || "unknown"}>${said}</v>`;
    return `${stamp(one.start)} --> ${stamp(one.end)}\n${named}\n`;
  });
  return `WEBVTT\n\n${cues.join("\n")}`;
}

export function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

export function stemOf(analysis) {
  return analysis.conversation_id.replace(/[^\p{L}\p{N}._-]+/gu, "_").replace(/^\.+/, "") || "conversation";
}

// `others` are formats that are made elsewhere: `{title, ending, about, timed, act}`, where `act` gives `false` if it failed.
export function exportMenu(analysis, others, onSaved) {
  const stem = stemOf(analysis);
  const hasTimes = timed(analysis).length > 0;
  const own = (title, ending, type, about, make) => ({ title, ending, about, act: () => save(`${stem}.${ending}`, type, make(analysis)) });
  const items = [
    own("JSON", "json", "application/json", "everything, for programs", (one) => `${JSON.stringify(one, null, 2)}\n`),
    own("CSV", "csv", "text/csv", "a row for each utterance", toCsv),
    { ...own("WebVTT", "vtt", "text/vtt", "captions for the web", toVtt), timed: true },
    ...others,
  ];
  return menu("Export", items.map((one) => ({
    ...one, works: !one.timed || hasTimes, about: !one.timed || hasTimes ? one.about : "needs times",
    act: async () => { if ((await one.act()) !== false) onSaved(); },
  })));
}
