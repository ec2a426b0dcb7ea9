// 3.included and 3.witnesses: the log as a tree that its issuer signed, and who cosigned it (docs/format/log.md).
import { compareText, Missing, Refusal } from "../bytes/bytes.js";
import { cidOfBytes } from "../bytes/cid.js";
import { equal } from "../bytes/equal.js";
import { signerOfEntry } from "../data/keys.js";
import { checkEntry } from "../data/log.js";
import { checkInclusion, isContradiction, knownByEntry, knownByInclusion, leafHash } from "../tlog/merkle.js";
import { cosigners, readProof, signedCheckpoint } from "../tlog/note.js";
import { NotChecked, say } from "./outcome.js";

const KIND = "witness";

/** Both, where there is such evidence, or evidence that can't be read. */
export function witnessedChecks(audit) {
  const found = audit.file.evidence.map((cid) => audit.file.blocks.checked(cid));
  if (!found.some(({ value }) => value === null || value.kind === KIND)) return [];
  return [
    ["3.included", included],
    ["3.witnesses", witnesses],
  ];
}

function included(audit) {
  const sizes = proofsOfTarget(audit)
    .flat()
    .map(({ size }) => size);
  return say("in the issuer's tree of {size} {size|entry|entries}", {
    size: String(sizes.reduce((a, b) => (a > b ? a : b))),
  });
}

function witnesses(audit) {
  const { length } = audit.trust.witnesses;
  if (!length) throw new NotChecked("no witness is trusted here: drop a file with the keys of those whom you trust");
  const of = proofsOfTarget(audit).map((ones) => ones.map(({ cosigned }) => cosigned));
  const both = audit.trust.witnesses.filter(({ text }) => of.every((ones) => ones.some((one) => one.has(text))));
  if (!both.length) throw new NotChecked("none of the trusted witnesses cosigned");
  const names = both.map(({ name }) => name).join(", ");
  return say("{count} of {of} trusted witnesses cosigned: {names}", { count: both.length, of: length, names });
}

/** What shows that the target, and a release's plan, are in a tree. */
function proofsOfTarget(audit) {
  const { file, view } = audit;
  if (!file.target.entry) throw new NotChecked("the file holds no entry that says its target");
  const wanted = [file.target.entry];
  if (file.target.type === "release") wanted.push(view.release.planEntry);
  const found = (audit.trees ??= readTrees(audit));
  if (found.error) throw found.error;
  const of = wanted.map((cid) => found.proofs.filter((one) => one.entry.key === cid.key));
  if (of.some((ones) => !ones.length)) throw new NotChecked("no proof of plan and target in a tree is in the file");
  return of;
}

function readTrees(audit) {
  try {
    const all = audit.file.evidence.map((cid) => audit.file.blocks.record(cid, "evidence"));
    const proofs = all.filter(({ kind }) => kind === KIND).map((one) => shownBy(one, audit));
    oneLog(proofs, audit);
    return { proofs };
  } catch (error) {
    if (error instanceof Refusal) return { error };
    throw error;
  }
}

/** {entry, issuer, size, known, cosigned} */
function shownBy({ entry: named, statement, proof }, { file, trust }) {
  const entry = cidOfBytes(named);
  const { index, hashes, note } = readProof(proof ?? Uint8Array.of());
  const { origin, size, root, issuer } = signedCheckpoint(note, (of, address) => maySign(file, of, address));
  checkInclusion(leafHash(entry.bytes), index, size, root, hashes);
  const names = new Set(note.signatures.map(({ name }) => name).filter((name) => name !== origin));
  const sized = size <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(size) : size;
  if (!equal(statement, { origin, size: sized, root, cosigners: [...names].sort(compareText) }))
    throw new Refusal("evidence states another checkpoint than the one in its proof");
  const own = file.entry(entry);
  if (own && (own.issuer !== issuer || BigInt(own.seq) !== index))
    throw new Refusal("a proof is of another entry of the log");
  const known = knownByInclusion(leafHash(entry.bytes), index, size, hashes);
  return { entry, issuer, size, known, cosigned: cosigners(note, trust.witnesses) };
}

// The issuer's first key, and those that signed entries at hand in its name, which 2.signatures verifies.
function maySign(file, issuer, address) {
  const did = issuer.replace(/0x.*/, address);
  return did === issuer || file.entries.some((cid) => isBy(file.entry(cid), issuer, did));
}

function isBy(entry, issuer, did) {
  try {
    return Boolean(entry) && entry.issuer === issuer && signerOfEntry(entry) === did;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

// Nothing that an issuer signed may contradict its trees: another tree, or an entry.
function oneLog(proofs, { file }) {
  for (const issuer of new Set(proofs.map((one) => one.issuer))) {
    const trees = proofs.filter((one) => one.issuer === issuer).map(({ known }) => known);
    const places = new Set(trees.flatMap((known) => [...known.keys()]));
    const entries = file.entries
      .map((cid) => ({ cid, entry: file.entry(cid) }))
      .filter(({ entry }) => entry?.issuer === issuer && [0, 1].some((less) => places.has(`${entry.seq - less} 1`)))
      .filter(({ entry }) => isSigned(entry, file.blocks))
      .map(({ cid, entry }) => knownByEntry(cid, entry));
    if (isContradiction([...trees, ...entries]))
      throw new Refusal("the issuer signed two trees, or a tree and an entry, that exclude each other: the log forks");
  }
}

function isSigned(entry, blocks) {
  try {
    checkEntry(entry, blocks);
    return true;
  } catch (error) {
    if (error instanceof Refusal || error instanceof Missing) return false;
    throw error;
  }
}
