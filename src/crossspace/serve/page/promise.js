// What the page may promise: what the model that is loaded can do, and no more.

const SENSES = { text: "words", audio: "voice", visual: "face" };
const KINDS = "WebVTT, SRT, CSV, JSON, Word, plain text and more";

function listed(words) {
  return words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}` : words[0];
}

export function perceives({ modalities }) {
  return modalities.some((name) => name !== "text");
}

// Whether nothing can be said of a recording that comes alone.
export function needsTranscript(model) {
  return !perceives(model) && !model.transcribes;
}

export function promise(model) {
  const what = needsTranscript(model) ? "a transcript, with or without its recording" : "a recording, a transcript or both";
  const senses = listed(model.modalities.map((name) => SENSES[name] ?? name));
  const from = perceives(model) ? `, and what ${senses} had to say in it` : `, judged from the ${senses} alone`;
  return `Drop ${what}. You get one emotion for every utterance and the arc of every speaker${from}.`;
}

export function hint(model) {
  if (needsTranscript(model)) return `A transcript: ${KINDS}. A recording can come with it, to listen to: this model reads words only.`;
  return `Video or audio, and its transcript: ${KINDS}. One of the two is enough.`;
}

// What is to be known of a recording that comes without a transcript.
export function alone(model) {
  if (model.transcribes) return `Without a transcript, its words will be recognised by ${model.transcribes}.`;
  if (!perceives(model)) return "This model reads words only, so it needs the transcript of this recording. Choose it, too.";
  if (model.modalities.includes("text")) return "Without a transcript, stretches of speech are found, and what is said stays unknown.";
  return "";
}
