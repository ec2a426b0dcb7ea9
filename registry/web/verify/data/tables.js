// Tables: sorted rows, cut into nodes by their keys, so that the same rows give the same blocks.
import { equal } from "../bytes/equal.js";
import { Newer, Refusal, compareBytes, compareText } from "../bytes/bytes.js";
import { decode, encode } from "../bytes/cbor.js";
import { CID, cidOfBlock, DAG_CBOR } from "../bytes/cid.js";
import { sha256 } from "../bytes/sha256.js";
import { isInteger, isMap } from "./kinds.js";
import { TABLES } from "./columns.js";

const MAX_ITEM = 2 ** 20 - 16;
const MAX_ITEMS = 48 * 1024;
export const EARLIER_MAX_ITEMS = 2 ** 20 - 16; // of tables that were written before that was made smaller
export const MAX_KEY = 4096;
export const MAX_LEVELS = 32;
const HEADER = ["v", "type", "kind", "columnsVersion", "columns", "key", "count", "root"];

const partType = (value) => (value instanceof Uint8Array ? "bytes" : isInteger(value) ? "integer" : typeof value);

export function compareKeys(a, b) {
  for (let i = 0; i < a.length; i++) {
    const [x, y] = [a[i], b[i]];
    if (partType(x) !== partType(y)) throw new Refusal("a key of another type");
    const order =
      x instanceof Uint8Array
        ? compareBytes(x, y)
        : typeof x === "string"
          ? compareText(x, y)
          : x < y
            ? -1
            : x > y
              ? 1
              : 0;
    if (order) return order;
  }
  return 0;
}

/** The header, checked for itself and, where the kind is known, for its kind. */
export function readHeader(block, kind = null) {
  const header = decode(block);
  const hasFields = isMap(header) && Object.keys(header).length === HEADER.length && HEADER.every((f) => f in header);
  if (!hasFields || header.type !== "table" || typeof header.kind !== "string") throw new Refusal("this is no table");
  if (kind !== null && header.kind !== kind)
    throw new Refusal("a table of {found}, not {kind}", { found: header.kind, kind });
  for (const [version, what] of [
    [header.v, "table"],
    [header.columnsVersion, header.kind],
  ]) {
    if (!isInteger(version) || version < 1) throw new Refusal("a table of no version");
    if (version > 1) throw new Newer("version {version} of {type} is newer", { version: String(version), type: what });
  }
  const { columns, key, count, root } = header;
  const isNames = (value) =>
    Array.isArray(value) &&
    value.length > 0 &&
    new Set(value).size === value.length &&
    value.every((name) => typeof name === "string" && name !== "");
  const isWhole =
    isNames(columns) &&
    isNames(key) &&
    key.every((name) => columns.includes(name)) &&
    isInteger(count) &&
    count >= 0 &&
    root instanceof CID &&
    root.codec === DAG_CBOR;
  if (!isWhole) throw new Refusal("the table's header is not valid");
  const known = TABLES[header.kind];
  if (known && !(equal(known.columns, columns) && equal(known.key, key))) throw new Refusal("a table of other columns");
  return header;
}

/** Rows of a table, each a list in the order of its columns; everything of the table is checked. */
export function readRows(blocks, cid, kind = null) {
  if (cid.codec !== DAG_CBOR) throw new Refusal("this is no table");
  const header = readHeader(blocks.get(cid), kind);
  const places = header.key.map((name) => header.columns.indexOf(name));
  const walk = { blocks, width: header.columns.length, places, rows: [], last: null, depth: null };
  nodeRows(walk, header.root, null, 0, header.count);
  const isCutBy = (most) => build(walk.rows, places, () => {}, most).cid.key === header.root.key;
  if (![MAX_ITEMS, EARLIER_MAX_ITEMS].some(isCutBy)) throw new Refusal("a table is not cut as its keys say");
  if (kind !== null) checkCells(TABLES[kind], walk.rows);
  return walk.rows;
}

function checkCell(kind, cell, where) {
  const found = [];
  kind(cell, where, found);
  for (const { wrong } of found) if (wrong) throw wrong;
}

export function checkCells({ columns, cells, isWhole = () => true }, rows) {
  rows.forEach((row, at) => {
    row.forEach((cell, i) => checkCell(cells[i], cell, `row ${at + 1}, ${columns[i]}`));
    if (!isWhole(row)) throw new Refusal("row {row} is neither kept nor dropped", { row: at + 1 });
  });
}

/** A node's items: {isLeaf, items}; of an inner one each is [first key, rows below, CID]. */
export function readTop(block, isRoot) {
  const node = decode(block);
  const isNode = isMap(node) && Object.keys(node).length === 1;
  if (isNode && Array.isArray(node.rows)) return { isLeaf: true, items: node.rows };
  if (!isNode || !Array.isArray(node.nodes)) throw new Refusal("a node of the table is not valid");
  if (node.nodes.length < (isRoot ? 2 : 1)) throw new Refusal("a table's node holds too few others");
  const isItem = (member) =>
    Array.isArray(member) &&
    member.length === 3 &&
    Array.isArray(member[0]) &&
    isInteger(member[1]) &&
    member[1] >= 1 &&
    member[2] instanceof CID;
  if (!node.nodes.every(isItem)) throw new Refusal("a node of the table is not valid");
  return { isLeaf: false, items: node.nodes };
}

// `stated`: how many rows lie below, as the header or the node above says; it is looked at before any is read.
function nodeRows(walk, cid, firstKey, level, stated) {
  if (level >= MAX_LEVELS) throw new Refusal("a table has too many levels");
  const { isLeaf, items } = readTop(walk.blocks.get(cid), level === 0);
  const count = isLeaf ? items.length : items.reduce((sum, item) => sum + Number(item[1]), 0);
  if (count !== stated) throw new Refusal("a table does not hold as many rows as it states");
  if (isLeaf) return leafRows(walk, items, firstKey, level);
  for (const [i, member] of items.entries()) {
    if (i === 0 && firstKey && !equal(member[0], firstKey)) throw new Refusal("a table's node begins with another key");
    nodeRows(walk, member[2], member[0], level + 1, member[1]);
  }
}

function leafRows(walk, rows, firstKey, level) {
  if (walk.depth !== null && walk.depth !== level) throw new Refusal("a table's leaves lie at several levels");
  walk.depth = level;
  rows.forEach((row, i) => {
    if (!Array.isArray(row) || row.length !== walk.width) throw new Refusal("a row is not as wide as its table");
    const key = walk.places.map((place) => row[place]);
    if (!key.every((value, p) => isKeyPart(value, walk.last && walk.last[p])))
      throw new Refusal("a key of another type");
    if (walk.last && compareKeys(walk.last, key) >= 0) throw new Refusal("rows out of order, or one twice");
    if (i === 0 && firstKey && !equal(key, firstKey)) throw new Refusal("a table's node begins with another key");
    walk.last = key;
    walk.rows.push(row);
  });
}

function isKeyPart(value, before) {
  const type = partType(value);
  return ["bytes", "integer", "string"].includes(type) && (!before || partType(before) === type);
}

/** The table's top node: {cid, block}, with the sizes of all nodes by level from the leaves. */
export function build(rows, places, put = () => {}, most = MAX_ITEMS) {
  let items = rows.map((row) => ({ key: places.map((place) => row[place]), value: row, below: 1 }));
  const levels = [];
  for (let level = 0; level < MAX_LEVELS; level++) {
    const nodes = cut(items, level, most);
    levels.push(nodes.map((node) => node.length));
    const made = nodes.map((node) => {
      const block = encode({ [level ? "nodes" : "rows"]: node.map((item) => item.value) });
      const cid = cidOfBlock(block);
      put(cid, block);
      return cid;
    });
    if (nodes.length === 1) return { cid: made[0], levels };
    items = nodes.map((node, i) => {
      const below = node.reduce((sum, item) => sum + item.below, 0);
      return { key: node[0].key, value: [node[0].key, below, made[i]], below };
    });
  }
  throw new Refusal("a table has too many levels");
}

function cut(items, level, most) {
  const nodes = [[]];
  let size = 0;
  for (const item of items) {
    const length = encode(item.value).length;
    const key = encode(item.key);
    if (length > MAX_ITEM || key.length > MAX_KEY) throw new Refusal("a row or a key is too large");
    if (size && size + length > most) {
      nodes.push([]);
      size = 0;
    }
    nodes[nodes.length - 1].push(item);
    size += length;
    if (sha256(key)[level] === 0) {
      nodes.push([]);
      size = 0;
    }
  }
  if (nodes.length > 1 && !nodes[nodes.length - 1].length) nodes.pop();
  return nodes;
}

/** Rows as maps by column, of a table of a known kind. */
export function rowsOf(blocks, cid, kind) {
  const { columns } = TABLES[kind];
  return readRows(blocks, cid, kind).map((row) => Object.fromEntries(columns.map((name, i) => [name, row[i]])));
}
