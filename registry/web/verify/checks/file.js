// What a file holds: blocks that are what they are called, roots, entries, evidence, and what of it is audited.
import { Newer, Refusal, Unusable } from "../bytes/bytes.js";
import { readCar } from "../bytes/car.js";
import { cidOfBytes, hashesTo } from "../bytes/cid.js";
import { Blocks } from "../data/blocks.js";
import { rowsOf } from "../data/tables.js";
import { outnumbering } from "./sizes.js";

const MAX_BLOCKS = 5_000_000;
const untargeted = (template) => new Unusable("untargeted", template);

export class ReleaseFile {
  /** `bytes` is the whole file. A file that can't be read at all is thrown as a Refusal. */
  constructor(bytes) {
    const { roots, sections, fault } = readCar(bytes);
    if (sections.length > MAX_BLOCKS) throw new Refusal("the file holds too many blocks");
    Object.assign(this, { roots, sections, fault, blocks: new Blocks(), damaged: [], tables: new Map() });
  }

  /** Takes the blocks that hash to their CID; the others are not there. */
  async open(pause, tell = () => {}) {
    let since = 0;
    let done = 0;
    for (const [cid, block] of this.sections) {
      if (hashesTo(cid, block)) this.blocks.put(cid, block);
      else this.damaged.push(cid);
      since += block.length;
      done += block.length;
      if (since > 4e6) {
        tell(done);
        await pause();
        since = 0;
      }
    }
    this.entries = this.ofType("entry");
    this.evidence = this.ofType("evidence").filter((cid) => this.readableType(cid));
    this.target = this.findTarget();
  }

  /** The blocks that say to be of a type. */
  ofType(type) {
    if (!this.byType) {
      this.byType = new Map();
      for (const cid of this.blocks.cids.values()) {
        const said = this.blocks.typeOf(cid);
        if (!this.byType.has(said)) this.byType.set(said, []);
        this.byType.get(said).push(cid);
      }
    }
    return this.byType.get(type) ?? [];
  }

  /** The keys of tables that state too many rows. */
  get outnumbering() {
    return (this.tooMany ??= outnumbering(this));
  }

  /** An entry's fields; null where it can't be read. */
  entry(cid) {
    const { value } = this.blocks.checked(cid);
    return value && value.type === "entry" ? value : null;
  }

  /** {cid, type, entry (CID or null)}, or {refusal}. */
  findTarget() {
    if (!this.roots.length) return { refusal: untargeted("the file has no root") };
    const [first] = this.roots;
    if (this.blocks.typeOf(first) === "evidence") {
      return { refusal: untargeted("the file's first root is evidence, which nobody signs") };
    }
    const releases = this.entries.filter((cid) => {
      const entry = this.entry(cid);
      return entry && this.readableType(entry.record) === "release";
    });
    const keys = new Set(releases.map((cid) => cid.key));
    const root = this.roots.find((cid) => keys.has(cid.key)) ?? (releases.length === 1 ? releases[0] : null);
    if (root) return this.said(root);
    if (releases.length) return { refusal: untargeted("the file holds several releases, and none of them is a root") };
    if (this.entry(first)) return this.said(first);
    return { cid: first, type: this.readableType(first), entry: this.entryOf(first) };
  }

  said(entry) {
    const { record } = this.entry(entry);
    return { entry, cid: record, type: this.readableType(record) };
  }

  /** The type of a record that can be read, or is of a newer version; null otherwise. */
  readableType(cid) {
    if (!this.blocks.has(cid)) return null;
    const { value, error } = this.blocks.checked(cid);
    return value ? value.type : error instanceof Newer ? this.blocks.typeOf(cid) : null;
  }

  entryOf(cid) {
    return this.entries.find((of) => this.entry(of) && this.entry(of).record.key === cid.key) ?? null;
  }

  /** The target's CID; refused where the file has none. */
  get targetCid() {
    if (this.target.refusal) throw this.target.refusal;
    return this.target.cid;
  }

  get issuer() {
    const { entry } = this.target;
    const fields = entry && this.entry(entry);
    return fields ? fields.issuer : null;
  }

  /** Rows of a table, as maps, read and checked once. */
  rows(cid, kind) {
    const name = kind + " " + cid.key;
    let found = this.tables.get(name);
    if (!found) {
      found = {};
      try {
        if (this.outnumbering.has(cid.key)) throw new Refusal("a table has more rows than what it is about can have");
        found.rows = rowsOf(this.blocks, cid, kind);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        found.error = error;
      }
      this.tables.set(name, found);
    }
    if (found.error) throw found.error;
    return found.rows;
  }
}

/** Entries in the file that evidence in the file names. */
export function anchoredEntries(file) {
  const found = file.evidence.map((cid) => file.blocks.checked(cid));
  const named = found.filter(({ value, links }) => value && !links.some((link) => link.wrong));
  return named.map(({ value }) => cidOfBytes(value.entry)).filter((cid) => file.blocks.has(cid));
}
