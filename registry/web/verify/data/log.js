// Entries: who says a record, in which place of the log.
import { Refusal, compareBytes, sameBytes } from "../bytes/bytes.js";
import { cidOfBytes } from "../bytes/cid.js";
import { checkMaySign, checkSignature } from "./keys.js";

/** Checks an entry by itself, and by the changes of keys that it rests on; its fields are already those of an entry. */
export function checkEntry(entry, blocks) {
  checkSignature(entry);
  checkMaySign(entry, blocks);
  checkPlace(entry);
}

function checkPlace({ seq, prev, log }) {
  const isFirst = seq === 0;
  if (isFirst !== (prev === null) || isFirst !== (log === null))
    throw new Refusal("the entry has no valid place in its log");
  if (seq === 1 && !sameBytes(prev, log)) throw new Refusal("the second entry does not follow the first");
}

/** Checks that `entry` follows `before`, whose CID its `prev` names. */
export function checkFollows(entry, before, beforeCid) {
  if (before.issuer !== entry.issuer || BigInt(before.seq) + 1n !== BigInt(entry.seq)) {
    throw new Refusal("the log has a gap: an entry follows another than the one before it");
  }
  const first = before.seq === 0 ? beforeCid.bytes : before.log;
  if (compareBytes(entry.log, first))
    throw new Refusal("the log forks: entries of one issuer name different first ones");
  const follows = entry.authority?.key === beforeCid.key || entry.authority?.key === before.authority?.key;
  if (!follows) throw new Refusal("an entry passes over a change of keys");
}

/** Checks that `entry` does not pass over a change of keys in `before`, where what that says is at hand. */
export function checkHeeds(entry, before, beforeCid, blocks) {
  if (entry.authority?.key !== beforeCid.key && blocks.typeOf(before.record) === "keys")
    throw new Refusal("an entry passes over a change of keys");
}

/** Entries on the way from `newest` back to `until` (CIDs), both included, each checked. */
export function walk(blocks, newest, until) {
  const way = [];
  for (let cid = newest; ;) {
    const entry = blocks.record(cid, "entry");
    if (!way.length) checkEntry(entry, blocks);
    way.push({ ...entry, cid });
    if (cid.key === until.key) return way;
    if (entry.seq === 0) throw new Refusal("the log does not lead to the entry that is looked for");
    const before = cidOfBytes(entry.prev);
    checkEntry(blocks.record(before, "entry"), blocks);
    checkFollows(entry, blocks.record(before, "entry"), before);
    checkHeeds(entry, blocks.record(before, "entry"), before, blocks);
    cid = before;
  }
}
