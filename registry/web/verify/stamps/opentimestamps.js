// Timestamps by OpenTimestamps: a digest is in the Merkle root of a block of Bitcoin, whose header the reader gives.
// Sources: python-opentimestamps 0.4 (the format), developer.bitcoin.org (headers).
import { concat, hex, Refusal, sameBytes, unhex, utf8 } from "../bytes/bytes.js";
import { equal } from "../bytes/equal.js";
import { keccak256 } from "../bytes/keccak.js";
import { littleNumberOf } from "../bytes/numbers.js";
import { sha256 } from "../bytes/sha256.js";
import { NotChecked } from "../checks/outcome.js";
import { isTime } from "../data/kinds.js";

const MAGIC = unhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e8929401" + "08");
const BITCOIN = "0588960d73d71901";
const CHAIN = "bip122:000000000019d6689c085ae165831e93";
const [MAX_SIZE, MAX_DEPTH, MAX_MESSAGE, MAX_PAYLOAD] = [32 * 1024, 256, 4096, 8192];
const WITHIN = 7200; // seconds by which the time of a block may be wrong
const OF_ONE = {
  0x08: sha256,
  0x67: keccak256,
  0xf2: (message) => message.slice().reverse(),
  0xf3: (message) => utf8(hex(message)),
};
const bad = () => new Refusal("these bytes are no proof of OpenTimestamps");
const otherwise = () => new Refusal("the evidence states something else than its proof");

/** {by, time, within} of evidence for an entry's digest. */
export function verifyOts({ statement, proof }, digest, trust) {
  if (!proof || proof.length > MAX_SIZE) throw bad();
  const blocks = blocksIn(proof, digest);
  const height = statement.height ?? null;
  if (!blocks.size && height === null) throw new NotChecked("a calendar only promised to put it into Bitcoin");
  const calendar = typeof statement.calendar === "string" ? statement.calendar : "";
  const time = isTime(statement.time) ? statement.time : null;
  if (!blocks.has(height) || !equal(statement, { calendar, chain: CHAIN, height, time })) throw otherwise();
  const header = trust.headers.get(height);
  if (!header) throw new NotChecked("no trust root for Bitcoin: drop a file with the header of block {height}", { height });
  const found = timeOfHeader(header, blocks.get(height));
  if (time !== null && time !== found) throw otherwise();
  return { by: `Bitcoin ${height}`, time: found, within: WITHIN };
}

/** The Merkle root that each block must have, by its height. */
function blocksIn(file, digest) {
  const start = MAGIC.length + 32;
  if (file.length <= start || !sameBytes(file.subarray(0, MAGIC.length), MAGIC)) throw bad();
  const reader = { bytes: file, at: start };
  const blocks = new Map();
  const message = file.slice(MAGIC.length, start);
  read(reader, message, MAX_DEPTH, blocks);
  if (reader.at !== file.length) throw bad();
  if (!sameBytes(message, digest)) throw new Refusal("the timestamp is of something else");
  return blocks;
}

function take(reader, size) {
  const found = reader.bytes.subarray(reader.at, reader.at + size);
  if (found.length < size) throw bad();
  reader.at += size;
  return found;
}

function number(reader) {
  let value = 0n;
  for (let shift = 0n; shift < 63n; shift += 7n) {
    const [byte] = take(reader, 1);
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
  throw bad();
}

function sized(reader, most) {
  const size = number(reader);
  if (size > BigInt(most)) throw bad();
  return take(reader, Number(size));
}

function read(reader, message, depth, blocks) {
  if (!depth) throw bad();
  for (let isMore = true; isMore; ) {
    let [tag] = take(reader, 1);
    isMore = tag === 0xff;
    if (isMore) [tag] = take(reader, 1);
    if (tag === 0) attestation(reader, message, blocks);
    else read(reader, made(reader, tag, message), depth - 1, blocks);
  }
}

function attestation(reader, message, blocks) {
  const tag = hex(take(reader, 8));
  const payload = sized(reader, MAX_PAYLOAD);
  if (tag !== BITCOIN) return;
  const inner = { bytes: payload, at: 0 };
  const height = Number(number(inner));
  if (inner.at !== payload.length || !sameBytes(blocks.get(height) ?? message, message)) throw bad();
  blocks.set(height, message);
}

function made(reader, tag, message) {
  if (tag === 0x02 || tag === 0x03) throw new NotChecked("it uses a hash function that this page has not");
  const argument = tag === 0xf0 || tag === 0xf1 ? sized(reader, MAX_MESSAGE) : null;
  if (!argument && !Object.hasOwn(OF_ONE, tag)) throw bad();
  const found = !argument ? OF_ONE[tag](message) : tag === 0xf0 ? concat(message, argument) : concat(argument, message);
  if (!found.length || found.length > MAX_MESSAGE) throw bad();
  return found;
}

/** The time of a block, whose header must have this Merkle root and meet its own target. */
function timeOfHeader(header, root) {
  if (!sameBytes(header.subarray(36, 68), root)) throw new Refusal("the block of Bitcoin does not hold this timestamp");
  const exponent = header[75];
  const target = littleNumberOf(header.subarray(72, 75)) << (8n * BigInt(Math.max(exponent - 3, 0)));
  if (exponent > 32 || littleNumberOf(sha256(sha256(header))) > target)
    throw new Refusal("what was given is no header of Bitcoin");
  return new Date(Number(littleNumberOf(header.subarray(68, 72))) * 1000).toISOString().replace(".000Z", "Z");
}
