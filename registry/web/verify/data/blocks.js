// The blocks of a file by their whole CID, and what they hold: records, tables, links. A block that does not hash to
// its CID is not there.
import { Missing, Newer, Refusal } from "../bytes/bytes.js";
import { decode, linksIn, MAX_BLOCK } from "../bytes/cbor.js";
import { DAG_CBOR, DAG_PB, RAW } from "../bytes/cid.js";
import { isInteger, isMap } from "./kinds.js";
import { readNode } from "./dagpb.js";
import { CHECKS, STEPS } from "./schemas.js";

const FREE = 64 * 1024 * 1024;
const REPEATED = 16;

export class Blocks {
  constructor() {
    this.byKey = new Map();
    this.cids = new Map();
    this.records = new Map();
    this.bytes = 0;
    this.read = 0;
  }

  put(cid, block) {
    this.byKey.set(cid.key, block);
    this.bytes += block.length;
    this.cids.set(cid.key, cid);
  }

  has(cid) {
    return cid.isIdentity || this.byKey.has(cid.key);
  }

  get(cid) {
    if (cid.isIdentity) return cid.digest;
    const block = this.byKey.get(cid.key);
    if (!block) throw new Missing("block {cid} is not in the file", { cid: cid.text });
    if (block.length > MAX_BLOCK) throw new Refusal("block {cid} is too large", { cid: cid.text });
    return block;
  }

  /** Bounds what is read of files: a few blocks that name each other again and again could claim any size. */
  count(length) {
    this.read += length + 64;
    if (this.read > FREE + REPEATED * this.bytes)
      throw new Refusal("the files claim to be much larger than their blocks");
  }

  /** The type that a block says it is of; null where it is no record. */
  typeOf(cid) {
    try {
      if (cid.codec !== DAG_CBOR || !this.has(cid)) return null;
      const value = decode(this.get(cid));
      return isMap(value) && typeof value.type === "string" ? value.type : null;
    } catch (error) {
      if (error instanceof Refusal) return null;
      throw error;
    }
  }

  /** A record of one of these types (of any, where none is named), checked. */
  record(cid, ...types) {
    const found = this.checked(cid);
    if (found.error) throw found.error;
    if (types.length && !types.includes(found.value.type)) {
      throw new Refusal("{cid} is of type {type}, not {wanted}", {
        cid: cid.text,
        type: found.value.type,
        wanted: types.join(" or "),
      });
    }
    return found.value;
  }

  /** Typed links of a record: {cid, where, types | table | isFile}, and what is wrong with it: {wrong}. */
  linksOfRecord(cid) {
    this.record(cid);
    return this.checked(cid).links;
  }

  checked(cid) {
    let found = this.records.get(cid.key);
    if (!found) {
      found = { value: null, links: [], error: null };
      try {
        found.value = readRecord(this.get(cid), found.links, cid);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        found.error = error;
      }
      this.records.set(cid.key, found);
    }
    return found;
  }

  /** Where a block leads, whatever it is. */
  links(cid) {
    if (cid.codec === RAW) return [];
    if (cid.codec === DAG_PB) return readNode(this.get(cid)).links.map((link) => link.cid);
    if (cid.codec === DAG_CBOR) return linksIn(decode(this.get(cid)));
    throw new Refusal("{cid} is of a codec that is not known", { cid: cid.text });
  }
}

/** An old record as the newest version of its type would say it: with what each version added. */
function asNewest(fields, steps, cid) {
  const found = Object.assign(Object.create(null), fields);
  for (const step of steps) {
    for (const name in step) {
      if (name in found) throw new Refusal("{cid} has a field that its version has not", { cid: cid.text });
      found[name] = step[name];
    }
  }
  return found;
}

function readRecord(block, links, cid) {
  const value = decode(block);
  if (!isMap(value) || typeof value.type !== "string") throw new Refusal("{cid} is no record", { cid: cid.text });
  if (!Object.hasOwn(CHECKS, value.type)) throw new Refusal("{cid} is of an unknown type", { cid: cid.text });
  const { v, type, ...rest } = value;
  if (!isInteger(v) || v < 1) throw new Refusal("{cid} is of no version", { cid: cid.text });
  const steps = Object.hasOwn(STEPS, type) ? STEPS[type] : [];
  if (v > 1 + steps.length) throw new Newer("version {version} of {type} is newer", { version: String(v), type });
  const found = asNewest(rest, steps.slice(v - 1), cid);
  CHECKS[type](found, type, links);
  return Object.assign(found, { v, type });
}
