// The page: from what a person brings to the timeline of it, and back to the start.

import { clock, plural } from "../timeline/format.js";
import { isUnsure } from "../timeline/people.js";
import { Timeline } from "../timeline/timeline.js";
import { call } from "./api.js";
import { withToken } from "./ask.js";
import { dialogs, tabs, themes } from "./chrome.js";
import { EXAMPLE } from "./example.js";
import { Files, size } from "./files.js";
import { served } from "./export.js";
import { keys } from "./keys.js";
import { Live } from "./live.js";
import { asKnown, model } from "./model.js";
import { Player } from "./player.js";
import { Preview } from "./preview.js";
import { alone, needsTranscript, promise } from "./promise.js";
import { Work } from "./work.js";

const $ = (id) => document.getElementById(id);
const WELCOME = { title: $("title").textContent, lead: $("lead").textContent, tab: document.title };

let shown = false;
const work = new Work();
const timeline = new Timeline($("timeline"), {
  onPlay: (utterance) => player.playFrom(utterance.start),
  onSelect: (utterance) => { if (player.media?.paused) player.seek(utterance.start); },
  onRename: (from, to) => (document.body.matches(".live") ? live.chips.rename(from, to) : undefined),
  onEdit: (analysis) => player.repaint(analysis),
  exports: (analysis) => served(analysis, (error) => work.complain(error)),
});
const player = new Player({
  section: $("player"), screen: $("screen"), wave: $("wave"), note: $("sound-note"),
  onTime: (seconds) => timeline.moveTo(seconds),
  onRegion: (place) => timeline.play(place),
});
const chooseTab = tabs();
const previews = Object.fromEntries(["file", "pasted"].map((name) => [name, new Preview($(`preview-${name}`), {
  onTell: (said) => { $("status").textContent = said; },
})]));
const files = new Files({
  onChange: (now, kind) => {
    if (kind === "transcript" && now.transcript) previews.file.ask(now.transcript);
    else if (kind === "transcript") previews.file.clear();
    ready(now);
  },
  onDrop: () => { work.calm(); chooseTab($("tab-files")); },
  onError: (error) => work.complain(error),
});
const live = new Live({ onUtterance: hear, onRename: rename, onError: (error) => work.complain(error) });

// Said before anything is sent: a model that only reads can do nothing with a recording alone.
function ready({ media, transcript }) {
  const known = asKnown();
  const bare = media && !transcript && known;
  $("alone").textContent = bare ? alone(known) : "";
  $("alone").classList.toggle("lacking", Boolean(bare && needsTranscript(known)));
  $("analyze").disabled = (!media && !transcript) || Boolean(bare && needsTranscript(known));
}

// In a live conversation the timeline knows who has spoken, the chips know who may.
function rename(from, to) {
  if (document.body.matches(".live") && timeline.analysis.speakers.includes(from)) timeline.rename(from, to);
  else live.chips.rename(from, to);
}

function show(analysis, file) {
  shown = true;
  live.end();
  document.body.classList.remove("live");
  document.body.classList.add("result");
  $("start").hidden = true;
  $("again").hidden = false;
  $("timeline").hidden = false;
  timeline.show(analysis);
  const { utterances, speakers, media } = analysis;
  $("title").textContent = analysis.conversation_id;
  document.title = `${analysis.conversation_id}: crossspace`;
  $("lead").textContent = [
    media?.duration ? clock(media.duration) : null, plural(utterances.length, "utterance"), plural(speakers.length, "speaker"),
    `labelled by ${analysis.model.name}`,
  ].filter(Boolean).join(" · ");
  $("status").textContent = `${plural(utterances.length, "utterance")} labelled. The timeline is below.`;
  $("main").focus({ preventScroll: true });
  scrollTo(0, 0);
  if (file) player.load(file, analysis);
}

// Corrections live in this page alone.
function mayLeave() {
  return !timeline.unsaved || confirm("Your corrections are not exported yet, and go with this page. Leave them behind?");
}

function restart() {
  if (!mayLeave()) return;
  shown = timeline.unsaved = false;
  live.end();
  player.clear();
  files.clear();
  previews.file.clear();
  work.calm();
  $("status").textContent = "";
  document.body.classList.remove("result", "live");
  $("timeline").hidden = $("again").hidden = true;
  $("start").hidden = false;
  $("title").textContent = WELCOME.title;
  $("lead").textContent = asKnown() ? promise(asKnown()) : WELCOME.lead;
  document.title = WELCOME.tab;
  $("tab-files").parentElement.querySelector("[aria-selected=true]").focus();
}

async function analyze(form, file) {
  const analysis = await work.run(({ job, ...progress }) => withToken(() => call(`v1/analyze?job=${job}`, { body: form, ...progress })));
  if (!analysis) return;
  show(analysis, file);
  await model().catch((error) => work.complain(error));
}

// Text is a transcript like any other: the server tells its format from what is in it.
function analyzeText(text, name) {
  if (!text.trim()) return work.complain({ message: "There is nothing to analyze yet. Write a line for each utterance: NAME: what they say." });
  const form = new FormData();
  form.append("transcript", new File([text], name));
  return analyze(form);
}

function begin({ name, kind, labels, modalities, causal, in_the_box, unsure_below }) {
  shown = true;
  document.body.classList.add("live");
  $("timeline").hidden = $("again").hidden = false;
  timeline.show({
    format: 1, conversation_id: "live", labels, model: { name, kind, modalities, causal, in_the_box, unsure_below }, media: null,
    speakers: [], arcs: {}, utterances: [], notes: [],
  });
}

function hear(utterance, begins) {
  work.calm();
  if (begins) begin(begins);
  timeline.append(utterance);
  const unsure = isUnsure(timeline.analysis, utterance) ? "unsure, perhaps " : "";
  $("status").textContent = `${utterance.speaker}: ${unsure}${utterance.label}`;
}

// Told before a long upload: a server that turns one down midway looks as if it were gone.
async function analyzeFiles() {
  try {
    const limit = (await model()).limits.max_media;
    if (!(files.media?.size > limit)) return analyze(files.form(), files.media);
    const sizes = `Found ${size(files.media.size, Math.ceil)} where this server takes ${size(limit, Math.floor)}.`;
    throw new Error(`${files.media.name} is too large. ${sizes} Send a smaller one, its sound alone, or the transcript alone.`);
  } catch (error) {
    return work.complain(error);
  }
}

$("form-files").addEventListener("submit", (event) => { event.preventDefault(); analyzeFiles(); });
$("form-paste").addEventListener("submit", (event) => { event.preventDefault(); analyzeText($("pasted").value, "Conversation"); });
$("pasted").addEventListener("input", () => {
  const text = $("pasted").value;
  $("paste-count").textContent = plural(text.split("\n").filter((line) => line.trim()).length, "line");
  if (text.trim()) previews.pasted.later(new File([text], "Conversation"));
  else previews.pasted.clear();
});
$("fill").addEventListener("click", () => { $("pasted").value = EXAMPLE; $("pasted").dispatchEvent(new Event("input")); });
$("example").addEventListener("click", () => analyzeText(EXAMPLE, "Example conversation"));
$("again").addEventListener("click", restart);
addEventListener("beforeunload", (event) => { if (timeline.unsaved) event.preventDefault(); });

$("timeline").hidden = true;
themes();
dialogs();
keys({ player, timeline, live, shown: () => shown });
document.addEventListener("model", () => ready(files));
model().catch((error) => work.complain(error));
