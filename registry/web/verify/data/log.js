// Entries: who says a record, in which place of the log.
import { Refusal, compareBytes, concat, sameBytes, utf8 } from "../bytes/bytes.js";
import { encode } from "../bytes/cbor.js";
import { cidOfBytes } from "../bytes/cid.js";
import { addressOf, isSignedBy, pointOf } from "../bytes/secp256k1.js";
import { sha256 } from "../bytes/sha256.js";

const PAYLOAD_TYPE = "application/vnd.emotionet.entry+cbor";
const ISSUER = /^did:pkh:eip155:1:(0x[0-9a-f]{40})$/;

export const isIssuer = (text) => ISSUER.test(text);

/** The bytes that are signed (DSSE's PAE). */
export function signedBytes(entry) {
  const { signature, ...rest } = entry;
  const payload = encode(rest);
  return concat(utf8(`DSSEv1 ${PAYLOAD_TYPE.length} ${PAYLOAD_TYPE} ${payload.length} `), payload);
}

/** Checks an entry by itself; its fields are already those of an entry. */
export function checkEntry(entry) {
  if (entry.alg !== "dsse-es256k") throw new Refusal("an entry is signed in another way");
  if (!isIssuer(entry.issuer)) throw new Refusal("the issuer is not a valid did:pkh");
  const point = pointOf(entry.key);
  if (addressOf(point) !== ISSUER.exec(entry.issuer)[1]) throw new Refusal("the key's address is not the issuer");
  if (!isSignedBy(point, sha256(signedBytes(entry)), entry.signature)) throw new Refusal("the signature is wrong");
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
}

/** Entries on the way from `newest` back to `until` (CIDs), both included, each checked. */
export function walk(blocks, newest, until) {
  const way = [];
  for (let cid = newest; ;) {
    const entry = blocks.record(cid, "entry");
    if (!way.length) checkEntry(entry);
    way.push({ ...entry, cid });
    if (cid.key === until.key) return way;
    if (entry.seq === 0) throw new Refusal("the log does not lead to the entry that is looked for");
    const before = cidOfBytes(entry.prev);
    checkEntry(blocks.record(before, "entry"));
    checkFollows(entry, blocks.record(before, "entry"), before);
    cid = before;
  }
}
