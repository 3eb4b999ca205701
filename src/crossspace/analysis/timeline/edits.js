// What a person changes in an analysis: names, who said what, emotions. Every change can be taken back, the last one first.

export class Edits {
  constructor(analysis) {
    this.analysis = analysis;
    this.done = [];
  }

  get last() {
    return this.done[this.done.length - 1];
  }

  // Also joins two speakers, where there is one of the new name.
  rename(from, to, also = () => {}) {
    const places = this.analysis.utterances.flatMap((one, place) => (one.speaker === from ? [place] : []));
    return this.change(undefined, `${from} is now called ${to}`, places, (one) => { one.speaker = to; }, also);
  }

  // A person says who it was, so that is recognised no longer.
  assign(place, speaker) {
    return this.change(`speaker ${place}`, `Utterance ${place + 1} is now said by ${speaker}`, [place], (one) => {
      one.speaker = speaker;
      if (one.recognised) {
        const { speaker: _, ...rest } = one.recognised;
        one.recognised = rest;
      }
    });
  }

  // The label of the model stays beside the correction; to correct to that label is to take the correction back.
  correct(place, label) {
    return this.change(`emotion ${place}`, `Utterance ${place + 1} is now ${label}`, [place], (one) => {
      if (label === one.label) delete one.corrected;
      else one.corrected = label;
    });
  }

  // Who goes through the choices by arrows changes one thing (`what`) many times, and takes it back once.
  change(what, said, places, act, also = () => {}) {
    const before = places.map((place) => ({ ...this.analysis.utterances[place] }));
    places.forEach((place) => act(this.analysis.utterances[place]));
    if (what && this.last?.what === what) this.last.said = said;
    else this.done.push({ what, said, places, before, also });
    return places;
  }

  // The places that changed, or nothing where there is nothing to take back.
  undo() {
    const last = this.done.pop();
    last?.places.forEach((place, at) => { this.analysis.utterances[place] = last.before[at]; });
    last?.also();
    return last?.places;
  }
}
