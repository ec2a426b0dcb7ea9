// JSON as strict as the format asks: no key twice at any depth, integers told from other numbers (as BigInts).
import { Refusal } from "../bytes/bytes.js";

const MAX_DEPTH = 64;
const WORDS = { true: true, false: false, null: null };
const TOKEN =
  /[ \t\n\r]*([{}[\],:]|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;

/** Maps come without a prototype; integers as BigInts, other numbers as numbers. */
export function parseJson(text) {
  const reader = { text, at: 0, token: null };
  next(reader);
  const value = readValue(reader, 0);
  if (reader.token !== null || reader.text.slice(reader.at).trim()) throw new Refusal("something follows the JSON");
  return value;
}

function next(reader) {
  TOKEN.lastIndex = reader.at;
  const found = TOKEN.exec(reader.text);
  if (found) reader.at = TOKEN.lastIndex;
  reader.token = found ? found[1] : null;
}

function expect(reader, token) {
  if (reader.token !== token) throw new Refusal("this is no JSON");
  next(reader);
}

function readValue(reader, depth) {
  const { token } = reader;
  if (token === null || depth > MAX_DEPTH) throw new Refusal("this is no JSON");
  if (token === "{") return readMap(reader, depth);
  if (token === "[") return readList(reader, depth);
  if (token.startsWith('"')) {
    next(reader);
    return JSON.parse(token);
  }
  if (token in WORDS) {
    next(reader);
    return WORDS[token];
  }
  if (!/^[-\d]/.test(token)) throw new Refusal("this is no JSON");
  next(reader);
  return /^-?\d+$/.test(token) ? BigInt(token) : Number(token);
}

function readMap(reader, depth) {
  const map = Object.create(null);
  expect(reader, "{");
  while (reader.token !== "}") {
    if (!(reader.token ?? "").startsWith('"')) throw new Refusal("this is no JSON");
    const key = JSON.parse(reader.token);
    if (key in map) throw new Refusal("a key stands twice in the JSON");
    next(reader);
    expect(reader, ":");
    map[key] = readValue(reader, depth + 1);
    if (reader.token === ",") {
      next(reader);
      if (reader.token === "}") throw new Refusal("this is no JSON");
    } else if (reader.token !== "}") throw new Refusal("this is no JSON");
  }
  next(reader);
  return map;
}

function readList(reader, depth) {
  const list = [];
  expect(reader, "[");
  while (reader.token !== "]") {
    list.push(readValue(reader, depth + 1));
    if (reader.token === ",") {
      next(reader);
      if (reader.token === "]") throw new Refusal("this is no JSON");
    } else if (reader.token !== "]") throw new Refusal("this is no JSON");
  }
  next(reader);
  return list;
}
