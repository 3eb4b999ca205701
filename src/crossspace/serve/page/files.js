// The two files of a recording: dropped anywhere on the page or chosen one by one.

const $ = (id) => document.getElementById(id);
const TRANSCRIPT = /\.(vtt|srt|csv|json|txt)$/i;

export class Files {
  constructor({ onChange }) {
    this.onChange = onChange;
    for (const kind of ["media", "transcript"]) $(kind).addEventListener("change", () => this.set(kind, $(kind).files[0]));
    let depth = 0;
    const over = (by) => { depth = Math.max(0, depth + by); $("drop").classList.toggle("over", depth > 0); };
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files") && !$("start").hidden;
    document.addEventListener("dragenter", (event) => { if (carriesFiles(event)) over(1); });
    document.addEventListener("dragleave", (event) => { if (carriesFiles(event)) over(-1); });
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      over(-depth);
      if (!$("start").hidden) for (const file of event.dataTransfer.files) this.set(TRANSCRIPT.test(file.name) ? "transcript" : "media", file);
    });
    this.clear();
  }

  set(kind, file) {
    this[kind] = file;
    $(`${kind}-name`).textContent = file ? file.name : "none chosen";
    $(kind).closest(".picker").classList.toggle("filled", Boolean(file));
    this.onChange(this);
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
