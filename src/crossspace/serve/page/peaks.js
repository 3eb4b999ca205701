// The outline of a recording's sound, as far as the browser can decode it within reason.

const LONGEST = 45 * 60;
const LARGEST = 400e6;
const COUNT = 4000;
const RATE = 8000;

// A list of heights in [-1, 1], or null for a file that is too long, has no sound, or is of a kind unknown here.
export async function peaksOf(file, seconds) {
  if (seconds > LONGEST || file.size > LARGEST) return null;
  let sound;
  try {
    sound = await new OfflineAudioContext(1, 1, RATE).decodeAudioData(await file.arrayBuffer());
  } catch {
    return null;
  }
  const wave = sound.getChannelData(0);
  const size = Math.max(1, Math.floor(wave.length / COUNT));
  const peaks = [];
  for (let from = 0; from < wave.length; from += size) {
    let highest = 0;
    for (let at = from; at < Math.min(from + size, wave.length); at += 1) if (Math.abs(wave[at]) > Math.abs(highest)) highest = wave[at];
    peaks.push(highest);
  }
  return peaks;
}
