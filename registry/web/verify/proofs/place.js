// The row of a table with a key, or that there is none, by the few nodes on the way to its place (docs/proofs.md).
import { equal } from "../bytes/equal.js";
import { Refusal } from "../bytes/bytes.js";
import { encode } from "../bytes/cbor.js";
import { sha256 } from "../bytes/sha256.js";
import { TABLES } from "../data/columns.js";
import { checkCells, compareKeys, EARLIER_MAX_ITEMS, MAX_KEY, MAX_LEVELS, readHeader, readTop } from "../data/tables.js";

/** A map by column; null where no row has this key. Everything on the way is checked; what lies beside it is not. */
export function rowAt(blocks, cid, kind, key) {
  const header = readHeader(blocks.get(cid), kind);
  const places = header.key.map((name) => header.columns.indexOf(name));
  const way = [];
  let at = { first: null, below: header.count, cid: header.root };
  for (;;) {
    if (way.length >= MAX_LEVELS) throw new Refusal("a table has too many levels");
    const node = nodeAt(blocks, at, header, places);
    way.unshift(node);
    const place = node.keys.filter((own) => compareKeys(own, key) <= 0).length - 1;
    if (place < 0) return node.isLeaf ? ended(way, null) : null;
    const [, below, child] = node.items[place];
    if (!node.isLeaf) at = { first: node.keys[place], below, cid: child };
    else return ended(way, equal(node.keys[place], key) ? rowOf(kind, node.items[place]) : null);
  }
}

function rowOf(kind, row) {
  checkCells(TABLES[kind], [row]);
  return Object.fromEntries(TABLES[kind].columns.map((name, i) => [name, row[i]]));
}

function nodeAt(blocks, at, { columns }, places) {
  const { isLeaf, items } = readTop(blocks.get(at.cid), at.first === null);
  if (isLeaf && items.some((row) => !Array.isArray(row) || row.length !== columns.length))
    throw new Refusal("a row is not as wide as its table");
  const keys = items.map((item) => (isLeaf ? places.map((place) => item[place]) : item[0]));
  if (keys.some((key) => key.length !== places.length)) throw new Refusal("a key of another type");
  keys.forEach((key, i) => {
    if (i && compareKeys(keys[i - 1], key) >= 0) throw new Refusal("rows out of order, or one twice");
  });
  const sum = isLeaf ? items.length : items.reduce((count, item) => count + Number(item[1]), 0);
  if (sum !== at.below) throw new Refusal("a table's node does not hold as many rows as it states");
  if (at.first && !(keys.length && equal(keys[0], at.first)))
    throw new Refusal("a table's node begins with another key");
  return { isLeaf, items, keys };
}

/** Checks that no node on the way, from the leaf up, should have ended before its last key. */
function ended(way, row) {
  way.forEach(({ items, keys }, level) => {
    const size = items.reduce((sum, item) => sum + encode(item).length, 0);
    const texts = keys.map((key) => encode(key));
    const isCut =
      (keys.length < 2 || size <= EARLIER_MAX_ITEMS) &&
      texts.every((text, i) => text.length <= MAX_KEY && (i === keys.length - 1 || sha256(text)[level] !== 0));
    if (!isCut) throw new Refusal("a table is not cut as its keys say");
  });
  return row;
}
