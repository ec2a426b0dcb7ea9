// What a field or a cell may hold. A kind is a function (value, where, links) that refuses what is not of its kind and
// puts every link that it meets into `links`, with what the link must lead to. What is wrong, but leaves the record
// readable, is put there too, as {wrong}: `1.records` names it, and other checks go on.
import { Refusal, compareText } from "../bytes/bytes.js";
import { CID, cidOfBytes, DAG_CBOR, DAG_PB, RAW } from "../bytes/cid.js";

const fail = (where, what) => {
  throw new Refusal("{where} is not {what}", { where, what });
};
const kind = (test, what) => (value, where) => {
  if (!test(value)) fail(where, what);
};
const also = (first, test, what) => (value, where, links) => {
  first(value, where);
  if (!test(value)) links.push({ wrong: new Refusal("{where} is not {what}", { where, what }) });
};

export const isInteger = (value) => typeof value === "bigint" || Number.isSafeInteger(value);
const isBytes = (value) => value instanceof Uint8Array;
export const isMap = (value) =>
  value !== null && typeof value === "object" && !Array.isArray(value) && !isBytes(value) && !(value instanceof CID);

function isNamed(value) {
  try {
    return isBytes(value) && Boolean(cidOfBytes(value));
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

export function isTime(value) {
  const found = typeof value === "string" && /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ$/.exec(value);
  if (!found || found[1] === "0000") return false;
  const day = new Date(value);
  return !Number.isNaN(day.getTime()) && day.getUTCDate() === Number(found[3]);
}

export const text = kind((value) => typeof value === "string", "a text");
export const integer = kind(isInteger, "an integer");
export const natural = kind((value) => isInteger(value) && value >= 0 && value < 2n ** 63n, "an integer from 0");
export const unsigned = kind((value) => isInteger(value) && value >= 0 && value < 2n ** 64n, "an unsigned integer");
export const bool = kind((value) => typeof value === "boolean", "true or false");
export const bytes = kind(isBytes, "bytes");
export const sized = (length) => kind((value) => isBytes(value) && value.length === length, `${length} bytes`);
export const bytesOf = (length) => also(bytes, (value) => value.length === length, `${length} bytes`);
export const named = also(bytes, isNamed, "the bytes of a CID");
export const target = also(bytes, (value) => isNamed(value) || value.length === 32, "a CID or a sha256");
export const time = kind(isTime, "a time");
export const oneOf = (...words) => kind((value) => words.includes(value), `one of ${words.join(", ")}`);
export const digestText = kind(
  (value) => typeof value === "string" && /^sha256:[0-9a-f]{64}$/.test(value),
  "sha256: and 64 digits",
);
export const tensors = also(text, (value) => /^(files-)?sha256:[0-9a-f]{64}$/.test(value), "a digest");

export const maybe = (of) => (value, where, links) => {
  if (value !== null) of(value, where, links);
};

export const list =
  (of, most = Infinity) =>
  (value, where, links) => {
    if (!Array.isArray(value) || value.length > most) fail(where, "a list");
    value.forEach((member, i) => of(member, `${where}[${i}]`, links));
  };

export const tuple =
  (...kinds) =>
  (value, where, links) => {
    if (!Array.isArray(value) || value.length !== kinds.length) fail(where, `a list of ${kinds.length}`);
    value.forEach((member, i) => kinds[i](member, `${where}[${i}]`, links));
  };

export const mapOf = (of) => (value, where, links) => {
  if (!isMap(value)) fail(where, "a map");
  for (const key in value) of(value[key], `${where}.${key}`, links);
};

/** Any value without links. */
export function anything(value, where, links) {
  if (value instanceof CID) links.push({ wrong: new Refusal("{where} holds a link, where none may stand", { where }) });
  if (Array.isArray(value)) value.forEach((member, i) => anything(member, `${where}[${i}]`, links));
  else if (isMap(value)) for (const key in value) anything(value[key], `${where}.${key}`, links);
}
export const anyMap = mapOf(anything);

/** Any map without links but in these fields, which it may lack. */
export const mapWith = (of) => (value, where, links) => {
  if (!isMap(value)) fail(where, "a map");
  for (const key in value) (Object.hasOwn(of, key) ? of[key] : anything)(value[key], `${where}.${key}`, links);
};

/** A map with exactly these fields. */
export const fields = (of) => (value, where, links) => {
  if (!isMap(value)) fail(where, "a map");
  for (const key in value) if (!Object.hasOwn(of, key)) throw new Refusal("{where} has an unknown field", { where });
  for (const key in of) {
    if (!(key in value)) throw new Refusal("{where} lacks {key}", { where, key });
    of[key](value[key], where ? `${where}.${key}` : key, links);
  }
};

const link = (codecs, wanted) => (value, where, links) => {
  const { what } = wanted;
  if (!(value instanceof CID)) fail(where, `a link to ${what}`);
  if (wanted.table || codecs.includes(value.codec)) links.push({ cid: value, where, ...wanted });
  if (!codecs.includes(value.codec)) {
    links.push({ wrong: new Refusal("{where} is not {what}", { where, what: `a link to ${what}` }) });
  }
};
export const record = (...types) => link([DAG_CBOR], { types, what: types.join(" or ") || "a record" });
export const table = (of) => link([DAG_CBOR], { table: of, what: "a table" });
export const file = link([RAW, DAG_PB], { isFile: true, what: "a file" });

/** A list of different texts, sorted by code point, not empty. */
export function sortedTexts(value, where) {
  const isSorted =
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((member, i) => typeof member === "string" && (i === 0 || compareText(value[i - 1], member) < 0));
  if (!isSorted) fail(where, "a list of different texts, sorted");
}

export const different = (of, nameOf) => (value, where, links) => {
  list(of)(value, where, links);
  if (new Set(value.map(nameOf)).size === value.length) return;
  links.push({ wrong: new Refusal("{where} lists one twice", { where }) });
};
