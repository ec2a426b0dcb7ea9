// Pieces of the verdict's sentences: parts filled in, counts with their nouns, figures, and a stranger's text on one line.
import { fillIn } from "../bytes/bytes.js";
import { nearest, parse } from "../figures/fraction.js";
import { WORDS } from "../words.js";

export const LANGUAGES = ["en", "es"];
const MAX_TEXT = 200;
const NUMBER = /^-?[0-9]{1,20}(\.[0-9]{1,20})?$/;
const INVISIBLE =
  /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]+|(?:[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff])+/g;

// A text in each language; `both` is one that is the same in all.
export const both = (text) => LANGUAGES.map(() => text);

export function part(section, key, values = {}) {
  const texts = WORDS[section][key].map((form, at) => {
    const each = Object.entries(values).map(([name, value]) => [name, typeof value === "string" ? value : value[at]]);
    return fillIn(form, Object.fromEntries(each));
  });
  return { code: key, texts };
}

export function counted(what, n) {
  return WORDS.count[n === 1 ? `${what}_1` : what].map((form) => fillIn(form, { n }));
}

/** A record's text on one line, without signs that are not seen, cut short. */
export function plain(text) {
  const signs = [...text.replace(INVISIBLE, " ")];
  return signs.length <= MAX_TEXT ? signs.join("") : signs.slice(0, MAX_TEXT).join("") + "…";
}

function threshold(number) {
  if (!NUMBER.test(number) || !number.includes(".")) return number;
  const [whole, places] = number.split(".");
  return `${whole}.${places.replace(/0+$/, "").padEnd(2, "0")}`;
}

function three(number) {
  if (!NUMBER.test(number)) return number;
  const { n, d } = parse(number);
  const thousandths = nearest(n * 1000n, d);
  const size = thousandths < 0n ? -thousandths : thousandths;
  return `${thousandths < 0n ? "-" : ""}${size / 1000n}.${(size % 1000n).toString().padStart(3, "0")}`;
}

const isSame = (a, b) => a.n * b.d === b.n * a.d;

function seemsEqual(number, limit) {
  if (!NUMBER.test(number) || !NUMBER.test(limit)) return false;
  return isSame(parse(three(number)), parse(limit)) && !isSame(parse(limit), parse(number));
}

const localized = (number, language) => (language === "es" ? number.replaceAll(".", ",") : number);

/** A value and its interval, as each language writes them. */
export function figureText({ value, low, high }, limit) {
  const numbers = [value, low, high];
  const isExact = numbers.some((number) => number !== null && seemsEqual(number, limit));
  const shown = numbers.map((number) => (number === null ? "–" : plain(isExact ? number : three(number))));
  return LANGUAGES.map((language) => {
    const own = shown.map((text) => localized(text, language));
    const ends = own.slice(1).join(language === "es" ? "; " : ", ");
    return low === null && high === null ? own[0] : `${own[0]} [${ends}]`;
  });
}

export function claimText({ metric, comparator, threshold: number }) {
  return plain(`${metric} ${comparator} ${threshold(number)}`);
}

export function joined(lists) {
  return LANGUAGES.map((_, at) => lists.map((texts) => texts[at]).join(", "));
}
