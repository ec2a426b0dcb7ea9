// CIDs: a block's name, which holds its digest. The same bytes under another codec or hash function are another block.
import { Refusal, concat, sameBytes } from "./bytes.js";
import { blake2b, blake2s, sha512 } from "./hashes.js";
import { sha3 } from "./keccak.js";
import { sha256 } from "./sha256.js";
import { readVarint, varint } from "./varint.js";

export const RAW = 0x55;
export const DAG_PB = 0x70;
export const DAG_CBOR = 0x71;
export const SHA256 = 0x12;
const IDENTITY = 0x00;
const LETTERS = "abcdefghijklmnopqrstuvwxyz234567";
const LETTERS58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";

/** What hashes with the function of this code: [length of its digest, function]; null for one that is refused. */
function hashFunction(code) {
  if (code === SHA256) return [32, sha256];
  if (code === 0x13) return [64, sha512];
  if (code >= 0x14 && code <= 0x17) {
    const length = [64, 48, 32, 28][code - 0x14];
    return [length, (bytes) => sha3(bytes, length)];
  }
  if (code >= 0xb214 && code <= 0xb240) return [code - 0xb200, (bytes) => blake2b(bytes, code - 0xb200)];
  if (code >= 0xb254 && code <= 0xb260) return [code - 0xb240, (bytes) => blake2s(bytes, code - 0xb240)];
  return null;
}

export class CID {
  /** `bytes` are all of it; whoever makes one has checked them (`readCid`). */
  constructor(version, codec, hash, digest, bytes) {
    Object.assign(this, { version, codec, hash, digest, bytes });
    this.key = String.fromCharCode(...bytes);
  }

  get text() {
    return this.version === 0 ? base58(this.bytes) : "b" + base32(this.bytes);
  }

  toString() {
    return this.text;
  }

  get isIdentity() {
    return this.hash === IDENTITY;
  }
}

/** [CID, place behind it]. */
export function readCid(bytes, at = 0) {
  if (bytes[at] === SHA256 && bytes[at + 1] === 32) {
    if (bytes.length < at + 34) throw new Refusal("a CID is cut off");
    const whole = bytes.slice(at, at + 34);
    return [new CID(0, DAG_PB, SHA256, whole.subarray(2), whole), at + 34];
  }
  let version, codec, hash, length, next;
  [version, next] = readVarint(bytes, at);
  if (version !== 1) throw new Refusal("a CID of version {version}", { version });
  [codec, next] = readVarint(bytes, next);
  [hash, next] = readVarint(bytes, next);
  [length, next] = readVarint(bytes, next);
  const known = hashFunction(hash);
  if (hash === IDENTITY ? length > 128 : !known || known[0] !== length) {
    throw new Refusal("a CID by hash function {code} with {length} bytes", { code: "0x" + hash.toString(16), length });
  }
  if (bytes.length < next + length) throw new Refusal("a CID is cut off");
  const whole = bytes.slice(at, next + length);
  return [new CID(1, codec, hash, whole.subarray(next - at), whole), next + length];
}

export function cidOfBytes(bytes) {
  const [cid, end] = readCid(bytes, 0);
  if (end !== bytes.length) throw new Refusal("bytes follow a CID");
  return cid;
}

export function cidOfText(text) {
  if (text.length === 46 && text.startsWith("Qm")) return cidOfBytes(unbase58(text));
  if (!text.startsWith("b")) throw new Refusal("no CID in base32");
  const cid = cidOfBytes(unbase32(text.slice(1)));
  if (cid.version === 0) throw new Refusal("a CID of version 0 is written in base58");
  return cid;
}

export function cidOfBlock(block, codec = DAG_CBOR) {
  const digest = sha256(block);
  return new CID(1, codec, SHA256, digest, concat(Uint8Array.of(1), varint(codec), Uint8Array.of(SHA256, 32), digest));
}

export function hashesTo(cid, block) {
  if (cid.isIdentity) return sameBytes(cid.digest, block);
  return sameBytes(hashFunction(cid.hash)[1](block), cid.digest);
}

function base32(bytes) {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += LETTERS[(held >>> (bits - 5)) & 31];
    held &= 255;
  }
  return bits ? text + LETTERS[(held << (5 - bits)) & 31] : text;
}

function unbase32(text) {
  const out = [];
  let bits = 0;
  let held = 0;
  for (const letter of text) {
    const value = LETTERS.indexOf(letter);
    if (value < 0) throw new Refusal("no CID in base32");
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      out.push((held >>> bits) & 255);
    }
    held &= (1 << bits) - 1;
  }
  if (bits >= 5 || held) throw new Refusal("no CID in base32");
  return Uint8Array.from(out);
}

function base58(bytes) {
  let number = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  let text = "";
  for (; number > 0n; number /= 58n) text = LETTERS58[Number(number % 58n)] + text;
  return text;
}

function unbase58(text) {
  let number = 0n;
  for (const letter of text) {
    const value = LETTERS58.indexOf(letter);
    if (value < 0) throw new Refusal("no CID in base58");
    number = number * 58n + BigInt(value);
  }
  const out = [];
  for (; number > 0n; number >>= 8n) out.unshift(Number(number & 255n));
  return Uint8Array.from(out);
}
