// The recording: picture or sound, and its waveform with the utterances on it in the colours of their emotions.

import { element } from "../timeline/dom.js";
import { palette } from "../timeline/palette.js";
import { emotionOf } from "../timeline/people.js";
import { peaksOf } from "./peaks.js";
import Regions from "./vendor/regions.esm.js";
import WaveSurfer from "./vendor/wavesurfer.esm.js";

const HEIGHT = 112;
const LETTER = 6.5;
const UNDRAWN = "No waveform: the recording is long, or its sound is of a kind that this browser cannot draw.";

function colour(name) {
  const probe = element("span", { hidden: true, style: { color: `var(${name})` } });
  document.body.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

function colours() {
  return { waveColor: colour("--control"), progressColor: colour("--accent"), cursorColor: colour("--ink") };
}

function known(media) {
  return new Promise((resolve) => {
    media.addEventListener("loadedmetadata", () => resolve(Number.isFinite(media.duration)), { once: true });
    media.addEventListener("error", () => resolve(false), { once: true });
  });
}

export class Player {
  constructor({ section, screen, wave, note, onTime, onRegion }) {
    Object.assign(this, { section, screen, wave, note, onTime, onRegion });
    document.addEventListener("theme", () => this.surfer?.setOptions(colours()));
  }

  async load(file, analysis) {
    this.clear();
    this.section.hidden = false;
    palette(this.section, analysis.labels);
    const video = Boolean(analysis.media?.video);
    this.url = URL.createObjectURL(file);
    const media = element(video ? "video" : "audio", { controls: true, preload: "metadata", playsinline: true, "aria-label": file.name });
    this.section.classList.toggle("sound-only", !video);
    this.screen.replaceChildren(media);
    media.src = this.url;
    if (!(await known(media))) return this.refuse(file);
    this.media = media;
    return this.draw(file, analysis);
  }

  refuse(file) {
    this.clear();
    this.section.hidden = false;
    this.section.classList.add("unheard");
    this.note.textContent = `This browser cannot play ${file.name}. The timeline below does not need it.`;
  }

  // wavesurfer.js takes peaks once, so it waits for them; the recording can be played meanwhile.
  async draw(file, analysis) {
    const { media } = this;
    const silent = analysis.media?.audio === false;
    this.note.textContent = "Drawing the waveform …";
    const peaks = silent ? null : await peaksOf(file, media.duration);
    if (this.media !== media) return;
    this.note.textContent = peaks ? "" : silent ? "The recording has no sound." : UNDRAWN;
    const regions = Regions.create();
    this.surfer = WaveSurfer.create({
      container: this.wave, media, peaks: [peaks ?? [0, 0]], duration: media.duration, height: HEIGHT, barWidth: 2, barGap: 1,
      barRadius: 2, normalize: Boolean(peaks), plugins: [regions], ...colours(),
    });
    this.surfer.on("timeupdate", (seconds) => this.onTime(seconds));
    regions.on("region-clicked", (region, event) => { event.stopPropagation(); this.onRegion(Number(region.id)); });
    this.regions = regions;
    this.surfer.once("ready", () => this.mark(regions, analysis, media.duration));
  }

  mark(regions, analysis, duration) {
    const { labels, utterances } = analysis;
    const wide = this.wave.clientWidth / duration;
    utterances.forEach((one, place) => {
      if (one.start === null || one.end === null || one.start >= duration) return;
      const emotion = emotionOf(one);
      const label = labels.indexOf(emotion);
      regions.addRegion({
        id: String(place), start: one.start, end: Math.min(one.end, duration), drag: false, resize: false,
        color: `color-mix(in srgb, var(--e${label}) 38%, transparent)`,
        content: wide * (one.end - one.start) > LETTER * (emotion.length + 1.5) ? element("span", {}, emotion) : undefined,
      });
    });
  }

  // Other colours, once somebody has corrected an emotion.
  repaint(analysis) {
    if (!this.regions || !this.media) return;
    this.regions.clearRegions();
    this.mark(this.regions, analysis, this.media.duration);
  }

  playFrom(seconds) {
    if (!this.media || seconds === null) return;
    this.media.currentTime = seconds;
    this.play();
  }

  // A pause that comes before the sound does is no fault.
  play() {
    this.media.play().catch((error) => {
      if (error.name !== "AbortError") this.note.textContent = "The browser did not let the recording play.";
    });
  }

  seek(seconds) {
    if (this.media && seconds !== null) this.media.currentTime = seconds;
  }

  toggle() {
    if (!this.media) return;
    if (this.media.paused) this.play();
    else this.media.pause();
  }

  skip(seconds) {
    if (this.media) this.media.currentTime = Math.min(this.media.duration, Math.max(0, this.media.currentTime + seconds));
  }

  clear() {
    this.media?.pause();
    this.surfer?.destroy();
    if (this.url) URL.revokeObjectURL(this.url);
    this.media = this.surfer = this.regions = this.url = undefined;
    this.screen.replaceChildren();
    this.wave.replaceChildren();
    this.note.textContent = "";
    this.section.classList.remove("sound-only", "unheard");
    this.section.hidden = true;
  }
}
