// The page: from what a person brings to the timeline of it, and back to the start.

import { clock, plural } from "../timeline/format.js";
import { Timeline } from "../timeline/timeline.js";
import { call } from "./api.js";
import { withToken } from "./ask.js";
import { dialogs, tabs, themes } from "./chrome.js";
import { EXAMPLE } from "./example.js";
import { Files, size } from "./files.js";
import { keys } from "./keys.js";
import { Live } from "./live.js";
import { model } from "./model.js";
import { Player } from "./player.js";
import { Work } from "./work.js";

const $ = (id) => document.getElementById(id);
const WELCOME = { title: $("title").textContent, lead: $("lead").textContent, tab: document.title };

let shown = false;
const work = new Work();
const timeline = new Timeline($("timeline"), {
  onPlay: (utterance) => player.playFrom(utterance.start),
  onSelect: (utterance) => { if (player.media?.paused) player.seek(utterance.start); },
});
const player = new Player({
  section: $("player"), screen: $("screen"), wave: $("wave"), note: $("sound-note"),
  onTime: (seconds) => timeline.moveTo(seconds),
  onRegion: (place) => timeline.play(place),
});
const chooseTab = tabs();
const files = new Files({
  onChange: (now) => { $("analyze").disabled = !now.media && !now.transcript; },
  onDrop: () => { work.calm(); chooseTab($("tab-files")); },
  onError: (error) => work.complain(error),
});
const live = new Live({ onUtterance: hear, onError: (error) => work.complain(error) });

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

function restart() {
  shown = false;
  live.end();
  player.clear();
  files.clear();
  work.calm();
  $("status").textContent = "";
  document.body.classList.remove("result", "live");
  $("timeline").hidden = $("again").hidden = true;
  $("start").hidden = false;
  $("title").textContent = WELCOME.title;
  $("lead").textContent = WELCOME.lead;
  document.title = WELCOME.tab;
  $("tab-files").parentElement.querySelector("[aria-selected=true]").focus();
}

async function analyze(form, file) {
  const analysis = await work.run((progress) => withToken(() => call("v1/analyze", { body: form, ...progress })));
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

function begin({ name, kind, labels, modalities, causal, in_the_box }) {
  shown = true;
  document.body.classList.add("live");
  $("timeline").hidden = $("again").hidden = false;
  timeline.show({
    format: 1, conversation_id: "live", labels, model: { name, kind, modalities, causal, in_the_box }, media: null,
    speakers: [], arcs: {}, utterances: [], notes: [],
  });
}

function hear(utterance, begins) {
  work.calm();
  if (begins) begin(begins);
  timeline.append(utterance);
  $("status").textContent = `${utterance.speaker}: ${utterance.label}`;
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

$("panel-files").addEventListener("submit", (event) => { event.preventDefault(); analyzeFiles(); });
$("panel-paste").addEventListener("submit", (event) => { event.preventDefault(); analyzeText($("pasted").value, "Conversation"); });
$("pasted").addEventListener("input", () => {
  $("paste-count").textContent = plural($("pasted").value.split("\n").filter((line) => line.trim()).length, "line");
});
$("fill").addEventListener("click", () => { $("pasted").value = EXAMPLE; $("pasted").dispatchEvent(new Event("input")); });
$("example").addEventListener("click", () => analyzeText(EXAMPLE, "Example conversation"));
$("again").addEventListener("click", restart);

$("timeline").hidden = true;
themes();
dialogs();
keys({ player, timeline, shown: () => shown });
model().catch((error) => work.complain(error));
