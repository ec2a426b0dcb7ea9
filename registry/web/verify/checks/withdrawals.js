// Who took what back, and whether he may (docs/format/log.md, withdrawals).
import { hex, Refusal } from "../bytes/bytes.js";
import { cidOfBytes } from "../bytes/cid.js";
import { checkEntry } from "../data/log.js";

/** Withdrawals of the file that are signed: [{issuer, target (hex)}]. */
function signedWithdrawals(file) {
  const found = [];
  for (const cid of file.entries) {
    const entry = file.entry(cid);
    if (!entry || file.blocks.typeOf(entry.record) !== "withdrawal") continue;
    try {
      checkEntry(entry);
      found.push({ issuer: entry.issuer, target: hex(file.blocks.record(entry.record, "withdrawal").target) });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return found;
}

/** {images: Set of hex of sha256 that were taken back, others: names of records taken back, count, without}. */
export function withdrawalsOf(view) {
  const { file } = view;
  const all = signedWithdrawals(file);
  const images = allowedByImage(view);
  const byTarget = new Map();
  for (const [image, { cids }] of images) for (const name of [image, ...cids]) byTarget.set(name, image);
  const records = recordsThatMay(view);
  const result = { images: new Set(), others: [], count: 0, without: 0 };
  for (const { issuer, target } of all) {
    const image = byTarget.get(target);
    const who = image === undefined ? records.get(target) : images.get(image).who;
    if (!who || !who.has(issuer)) {
      result.without += 1;
      continue;
    }
    result.count += 1;
    if (image !== undefined) result.images.add(image);
    else result.others.push(cidOfBytes(Uint8Array.from(target.match(/../g), (pair) => parseInt(pair, 16))).text);
  }
  return result;
}

/** Map of an image to who may take it back, and to the names by which it can be meant (hex). */
function allowedByImage(view) {
  const images = new Map();
  const of = (row) => {
    const name = hex(row.sha256);
    if (!images.has(name))
      images.set(name, { who: new Set(view.file.issuer ? [view.file.issuer] : []), cids: new Set() });
    return images.get(name);
  };
  for (const { issuer, rows } of view.contributions) {
    for (const row of rows) {
      const { who, cids } = of(row);
      who.add(issuer);
      who.add(row.contributor);
      cids.add(hex(row.cid));
    }
  }
  for (const row of view.items) of(row).cids.add(hex(row.image.bytes));
  return images;
}

function recordsThatMay(view) {
  const { file } = view;
  const may = new Map();
  const allow = (cid, issuer) => {
    if (!may.has(hex(cid.bytes))) may.set(hex(cid.bytes), new Set());
    may.get(hex(cid.bytes)).add(issuer);
  };
  const targets = [file.targetCid, view.snapshotCid];
  for (const target of targets) if (file.issuer) allow(target, file.issuer);
  for (const cid of file.entries) {
    const entry = file.entry(cid);
    const isOf = entry && targets.some((target) => target.key === entry.record.key);
    if (!isOf) continue;
    allow(cid, entry.issuer);
    allow(entry.record, entry.issuer);
    if (file.issuer) allow(cid, file.issuer);
  }
  return may;
}
