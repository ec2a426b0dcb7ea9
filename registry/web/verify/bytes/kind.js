// What a file is, by its first bytes: a CAR, as far as these go, or something that a download may give instead.

const SAMPLE = 1024;
const KEYS = ["\x65roots", "\x67version"];
const OTHERS = [
  ["jpeg", /^\xff\xd8\xff/],
  ["png", /^\x89PNG\r\n\x1a\n/],
  ["html", /^[ \t\n\r\f\v]*(<!doctype html|<html|<head)/i],
  ["pdf", /^%PDF-/],
  ["zip", /^PK\x03\x04/],
  ["gzip", /^\x1f\x8b/],
];

const letters = (bytes) => String.fromCharCode(...bytes.subarray(0, SAMPLE));

/** Whether it begins as a CAR's header does: a map of one or two members, the first of them `roots` or `version`. */
export function beginsAsCar(file) {
  const at = file.subarray(0, 4).findIndex((byte) => byte < 0x80) + 1; // behind the header's length
  if (!at || file[at - 1] === 0 || ![0xa1, 0xa2].includes(file[at])) return false;
  const begins = letters(file.subarray(at + 1, at + 9));
  return KEYS.some((key) => begins.startsWith(key) || key.startsWith(begins));
}

/** A key of [kind] in verdict.toml; null where it is none of them. */
export function kindOf(file) {
  const begins = letters(file);
  return (OTHERS.find(([, pattern]) => pattern.test(begins)) ?? [null])[0];
}
