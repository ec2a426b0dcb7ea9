// Who took what back, and whether he may (docs/format/log.md, withdrawals).
import { hex, Refusal } from "../bytes/bytes.js";
import { changesOf, revokedBy } from "../data/keys.js";
import { checkEntry } from "../data/log.js";

/** Withdrawals of the file that are signed: [{issuer, target (hex), said}]; `said`: whose rows, or null. */
function signedWithdrawals(file) {
  const found = [];
  for (const cid of file.entries) {
    const entry = file.entry(cid);
    if (!entry || file.blocks.typeOf(entry.record) !== "withdrawal") continue;
    try {
      checkEntry(entry, file.blocks);
      if (revokedBy(changesOf(file, entry.issuer), cid, entry)) continue;
      const { target, ...of } = file.blocks.record(entry.record, "withdrawal");
      const who = [of.issuer, of.contributor];
      const said = who.every((one) => one === null) ? null : who.join(" ");
      const may = who.includes(entry.issuer) && !who.includes(null);
      found.push({ issuer: entry.issuer, target: target && hex(target), said, may });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return found;
}

/**
 * What was taken back by who may: {images: Set of hex of sha256, target, snapshot: whether these were, count, without},
 * the last two the numbers of withdrawals that count and that don't; `partly`: whether rows of an image were, and others
 * of it were not}.
 */
export function withdrawalsOf(view) {
  const { file } = view;
  const result = { images: new Set(), target: false, snapshot: false, count: 0, without: 0, partly: false };
  const all = signedWithdrawals(file);
  if (!all.length) return result;
  const images = allowedByImage(view);
  const byTarget = new Map();
  for (const [image, { names }] of images) for (const name of [image, ...names]) byTarget.set(name, image);
  const records = new Map([[hex(view.snapshotCid.bytes), "snapshot"]]);
  for (const cid of [file.targetCid, file.target.entry]) if (cid) records.set(hex(cid.bytes), "target");
  const rows = all.filter(({ said }) => said);
  const taken = rows.filter(({ may }) => may);
  result.count = taken.length;
  result.without = rows.length - taken.length;
  takeRows(result, view, new Set(taken.map(({ said, target }) => `${said} ${target ?? ""}`)));
  for (const { issuer, target } of all.filter(({ said }) => !said)) {
    const image = byTarget.get(target);
    const isHis =
      image === undefined ? records.has(target) && issuer === file.issuer : images.get(image).who.has(issuer);
    if (!isHis) result.without += 1;
    else {
      result.count += 1;
      if (image === undefined) result[records.get(target)] = true;
      else {
        result.images.add(image);
        if (issuer !== file.issuer && othersSaid(view, image, issuer)) result.partly = true;
      }
    }
  }
  return result;
}

/** Whether others said something of an image: its withdrawal takes its signer's rows back alone. */
function othersSaid(view, image, signer) {
  return view.contributions.some(({ issuer, rows }) =>
    rows.some((row) => hex(row.sha256) === image && issuer !== signer && row.contributor !== signer),
  );
}

/** Images of which every row was taken back; `gone`: the rows' names. */
function takeRows(result, view, gone) {
  if (!gone.size) return;
  const left = new Map();
  for (const { issuer, rows } of view.contributions) {
    for (const row of rows) {
      const [who, image] = [`${issuer} ${row.contributor}`, hex(row.sha256)];
      const isGone = gone.has(`${who} `) || gone.has(`${who} ${image}`);
      left.set(image, (left.get(image) ?? new Set()).add(isGone));
    }
  }
  for (const [image, kinds] of left) if (kinds.has(true)) {
    if (kinds.has(false)) result.partly = true;
    else result.images.add(image);
  }
}

/** Map of an image to who may take it back, and to the names by which it can be meant (hex). */
function allowedByImage(view) {
  const images = new Map();
  const of = (row) => {
    const name = hex(row.sha256);
    if (!images.has(name))
      images.set(name, { who: new Set(view.file.issuer ? [view.file.issuer] : []), names: new Set() });
    return images.get(name);
  };
  for (const { issuer, rows } of view.contributions) {
    for (const row of rows) {
      const { who, names } = of(row);
      who.add(issuer);
      who.add(row.contributor);
      names.add(hex(row.cid));
    }
  }
  for (const row of view.items) of(row).names.add(hex(row.image.bytes));
  return images;
}
