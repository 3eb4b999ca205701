// Who speaks, how much, and with which emotions: the arcs of an analysis, as its JSON has them.

export function speakersOf(utterances) {
  return [...new Set(utterances.map((one) => one.speaker))];
}

export function arcsOf(utterances, labels) {
  return Object.fromEntries(speakersOf(utterances).map((speaker) => {
    const own = utterances.filter((one) => one.speaker === speaker);
    const spoken = own.filter((one) => one.start !== null && one.end !== null).map((one) => one.end - one.start);
    const share = (label) => own.reduce((sum, one) => sum + (one.probabilities[label] ?? 0), 0) / own.length;
    return [speaker, {
      utterances: own.length,
      seconds: spoken.length ? spoken.reduce((sum, one) => sum + one, 0) : null,
      shares: Object.fromEntries(labels.map((label) => [label, share(label)])),
    }];
  }));
}
