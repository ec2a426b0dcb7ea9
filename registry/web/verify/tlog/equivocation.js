// Two things that an issuer signed and that can't both be of one append-only log (docs/format/log.md): whether a document
// shows that. Anything else is refused, so nobody can be accused by a made-up one.
import { hex, Refusal, sameBytes, textOf, utf8 } from "../bytes/bytes.js";
import { cidOfBlock, cidOfBytes } from "../bytes/cid.js";
import { Blocks } from "../data/blocks.js";
import { changesOf } from "../data/keys.js";
import { checkEntry } from "../data/log.js";
import { checkConsistency, checkInclusion, isContradiction, knownByEntry, knownByInclusion, leafHash } from "./merkle.js";
import { bytesOf64, readNote, readProof, signedCheckpoint } from "./note.js";

const TYPE = "emotionet-equivocation";
const MAX_BYTES = 1 << 20;
const MOST_BESIDE = 200;
const KINDS = ["entries", "checkpoints", "trees"];
const fits = () => new Refusal("the two halves can be of one log");

/** The document in a file of JSON; null for another file. */
export function equivocationIn(bytes) {
  if (!/^\s*\{/.test(String.fromCharCode(...bytes.subarray(0, 100))) || bytes.length > MAX_BYTES) return null;
  try {
    const found = JSON.parse(textOf(bytes));
    return found?.type === TYPE ? found : null;
  } catch {
    return null;
  }
}

/** {issuer, what, halves: [[[name, value]]]} of a document that shows two histories. */
export function verifyEquivocation({ v, kind, issuer, halves, leaves, beside = [], prefix, proof }) {
  const bad = new Refusal("this is no evidence of two histories");
  if (v !== 1 || !Array.isArray(halves) || halves.length !== 2 || !halves.every((one) => typeof one === "string"))
    throw bad;
  const isList = (list) => Array.isArray(list) && list.every((one) => typeof one === "string");
  if (!KINDS.includes(kind) || !isList(beside) || beside.length > MOST_BESIDE) throw bad;
  let found;
  if (kind === "entries") found = ofEntries(halves, beside);
  else if (kind === "trees") found = ofTrees(halves, leaves, beside, bad);
  else found = ofCheckpoints(halves, prefix, proof, signers(beside), bad);
  if (found.issuer !== issuer) throw new Refusal("it names another issuer than its halves");
  return found;
}

function blocksOf(beside) {
  const blocks = new Blocks();
  for (const one of beside.map((text) => bytesOf64(text))) blocks.put(cidOfBlock(one), one);
  return blocks;
}

/** Who may sign a checkpoint: the issuer's own key, or one that took the log over by a change of keys that lies beside. */
function signers(beside) {
  const blocks = blocksOf(beside);
  const cids = beside.map((text) => cidOfBlock(bytesOf64(text)));
  const entries = cids.filter((cid) => blocks.typeOf(cid) === "entry");
  const file = { blocks, entries, entry: (cid) => blocks.record(cid, "entry") };
  return (issuer, address) =>
    issuer.endsWith(address) || changesOf(file, issuer).some(({ successor }) => successor?.endsWith(address));
}

function entryIn(half, beside) {
  const block = bytesOf64(half);
  const blocks = blocksOf(beside);
  const cid = cidOfBlock(block);
  blocks.put(cid, block);
  const entry = blocks.record(cid, "entry");
  checkEntry(entry, blocks);
  return { ...entry, cid };
}

function ofEntries(halves, beside) {
  const [one, other] = halves.map((half) => entryIn(half, beside));
  if (one.cid.key === other.cid.key || one.issuer !== other.issuer) throw fits();
  const [first, second] = [one, other].map(({ log, cid }) => log ?? cid.bytes);
  const isSplit =
    !sameBytes(first, second) || one.seq === other.seq || (one.prev && other.prev && sameBytes(one.prev, other.prev));
  if (!isSplit) throw fits();
  return { issuer: one.issuer, what: "entries", halves: [rowsOfEntry(one), rowsOfEntry(other)] };
}

const rowsOfEntry = ({ cid, seq, issuedAt, record }) => [
  ["entry", cid.text],
  ["place", String(seq)],
  ["issued", issuedAt],
  ["target", record.text],
];

function ofTrees(halves, leaves, beside, bad) {
  if (!Array.isArray(leaves) || leaves.length !== 2) throw bad;
  if (!leaves.every((leaf) => leaf === null || typeof leaf === "string")) throw bad;
  const [one, other] = halves.map((half, place) => told(half, leaves[place], beside));
  if (one.issuer !== other.issuer || !isContradiction([one.known, other.known])) throw fits();
  return { issuer: one.issuer, what: "trees", halves: [one.rows, other.rows] };
}

/** What a half says: an entry, or the proof that the entry `leaf` is in a tree. */
function told(half, leaf, beside) {
  if (leaf === null) {
    const entry = entryIn(half, beside);
    return { issuer: entry.issuer, known: knownByEntry(entry.cid, entry), rows: rowsOfEntry(entry) };
  }
  const entry = cidOfBytes(bytesOf64(leaf));
  const { index, hashes, note } = readProof(utf8(half));
  const { issuer, size, root } = signedCheckpoint(note, signers(beside));
  checkInclusion(leafHash(entry.bytes), index, size, root, hashes);
  const rows = [
    ["size", String(size)],
    ["root", hex(root)],
    ["entry", entry.text],
    ["place", String(index)],
  ];
  return { issuer, known: knownByInclusion(leafHash(entry.bytes), index, size, hashes), rows };
}

function ofCheckpoints(halves, prefix, proof, maySign, bad) {
  const [older, newer] = halves.map((half) => signedCheckpoint(readNote(utf8(half)), maySign));
  if (older.issuer !== newer.issuer || older.size > newer.size) throw fits();
  const isHashes = Array.isArray(proof) && proof.every((one) => typeof one === "string");
  if (typeof prefix !== "string" || !isHashes) throw bad;
  let begins = bytesOf64(prefix, 32);
  if (older.size === newer.size) begins = newer.root;
  else checkConsistency(older.size, begins, newer.size, newer.root, proof.map((one) => bytesOf64(one, 32)));
  if (sameBytes(begins, older.root)) throw fits();
  const rows = ({ size, root }) => [
    ["size", String(size)],
    ["root", hex(root)],
  ];
  return { issuer: older.issuer, what: "checkpoints", halves: [rows(older), rows(newer)] };
}
