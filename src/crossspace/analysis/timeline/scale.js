// Where an utterance stands: at its time when all have one, else at its place in the conversation.

import { clock } from "./format.js";

export function scaleOf(analysis) {
  const { utterances, media } = analysis;
  const timed = utterances.length > 0 && utterances.every((one) => one.start !== null && one.end !== null);
  const last = utterances.reduce((latest, one) => Math.max(latest, one.end ?? 0), 0);
  const length = timed ? Math.max(last, media?.duration ?? 0, 1e-3) : Math.max(utterances.length, 1);
  return {
    timed,
    length,
    from: (place) => (timed ? utterances[place].start : place) / length,
    to: (place) => (timed ? utterances[place].end : place + 1) / length,
  };
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200];
const COUNTS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];

export function ticksOf(scale, about) {
  const steps = scale.timed ? STEPS : COUNTS;
  const step = steps.find((one) => scale.length / one <= about) ?? steps[steps.length - 1];
  const ticks = [];
  for (let at = 0; at < scale.length; at += step) {
    // A label needs room on its right: the fewer there are, the wider each is of the whole.
    if (at / scale.length > 1 - 0.35 / Math.max(about, 1)) break;
    ticks.push({ at: at / scale.length, text: scale.timed ? clock(at) : String(at + 1) });
  }
  return ticks;
}
