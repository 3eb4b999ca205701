// Keys for the whole page. They can be switched off, since single letters get in the way of speech input.

const $ = (id) => document.getElementById(id);
const WRITING = "input, textarea, select, [contenteditable]";

export function keys({ player, timeline, live, shown }) {
  $("keys-on").checked = localStorage.getItem("keys") !== "off";
  $("keys-on").addEventListener("change", (event) => localStorage.setItem("keys", event.target.checked ? "on" : "off"));
  const acts = {
    " ": (target) => !target.closest("button, video, audio, summary") && player.toggle(),
    ArrowLeft: (target) => !target.closest("video, audio, .tl-scroll, [role=tab], [role=radio]") && player.skip(-5),
    ArrowRight: (target) => !target.closest("video, audio, .tl-scroll, [role=tab], [role=radio]") && player.skip(5),
    j: () => timeline.step(1),
    k: () => timeline.step(-1),
    e: () => timeline.reach(undefined, "emotion"),
    s: () => timeline.reach(undefined, "speaker"),
    Escape: () => timeline.select(undefined),
  };
  document.addEventListener("keydown", (event) => {
    const { target } = event;
    if (event.ctrlKey || event.altKey || event.metaKey || !$("keys-on").checked) return;
    if (target.matches(WRITING) || document.querySelector("dialog[open]")) return;
    if (event.key === "?") $("help").showModal();
    else if (live.choose(event.key)) event.preventDefault();
    else if (shown() && acts[event.key] && acts[event.key](target) !== false) event.preventDefault();
  });
}
