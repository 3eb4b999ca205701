// Formats that the server writes: it gets the analysis as it is now, with everything that was corrected.

import { save, stemOf } from "../timeline/exports.js";
import { call } from "./api.js";
import { withToken } from "./ask.js";

const FORMATS = [
  { title: "SRT", ending: "srt", about: "captions with emotions", timed: true },
  { title: "HTML", ending: "html", about: "this timeline in one file", timed: false },
  { title: "ELAN", ending: "eaf", about: "tiers for each speaker", timed: true },
  { title: "Praat", ending: "TextGrid", about: "tiers for each speaker", timed: true },
  { title: "RTTM", ending: "rttm", about: "who speaks when", timed: true },
  { title: "Parquet", ending: "parquet", about: "the table with its types", timed: false },
  { title: "PDF", ending: "pdf", about: "one page to print", timed: false },
  { title: "PNG", ending: "png", about: "one page as a picture", timed: false },
];

export function served(analysis, onError) {
  const fetched = async ({ ending }) => {
    const body = JSON.stringify(analysis);
    try {
      const file = await withToken(() => call(`v1/export?format=${ending}&labels=${ending === "srt"}`, { body, kind: "blob" }));
      save(`${stemOf(analysis)}.${ending}`, file.type, file);
    } catch (error) {
      onError(error);
      return false;
    }
    return true;
  };
  return FORMATS.map((format) => ({ ...format, act: () => fetched(format) }));
}
