// What a field or a cell may hold. A kind is a function (value, where, links) that refuses what is not of its kind and
// puts every link that it meets into `links`, with what the link must lead to.
import { Refusal, compareText } from "../bytes/bytes.js";
import { CID, cidOfBytes, DAG_CBOR, DAG_PB, RAW } from "../bytes/cid.js";

const fail = (where, what) => {
  throw new Refusal("{where} is not {what}", { where, what });
};
const kind = (test, what) => (value, where) => {
  if (!test(value)) fail(where, what);
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
export const natural = kind((value) => isInteger(value) && value >= 0, "an integer from 0");
export const bool = kind((value) => typeof value === "boolean", "true or false");
export const bytes = kind(isBytes, "bytes");
export const sized = (length) => kind((value) => isBytes(value) && value.length === length, `${length} bytes`);
export const named = kind(isNamed, "the bytes of a CID");
export const target = kind((value) => isNamed(value) || (isBytes(value) && value.length === 32), "a CID or a sha256");
export const time = kind(isTime, "a time");
export const oneOf = (...words) => kind((value) => words.includes(value), `one of ${words.join(", ")}`);
export const digest = (form) => kind((value) => typeof value === "string" && form.test(value), "a digest");
export const tensors = digest(/^sha256:[0-9a-f]{64}$/);
export const anyTensors = digest(/^(files-)?sha256:[0-9a-f]{64}$/);

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
export function anything(value, where) {
  if (value instanceof CID) fail(where, "free of links");
  if (Array.isArray(value)) value.forEach((member, i) => anything(member, `${where}[${i}]`));
  else if (isMap(value)) for (const key in value) anything(value[key], `${where}.${key}`);
}
export const anyMap = mapOf(anything);

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
  if (!(value instanceof CID) || !codecs.includes(value.codec)) fail(where, "a link to " + wanted.what);
  links.push({ cid: value, where, ...wanted });
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
  if (new Set(value.map(nameOf)).size !== value.length) throw new Refusal("{where} lists one twice", { where });
};
