// The page: from what a person brings to the timeline of it, and back to the start.

import { clock, plural } from "../timeline/format.js";
import { Timeline } from "../timeline/timeline.js";
import { call } from "./api.js";
import { withToken } from "./ask.js";
import { dialogs, tabs, themes } from "./chrome.js";
import { Files } from "./files.js";
import { keys } from "./keys.js";
import { Live } from "./live.js";
import { showModel } from "./model.js";
import { EXAMPLE, isCues, parseConversation } from "./paste.js";
import { Player } from "./player.js";
import { Work } from "./work.js";

const $ = (id) => document.getElementById(id);
const WELCOME = { title: $("title").textContent, lead: $("lead").textContent, tab: document.title };

let model;
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
const files = new Files({ onChange: (now) => { $("analyze").disabled = !now.media && !now.transcript; } });
const live = new Live({ onUtterance: hear, onError: (error) => work.complain(error) });

function show(analysis, file) {
  shown = true;
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
  document.body.classList.remove("result");
  $("timeline").hidden = $("again").hidden = true;
  $("start").hidden = false;
  $("title").textContent = WELCOME.title;
  $("lead").textContent = WELCOME.lead;
  document.title = WELCOME.tab;
  $("tab-files").parentElement.querySelector("[aria-selected=true]").focus();
}

async function analyze(path, body, file) {
  const analysis = await work.run((progress) => withToken(() => call(path, { body, ...progress })));
  if (analysis) show(analysis, file);
}

function analyzePasted(text) {
  const utterances = parseConversation(text);
  if (!utterances.length) return work.complain({ message: "There is nothing to analyze yet. Write a line for each utterance: NAME: what they say." });
  if (!isCues(text)) return analyze("v1/predict", JSON.stringify({ id: "conversation", utterances }));
  const form = new FormData();
  form.append("transcript", new File([text], /^\uFEFF?WEBVTT/.test(text) ? "pasted.vtt" : "pasted.srt"));
  return analyze("v1/analyze", form);
}

function hear(utterance, first) {
  work.calm();
  if (first) {
    shown = true;
    $("timeline").hidden = $("again").hidden = false;
    const { name, kind, modalities, causal, in_the_box } = model;
    timeline.show({
      format: 1, conversation_id: "live", labels: model.labels, model: { name, kind, modalities, causal, in_the_box }, media: null,
      speakers: [], arcs: {}, utterances: [], notes: [],
    });
  }
  timeline.append(utterance);
  $("status").textContent = `${utterance.speaker}: ${utterance.label}`;
}

// Told before a long upload: a server that turns one down midway looks as if it were gone.
function analyzeFiles() {
  const limit = model?.limits?.max_media;
  if (!(files.media?.size > limit)) return analyze("v1/analyze", files.form(), files.media);
  const sizes = `Found ${Math.ceil(files.media.size / 1e6)} MB where this server takes ${Math.floor(limit / 1e6)} MB.`;
  return work.complain({ message: `${files.media.name} is too large. ${sizes} Send a smaller one, its sound alone, or the transcript alone.` });
}

$("panel-files").addEventListener("submit", (event) => { event.preventDefault(); analyzeFiles(); });
$("panel-paste").addEventListener("submit", (event) => { event.preventDefault(); analyzePasted($("pasted").value); });
$("pasted").addEventListener("input", () => { $("paste-count").textContent = plural(parseConversation($("pasted").value).length, "utterance"); });
$("fill").addEventListener("click", () => { $("pasted").value = EXAMPLE; $("pasted").dispatchEvent(new Event("input")); });
$("example").addEventListener("click", () => analyzePasted(EXAMPLE));
$("again").addEventListener("click", restart);

$("timeline").hidden = true;
themes();
dialogs();
tabs((id) => { if (id !== "tab-live" && shown) restart(); });
keys({ player, timeline, shown: () => shown });
model = await showModel().catch((error) => work.complain(error));
