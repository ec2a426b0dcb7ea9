// Level 1: the blocks.
import { hex, Newer, Refusal, sameBytes } from "../bytes/bytes.js";
import { decode, linksIn } from "../bytes/cbor.js";
import { CID, cidOfBytes, DAG_CBOR, RAW, SHA256 } from "../bytes/cid.js";
import { Sha256 } from "../bytes/sha256.js";
import { pieces } from "../data/dagpb.js";
import { isMap } from "../data/kinds.js";
import { each, NotChecked, say } from "./outcome.js";
import { withdrawalsOf } from "./withdrawals.js";

export const level1 = [
  [
    "1.file",
    ({ file }) => {
      if (file.fault) throw file.fault;
      const { cid, type } = { cid: file.targetCid, type: file.target.type };
      return say("a CAR file of {count} {count|block|blocks}; its target is {cid} ({type})", {
        count: file.sections.length,
        cid: cid.text,
        type: type ?? "?",
      });
    },
  ],
  [
    "1.blocks",
    ({ file }) => {
      const [first] = file.damaged;
      if (first)
        throw new Refusal("blocks that don't hash to their CID: {count}, the first {cid}", {
          count: file.damaged.length,
          cid: first.text,
        });
      return say("{count} {count|block hashes|blocks hash} to their CID", { count: file.sections.length });
    },
  ],
  ["1.complete", ({ file }) => complete(file)],
  ["1.images", ({ view, pause }) => images(view, pause)],
  [
    "1.records",
    ({ file }) => {
      const { records } = reached(file);
      each([...records.values()], ({ error }) => {
        if (error) throw error;
      });
      if (!records.size) throw new Refusal("no record could be read");
      return say("{count} {count|record is of its type|records are of their types}", { count: records.size });
    },
  ],
  [
    "1.tables",
    ({ file }) => {
      const tables = [...reached(file).tables.values()];
      each(tables, ({ cid, kind }) => file.rows(cid, kind));
      return say("{count} {count|table is|tables are} in order", { count: tables.length });
    },
  ],
];

function complete(file) {
  if (file.outnumbering.size) throw new NotChecked("a table has more rows than what it is about can have");
  const seen = new Set();
  const { target } = file;
  const todo = [...file.roots, target.entry ?? target.cid].filter(Boolean).map((cid) => ({ cid, mark: "" }));
  const absent = namedEntries(file).filter((cid) => !file.blocks.has(cid));
  let missing = absent.length;
  let first = absent[0] ?? null;
  while (todo.length) {
    const { cid, mark } = todo.pop();
    const key = mark + " " + cid.key;
    if (seen.has(key)) continue;
    seen.add(key);
    if (!file.blocks.has(cid)) {
      if (mark === "image") continue;
      missing += 1;
      first ??= cid;
      continue;
    }
    todo.push(...linksFrom(file, cid, mark));
  }
  const newer = missing && [...reached(file).records.values()].find(({ error }) => error instanceof Newer);
  if (newer) throw newer.error;
  if (missing)
    throw new Refusal("links that lead to no block: {count}, the first to {cid}", { count: missing, cid: first.text });
  const keys = new Set([...seen].map((key) => key.slice(key.indexOf(" ") + 1)));
  const beside = [...file.blocks.cids.keys()].filter((key) => !keys.has(key)).length;
  return say("every link leads to a block; no link leads to {count} {count|other|others}", { count: beside });
}

// The entries that evidence names, and the first of a release's log: as blocks in the file.
function namedEntries(file) {
  const evidence = file.evidence.map((cid) => file.blocks.checked(cid).value);
  const named = evidence.filter((value) => value).map(({ entry }) => entry);
  const { log } = (file.target.type === "release" && file.entry(file.target.entry)) || {};
  return [...named, ...(log ? [log] : [])].flatMap((bytes) => safely(() => [cidOfBytes(bytes)]));
}

// Links of a block, marked: nodes of a table of items lead to images, which need not be there.
function linksFrom(file, cid, mark) {
  const { blocks } = file;
  if (cid.codec !== DAG_CBOR || mark === "image") {
    return safely(() => blocks.links(cid)).map((to) => ({ cid: to, mark }));
  }
  const block = blocks.get(cid);
  if (!mayLink(block)) return [];
  const value = safely(() => decode(block));
  if (mark === "items") {
    const next = isMap(value) && Array.isArray(value.rows) ? "image" : "items";
    return linksIn(value).map((to) => ({ cid: to, mark: next }));
  }
  const isItems = reached(file).tables.has("snapshot.items " + cid.key);
  return linksIn(value).map((to) => ({ cid: to, mark: isItems ? "items" : "" }));
}

// A link is written as tag 42: where these bytes do not stand there is none.
function mayLink(block) {
  for (let at = block.indexOf(0xd8); at >= 0; at = block.indexOf(0xd8, at + 1)) if (block[at + 1] === 0x2a) return true;
  return false;
}

// A block that can't be read leads nowhere; that it can't is another check's business.
function safely(make) {
  try {
    return make();
  } catch (error) {
    if (error instanceof Refusal || error instanceof TypeError) return [];
    throw error;
  }
}

const memo = new WeakMap();

/** Records and tables that typed links lead to, from roots, entries and evidence: {records: Map, tables: Map}. */
export function reached(file) {
  if (memo.has(file)) return memo.get(file);
  const records = new Map();
  const tables = new Map();
  const todo = [
    ...file.roots.filter((cid) => file.blocks.typeOf(cid) !== "table"),
    ...file.entries,
    ...file.ofType("evidence"),
  ].map((cid) => ({ cid, types: [] }));
  while (todo.length) {
    const { cid, types, table, isFile } = todo.pop();
    if (isFile) continue;
    if (table) {
      tables.set(table + " " + cid.key, { cid, kind: table });
      continue;
    }
    if (!file.blocks.has(cid)) continue;
    if (cid.codec !== DAG_CBOR) continue;
    const key = types.join() + " " + cid.key;
    if (records.has(key)) continue;
    const found = { cid, error: null };
    records.set(key, found);
    try {
      file.blocks.record(cid, ...types);
      const links = file.blocks.linksOfRecord(cid);
      todo.push(...links.filter((link) => link.cid));
      found.error = links.find((link) => link.wrong)?.wrong ?? null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      found.error = error;
    }
  }
  memo.set(file, { records, tables });
  return memo.get(file);
}

async function images(view, pause) {
  const { file } = view;
  const rows = snapshotsOf(file).flatMap((snapshot) => file.rows(snapshot.items, "snapshot.items"));
  if (!rows.length) throw new NotChecked("the file's target has no snapshot");
  const missing = [];
  let present = 0;
  let since = 0;
  for (const row of rows) {
    const found = digestOf(file.blocks, row.image, row.size);
    if (!found) {
      missing.push(row);
      continue;
    }
    present += 1;
    if (!sameBytes(found.digest, row.sha256))
      throw new Refusal("image {image} has other bytes", { image: hex(row.sha256) });
    if (found.size !== row.size) throw new Refusal("image {image} has another size", { image: hex(row.sha256) });
    since += row.size;
    if (since > 2e6) {
      await pause();
      since = 0;
    }
  }
  const excused = missing.length ? withdrawalsOf(view).images : new Set();
  const lost = missing.filter((row) => !excused.has(hex(row.sha256)));
  const isDamaged = lost.some((row) => file.damaged.some((cid) => cid.key === row.image.key));
  if (lost.length && !present && !isDamaged) throw new NotChecked("the file holds no image");
  if (lost.length) {
    const image = hex(lost[0].sha256);
    throw new Refusal("image {image} is missing, and nobody who may took it back", { image });
  }
  return say("{count} {count|image has the bytes that its row states|images have the bytes that their rows state}; {missing} {missing|was|were} taken back", {
    count: present,
    missing: missing.length,
  });
}

function snapshotsOf(file) {
  const found = [...reached(file).records.values()].map(({ cid }) => [cid.key, file.blocks.checked(cid).value]);
  return [...new Map(found).values()].filter((value) => value && value.type === "snapshot");
}

// sha256 and size of the bytes behind an image's link; null where a block of it is missing.
function digestOf(blocks, cid, most) {
  if (!isWhole(blocks, cid)) return null;
  if (cid.codec === RAW && cid.hash === SHA256) return { digest: cid.digest, size: blocks.get(cid).length };
  const hash = new Sha256();
  for (const part of pieces(blocks, cid, Number(most))) hash.update(part);
  return { digest: hash.digest(), size: hash.length };
}

function isWhole(blocks, cid) {
  const todo = [cid];
  const seen = new Set();
  while (todo.length) {
    const next = todo.pop();
    if (seen.has(next.key)) continue;
    seen.add(next.key);
    if (!(next instanceof CID) || !blocks.has(next)) return false;
    todo.push(...blocks.links(next));
  }
  return true;
}
