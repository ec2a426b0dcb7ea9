// Canonical dag-cbor, and nothing but that: what `decode` takes, `encode` gives again byte for byte.
// Values: integers are numbers, and BigInts beyond 2^53; maps have no prototype; links are CIDs.
import { Refusal, compareBytes, concat, textOf, utf8 } from "./bytes.js";
import { CID, cidOfBytes } from "./cid.js";

export const MAX_BLOCK = 2 * 1024 * 1024;
const MAX_DEPTH = 64;

export function decode(block) {
  const reader = { block, at: 0 };
  const value = item(reader, 0);
  if (reader.at !== block.length) throw new Refusal("bytes follow the item of a block");
  return value;
}

function take(reader, length) {
  const { block, at } = reader;
  if (length > block.length - at) throw new Refusal("a block is cut off");
  reader.at += length;
  return block.subarray(at, at + length);
}

const SHORTEST = [24n, 256n, 65536n, 4294967296n];

function head(reader) {
  const [first] = take(reader, 1);
  const low = first & 31;
  if (low < 24) return [first >> 5, low, BigInt(low)];
  if (low > 27) throw new Refusal("a length is not definite");
  let value = 0n;
  for (const byte of take(reader, 1 << (low - 24))) value = (value << 8n) | BigInt(byte);
  if (first >> 5 !== 7 && value < SHORTEST[low - 24]) throw new Refusal("an item is not written in its shortest form");
  return [first >> 5, low, value];
}

const narrow = (value) =>
  value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(value) : value;

function sized(reader, length) {
  if (length > BigInt(reader.block.length)) throw new Refusal("a block is cut off");
  return Number(length);
}

function item(reader, depth) {
  if (depth > MAX_DEPTH) throw new Refusal("more than 64 lists and maps in each other");
  const [major, low, value] = head(reader);
  switch (major) {
    case 0:
      return narrow(value);
    case 1:
      return narrow(-1n - value);
    case 2:
      return take(reader, sized(reader, value)).slice();
    case 3:
      return text(reader, sized(reader, value));
    case 4:
      return Array.from({ length: sized(reader, value) }, () => item(reader, depth + 1));
    case 5:
      return map(reader, sized(reader, value), depth);
    case 6:
      return link(reader, low, value);
    default:
      return simple(low);
  }
}

function text(reader, length) {
  try {
    return textOf(take(reader, length));
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw new Refusal("a text is not UTF-8");
  }
}

function map(reader, count, depth) {
  const found = Object.create(null);
  let last = null;
  for (let i = 0; i < count; i++) {
    const [major, , length] = head(reader);
    if (major !== 3) throw new Refusal("a key is not a text");
    const from = reader.at;
    const key = text(reader, sized(reader, length));
    const bytes = reader.block.subarray(from, reader.at);
    if (last && (last.length - bytes.length || compareBytes(last, bytes)) >= 0) {
      throw new Refusal("keys of a map out of order, or one twice");
    }
    last = bytes;
    found[key] = item(reader, depth + 1);
  }
  return found;
}

function link(reader, low, tag) {
  if (tag !== 42n || low !== 24) throw new Refusal("a tag other than 42");
  const [major, , length] = head(reader);
  const bytes = major === 2 ? take(reader, sized(reader, length)) : Uint8Array.of();
  if (bytes[0] !== 0) throw new Refusal("a link is not a CID");
  return cidOfBytes(bytes.subarray(1));
}

function simple(low) {
  if (low === 20) return false;
  if (low === 21) return true;
  if (low === 22) return null;
  throw new Refusal("a float, or another value that has no place here");
}

export function encode(value) {
  const parts = [];
  put(parts, value);
  return concat(...parts);
}

function putHead(parts, major, value) {
  const first = major << 5;
  if (value < 24) return parts.push(Uint8Array.of(first | Number(value)));
  const size = value < 256 ? 0 : value < 65536 ? 1 : value < 4294967296 ? 2 : 3;
  const bytes = new Uint8Array(1 + (1 << size));
  bytes[0] = first | (24 + size);
  let rest = BigInt(value);
  for (let i = bytes.length - 1; i > 0; i--, rest >>= 8n) bytes[i] = Number(rest & 255n);
  return parts.push(bytes);
}

function put(parts, value) {
  if (value === null) parts.push(Uint8Array.of(0xf6));
  else if (typeof value === "boolean") parts.push(Uint8Array.of(value ? 0xf5 : 0xf4));
  else if (typeof value === "number" || typeof value === "bigint") {
    value < 0 ? putHead(parts, 1, -1n - BigInt(value)) : putHead(parts, 0, value);
  } else if (typeof value === "string") {
    const bytes = utf8(value);
    putHead(parts, 3, bytes.length);
    parts.push(bytes);
  } else if (value instanceof Uint8Array) {
    putHead(parts, 2, value.length);
    parts.push(value);
  } else if (value instanceof CID) {
    parts.push(Uint8Array.of(0xd8, 0x2a));
    putHead(parts, 2, value.bytes.length + 1);
    parts.push(Uint8Array.of(0), value.bytes);
  } else if (Array.isArray(value)) {
    putHead(parts, 4, value.length);
    for (const member of value) put(parts, member);
  } else putMap(parts, value);
}

function putMap(parts, value) {
  const keys = Object.keys(value).map((key) => [utf8(key), key]);
  keys.sort(([a], [b]) => a.length - b.length || compareBytes(a, b));
  putHead(parts, 5, keys.length);
  for (const [bytes, key] of keys) {
    putHead(parts, 3, bytes.length);
    parts.push(bytes);
    put(parts, value[key]);
  }
}

/** Every link in a decoded value. */
export function linksIn(value, found = []) {
  if (value instanceof CID) found.push(value);
  else if (Array.isArray(value)) for (const member of value) linksIn(member, found);
  else if (value && typeof value === "object" && !(value instanceof Uint8Array)) {
    for (const key in value) linksIn(value[key], found);
  }
  return found;
}
