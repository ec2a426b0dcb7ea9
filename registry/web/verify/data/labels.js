// How labels are compared: NFC, stripped, full case folding, NFC.
import { FOLDED } from "./folded.js";

const BLANKS = "\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const ENDS = new RegExp(`^[${BLANKS}]+|[${BLANKS}]+$`, "gu");

/** Unicode's full case folding (statuses C and F). */
export function casefold(text) {
  let folded = "";
  for (const sign of text) folded += FOLDED.get(sign) ?? sign;
  return folded;
}

export function strip(text) {
  return text.replace(ENDS, "");
}

export function normal(label) {
  return casefold(strip(label.normalize("NFC"))).normalize("NFC");
}
