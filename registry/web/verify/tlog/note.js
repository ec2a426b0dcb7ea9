// Signed notes, checkpoints and proofs of a log's tree (C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof),
// read only in their one form; and whose log a checkpoint is of (docs/format/log.md, The log as a tree).
import { concat, hex, Refusal, sameBytes, textOf, utf8 } from "../bytes/bytes.js";
import { ed25519Key, isEd25519Signed } from "../bytes/ed25519.js";
import { addressOf, isSignedBy, pointOf } from "../bytes/secp256k1.js";
import { sha256 } from "../bytes/sha256.js";
import { isIssuer, pae } from "../data/keys.js";
import { EMPTY_ROOT, MOST_HASHES } from "./merkle.js";

const MAX_BYTES = 1 << 20;
const MAX_SIGNATURES = 100;
const ED25519 = 1;
const COSIGNATURE = 4;
const PREFIX = "emotionet/log/";
const OWN = concat(Uint8Array.of(255), utf8("emotionet/issuer-checkpoint/v1"));
const bad = () => new Refusal("this is no signed checkpoint of a log");

export const unbase64 = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));

/** Standard base64 in its one form, `size` bytes (any number above 0 where it is null). */
export function bytesOf64(text, size = null) {
  if (!/^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) throw bad();
  const found = unbase64(text);
  if (btoa(String.fromCharCode(...found)) !== text || (size === null ? !found.length : found.length !== size)) throw bad();
  return found;
}

// Not empty, and neither blank, plus, nor what can't be seen.
const isName = (name) => /^[^+\p{C}\p{Z}]+$/u.test(name);
const keyId = (name, kind, key) => sha256(concat(utf8(name + "\n"), kind, key)).subarray(0, 4);

/** A witness's key as NAME+ID+BASE64: {name, id, key, text}; anything else is refused. */
export function readKey(text) {
  const parts = text.split("+");
  const data = bytesOf64(parts.slice(2).join("+"), 33);
  const key = data.subarray(1);
  const id = keyId(parts[0], data.subarray(0, 1), key);
  if (!isName(parts[0]) || data[0] !== COSIGNATURE || hex(id) !== parts[1] || !ed25519Key(key)) throw bad();
  return { name: parts[0], id, key, text };
}

function linesOf(text) {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw bad();
  return lines;
}

/** {text, signatures: [{name, id, signature}]} */
export function readNote(bytes) {
  if (bytes.length > MAX_BYTES) throw bad();
  const whole = utf8Text(bytes);
  const at = whole.lastIndexOf("\n\n");
  if (at < 1 || /[\0-\x09\x0b-\x1f]/.test(whole)) throw bad();
  const lines = linesOf(whole.slice(at + 2));
  if (!lines.length || lines.length > MAX_SIGNATURES) throw bad();
  return { text: whole.slice(0, at + 1), signatures: lines.map(signatureOf) };
}

function utf8Text(bytes) {
  try {
    return textOf(bytes);
  } catch {
    throw bad();
  }
}

function signatureOf(line) {
  const found = /^— ([^ ]+) ([^ ]+)$/.exec(line);
  if (!found || !isName(found[1])) throw bad();
  const data = bytesOf64(found[2]);
  if (data.length <= 4) throw bad();
  return { name: found[1], id: data.subarray(0, 4), signature: data.subarray(4) };
}

export function readNumber(text) {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) > 2n ** 62n) throw bad();
  return BigInt(text);
}

/** {origin, size, root} of a note's text. */
function readCheckpoint(text) {
  const lines = linesOf(text);
  if (lines.length < 3 || lines.includes("")) throw bad();
  const [origin, size, root] = [lines[0], readNumber(lines[1]), bytesOf64(lines[2], 32)];
  if (size === 0n && !sameBytes(root, EMPTY_ROOT)) throw bad();
  return { origin, size, root };
}

/** {origin, size, root, issuer, note} of a checkpoint that its issuer signed; `maySign` (issuer, address) says by which key. */
export function signedCheckpoint(note, maySign) {
  const head = readCheckpoint(note.text);
  const issuer = head.origin.slice(PREFIX.length);
  if (!head.origin.startsWith(PREFIX) || !isIssuer(issuer)) throw new Refusal("this checkpoint is of another kind of log");
  const wrong = new Refusal("the checkpoint was not signed by its issuer");
  for (const { name, id, signature } of note.signatures) {
    const key = signature.subarray(0, 33);
    if (name !== head.origin || !sameBytes(id, keyId(head.origin, OWN, key))) continue;
    const noteKey = signature.subarray(33, 65);
    const point = pointOf(key);
    const payload = pae("application/vnd.emotionet.checkpoint", concat(noteKey, utf8(note.text)));
    if (!maySign(issuer, addressOf(point)) || !isSignedBy(point, sha256(payload), signature.subarray(65))) throw wrong;
    const noteId = keyId(head.origin, Uint8Array.of(ED25519), noteKey);
    const own = note.signatures.find((one) => one.name === head.origin && sameBytes(one.id, noteId));
    if (!own || !isEd25519Signed(noteKey, own.signature, utf8(note.text))) throw wrong;
    return { ...head, issuer, note };
  }
  throw wrong;
}

/** When each of these witnesses cosigned (POSIX seconds), by the text of their key; refuses a wrong cosignature. */
export function cosigners({ text, signatures }, witnesses) {
  const found = new Map();
  for (const { name, id, key, text: vkey } of witnesses) {
    const own = signatures.find((one) => one.name === name && sameBytes(one.id, id));
    if (!own) continue;
    const time = own.signature.length === 72 ? BigInt("0x" + hex(own.signature.subarray(0, 8))) : 0n;
    const said = utf8(`cosignature/v1\ntime ${time}\n${text}`);
    if (time < 1n || time >= 1n << 63n || !isEd25519Signed(key, own.signature.subarray(8), said))
      throw new Refusal("the cosignature of {name} does not hold", { name });
    found.set(vkey, time);
  }
  return found;
}

/** {index, hashes, note} of a tlog-proof without extra data. */
export function readProof(bytes) {
  const wrong = new Refusal("this is no proof that an entry is in a log");
  const end = bytes.findIndex((byte, i) => byte === 10 && bytes[i + 1] === 10);
  if (bytes.length > MAX_BYTES || end < 0) throw wrong;
  const [header, index, ...hashes] = utf8Text(bytes.subarray(0, end)).split("\n");
  if (header !== "c2sp.org/tlog-proof@v1" || !/^index /.test(index ?? "") || hashes.length > MOST_HASHES) throw wrong;
  const found = { index: readNumber(index.slice(6)), hashes: hashes.map((line) => bytesOf64(line, 32)) };
  const note = readNote(bytes.subarray(end + 2));
  readCheckpoint(note.text);
  return { ...found, note };
}
