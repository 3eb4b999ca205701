// Times, parts and names as people read them.

export function clock(seconds, { tenths = false } = {}) {
  if (seconds === null || seconds === undefined) return "";
  const whole = tenths ? Math.round(seconds * 10) / 10 : Math.floor(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = (whole % 60).toFixed(tenths ? 1 : 0).padStart(tenths ? 4 : 2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

export function percent(part) {
  if (part > 0 && part < 0.005) return "<1%";
  return `${Math.round(part * 100)}%`;
}

export function points(part) {
  const rounded = Math.round(part * 100);
  if (rounded === 0) return "±0";
  return `${rounded > 0 ? "+" : "−"}${Math.abs(rounded)}`;
}

export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

export function capital(word) {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
