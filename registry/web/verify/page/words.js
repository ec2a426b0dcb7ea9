// The page's words in its language.
import { fillIn, hex, utf8 } from "../bytes/bytes.js";
import { sha256 } from "../bytes/sha256.js";
import { plain } from "../verdict/text.js";
import { WORDS } from "../words.js";

const LANGUAGES = ["en", "es"];
let place = 0;

/** The language that the address asks for, else the first of the browser's that there is. */
export function chooseLanguage(search, liked) {
  const asked = [new URLSearchParams(search).get("lang"), ...liked.map((name) => name.slice(0, 2).toLowerCase())];
  setLanguage(asked.find((name) => LANGUAGES.includes(name)) ?? "en");
}

export function setLanguage(name) {
  place = LANGUAGES.indexOf(name);
}

export const language = () => LANGUAGES[place];
export const at = (texts) => texts[place];

export function t(key, values = {}) {
  return fillIn(WORDS.verify[key][place], values);
}

export const title = (id) => (Object.hasOwn(WORDS.check, id) ? WORDS.check[id][place] : id);

/** Spanish reasons go by the first eight digits of their English text's sha256 (`brief` in verify.py). */
function translated(text) {
  if (place !== 1) return text;
  return WORDS.reasons[hex(sha256(utf8(text))).slice(0, 8)] ?? text;
}

/** A check's reason. What it fills in may come from records, so it stands on one line and is cut short. */
export function reason({ template, values }) {
  const said = Object.entries(values).map(([name, value]) => [name, plain(translated(String(value)))]);
  return fillIn(translated(template), Object.fromEntries(said));
}

export const number = (text) => (place === 1 ? text.replace(".", ",") : text).replace("-", "\u2212");
export const whole = (count) => count.toLocaleString(language()).replace(/\s/g, "\u00a0");
