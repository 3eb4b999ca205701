// The two files of a recording: dropped anywhere on the page or chosen one by one.

const $ = (id) => document.getElementById(id);
const TRANSCRIPT = /\.(vtt|srt|csv|tsv|json|jsonl|ndjson|txt|eaf|textgrid|cha|rttm|ass|ssa|sub|sbv|lrc|ttml|dfxp|docx|odt)$/i;
const MEDIA = /\.(mkv|avi|mov|mp4|webm|wav|mp3|flac|ogg|m4a)$/i;
const NAMES = { media: "recordings", transcript: "transcripts" };
const UNITS = [[1e6, "MB"], [1e3, "kB"], [1, "bytes"]];

export function size(bytes, round) {
  const [unit, name] = UNITS.find(([one]) => bytes >= one) ?? UNITS[2];
  return `${round((10 * bytes) / unit) / 10} ${name}`;
}

function kindOf(file) {
  if (TRANSCRIPT.test(file.name)) return "transcript";
  return MEDIA.test(file.name) || /^(audio|video)\//.test(file.type) ? "media" : undefined;
}

// `{media, transcript}` of what was dropped; one file of a kind unknown here may be a recording all the same.
function sorted(dropped) {
  const found = {};
  for (const file of dropped) {
    const kind = kindOf(file) ?? (dropped.length === 1 ? "media" : undefined);
    if (!kind) throw new Error(`${file.name} is neither a recording nor a transcript, as far as its name tells. Drop it alone if it is the recording.`);
    if (found[kind]) throw new Error(`There are two ${NAMES[kind]}, ${found[kind].name} and ${file.name}. Drop one recording, one transcript, or one of each.`);
    found[kind] = file;
  }
  return found;
}

export class Files {
  constructor({ onChange, onDrop, onError }) {
    this.onChange = onChange;
    for (const kind of ["media", "transcript"]) $(kind).addEventListener("change", () => this.set(kind, $(kind).files[0]));
    let depth = 0;
    const over = (by) => { depth = Math.max(0, depth + by); $("drop").classList.toggle("over", depth > 0); };
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") && !$("start").hidden;
    document.addEventListener("dragenter", (event) => { if (carriesFiles(event)) over(1); });
    document.addEventListener("dragleave", (event) => { if (carriesFiles(event)) over(-1); });
    document.addEventListener("dragover", (event) => { if (event.dataTransfer?.types.includes("Files")) event.preventDefault(); });
    document.addEventListener("drop", (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      over(-depth);
      if ($("start").hidden) return;
      onDrop();
      try {
        for (const [kind, file] of Object.entries(sorted([...event.dataTransfer.files]))) this.set(kind, file);
      } catch (error) {
        onError(error);
      }
    });
    this.clear();
  }

  set(kind, file) {
    this[kind] = file;
    $(`${kind}-name`).textContent = file ? file.name : "none chosen";
    $(kind).closest(".picker").classList.toggle("filled", Boolean(file));
    this.onChange(this, kind);
  }

  clear() {
    for (const kind of ["media", "transcript"]) {
      $(kind).value = "";
      this.set(kind, undefined);
    }
  }

  form() {
    const form = new FormData();
    if (this.media) form.append("media", this.media);
    if (this.transcript) form.append("transcript", this.transcript);
    return form;
  }
}
