// A proof about one picture: whether it is in a snapshot, or in a release's data, and how it was used (docs/proofs.md).
import { Newer, Refusal } from "../bytes/bytes.js";
import { readCar } from "../bytes/car.js";
import { decode } from "../bytes/cbor.js";
import { CID, hashesTo } from "../bytes/cid.js";
import { Blocks } from "../data/blocks.js";
import { isInteger, isMap } from "../data/kinds.js";
import { checkEntry } from "../data/log.js";
import { drawView } from "../checks/view.js";
import { rowAt } from "./place.js";

const TYPE = "picture-proof";
const MAX_BYTES = 256 * 1024;
const MAX_ENTRIES = 100;
const MAX_FOLDS = 1000;

/** The blocks of a proof, which notes those that are read. */
class Proving extends Blocks {
  constructor() {
    super();
    this.used = new Set();
  }

  get(cid) {
    if (!this.cids.has(cid.key)) throw new Refusal("the proof lacks block {cid}", { cid: cid.text });
    this.used.add(cid.key);
    return super.get(cid);
  }
}

/** Whether a CAR's first root is a statement of this kind, wherever it stands, whatever is wrong after it. */
export function isProof(bytes) {
  try {
    const { roots, sections } = readCar(bytes);
    const [, block] = sections.find(([cid]) => cid.key === roots[0]?.key) ?? [];
    const value = block ? decode(block) : null;
    return isMap(value) && value.type === TYPE;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

/** {image, uses} of a file that shows what it states; anything else is refused. */
export function verifyProof(bytes) {
  if (bytes.length > MAX_BYTES) throw new Refusal("a proof has at most 256 KiB");
  const { roots, sections, fault } = readCar(bytes);
  if (fault) throw fault;
  const blocks = new Proving();
  for (const [cid, block] of sections) {
    if (!hashesTo(cid, block)) throw new Refusal("block {cid} does not hash to its CID", { cid: cid.text });
    blocks.put(cid, block);
  }
  if (roots.length !== 1 || !blocks.cids.has(roots[0].key)) throw new Refusal("the file has no statement as its only root");
  const { image, entries } = statementOf(blocks.get(roots[0]));
  const uses = entries.map((entry) => useOf(blocks, image, entry));
  const surplus = [...blocks.cids.values()].find((cid) => !blocks.used.has(cid.key));
  if (surplus) throw new Refusal("the proof does not need block {cid}", { cid: surplus.text });
  return { image, uses };
}

function statementOf(block) {
  const value = decode(block);
  if (!isMap(value) || value.type !== TYPE) throw new Refusal("this is no proof of a picture");
  const { v, image, entries } = value;
  if (isInteger(v) && v > 1) throw new Newer("version {version} of {type} is newer", { version: v, type: TYPE });
  const isWhole =
    v === 1 &&
    Object.keys(value).length === 4 &&
    image instanceof Uint8Array &&
    image.length === 32 &&
    Array.isArray(entries) &&
    entries.every((one) => one instanceof CID);
  if (!isWhole) throw new Refusal("the proof's statement is malformed");
  const names = new Set(entries.map((one) => one.key));
  if (!entries.length || entries.length > MAX_ENTRIES || names.size !== entries.length)
    throw new Refusal("the proof names no record, too many, or one twice");
  return { image, entries };
}

/** What the record of an entry says of a picture. */
function useOf(blocks, image, cid) {
  const entry = blocks.record(cid, "entry");
  checkEntry(entry, blocks);
  const record = blocks.record(entry.record, "snapshot", "release");
  const about = {
    entry: cid,
    record: entry.record,
    kind: record.type,
    issuer: entry.issuer,
    issuedAt: entry.issuedAt,
    dropped: null,
    seen: null,
    repeats: [],
    refit: false,
  };
  if (record.type === "snapshot") return { ...about, snapshot: entry.record, ...inSnapshot(blocks, record, image) };
  const view = drawView({ blocks }, record.draw);
  void [view.recipe, view.snapshot];
  const held = inSnapshot(blocks, view.snapshot, image);
  const used = held.included ? inTraining(blocks, view, image) : {};
  return { ...about, snapshot: view.preprocessing.snapshot, ...held, ...used };
}

function inSnapshot(blocks, { items, excluded }, image) {
  const item = rowAt(blocks, items, "snapshot.items", [image]);
  if (item) return { included: true, label: item.label, excluded: null };
  const row = rowAt(blocks, excluded, "snapshot.excluded", [image]);
  return { included: false, label: null, excluded: row && row.reason };
}

function inTraining(blocks, { plan, draw, preprocessing, recipe }, image) {
  const prepared = rowAt(blocks, preprocessing.output, "preprocessing.output", [image]);
  if (!prepared) throw new Refusal("the picture is in the snapshot, and its preprocessing does not know it");
  const known = plan.seen && rowAt(blocks, plan.seen, "plan.seen", [image]);
  const seen = known && known.how;
  if (prepared.reason !== null) return { dropped: prepared.reason, seen };
  const { k, repeats } = foldsOf(recipe);
  const each = Array.from({ length: repeats }, (_, number) => repeatOf(blocks, draw.folds, image, number, k));
  return { repeats: each, refit: plan.final === "refit", seen };
}

function foldsOf({ values: { folds } }) {
  const isFrom = (value, least) => Number.isInteger(value) && value >= least && value <= MAX_FOLDS;
  if (!isMap(folds) || !isFrom(folds.k, 2) || !isFrom(folds.repeats, 1)) throw new Refusal("the recipe states no folds");
  return folds;
}

/** {judged, trained}: which fold of this repeat judged the picture, and which were trained on it. */
function repeatOf(blocks, folds, image, number, k) {
  const row = rowAt(blocks, folds, "draw.folds", [image, number]);
  const own = Array.from({ length: k }, (_, i) => number * k + i);
  if (!row || !own.includes(row.fold))
    throw new Refusal("the picture was kept, and repeat {number} has no fold for it", { number });
  return { judged: row.fold, trained: own.filter((fold) => fold !== row.fold) };
}
