// Who speaks, how much, and with which emotions: the arcs of an analysis, as its JSON has them.

// What a person corrected the label to, or the label.
export function emotionOf(one) {
  return one.corrected ?? one.label;
}

// Whether the model is, where it knows from which confidence on it is not; of what a person says nobody is.
export function isUnsure(analysis, one) {
  return !one.corrected && one.confidence < (analysis.model.unsure_below ?? 0);
}

// How much of an utterance has an emotion: its probability, or all of it where a person said so.
export function shareOf(one, label) {
  return one.corrected ? Number(one.corrected === label) : one.probabilities[label] ?? 0;
}

export function speakersOf(utterances) {
  return [...new Set(utterances.map((one) => one.speaker))];
}

export function arcsOf(utterances, labels) {
  return Object.fromEntries(speakersOf(utterances).map((speaker) => {
    const own = utterances.filter((one) => one.speaker === speaker);
    const spoken = own.filter((one) => one.start !== null && one.end !== null).map((one) => one.end - one.start);
    const share = (label) => own.reduce((sum, one) => sum + shareOf(one, label), 0) / own.length;
    return [speaker, {
      utterances: own.length,
      seconds: spoken.length ? spoken.reduce((sum, one) => sum + one, 0) : null,
      shares: Object.fromEntries(labels.map((label) => [label, share(label)])),
    }];
  }));
}
