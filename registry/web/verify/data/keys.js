// Which key may sign an entry, and which entries count no more: docs/format/log.md, Keys.
import { Refusal, concat, sameBytes, utf8 } from "../bytes/bytes.js";
import { encode } from "../bytes/cbor.js";
import { addressOf, isSignedBy, pointOf } from "../bytes/secp256k1.js";
import { sha256 } from "../bytes/sha256.js";

const PAYLOAD_TYPE = "application/vnd.emotionet.entry+cbor";
const KEYS_TYPE = "application/vnd.emotionet.keys+cbor";
const ISSUER = /^did:pkh:eip155:1:(0x[0-9a-f]{40})$/;
const MOST = 100;
const WRONG = "a change of keys does not hold";
const verified = new WeakSet();

export const isIssuer = (text) => ISSUER.test(text);
const didOf = (point) => "did:pkh:eip155:1:" + addressOf(point);
export const signerOfEntry = (entry) => didOf(pointOf(entry.key));

/** DSSE's PAE of a payload's bytes. */
export function pae(type, payload) {
  return concat(utf8(`DSSEv1 ${type.length} ${type} ${payload.length} `), payload);
}

/** The bytes that are signed (DSSE's PAE). Version 1 of an entry has no authority. */
export function signedBytes(entry) {
  const { signature, ...rest } = entry;
  if (rest.v === 1) delete rest.authority;
  return pae(PAYLOAD_TYPE, encode(rest));
}

/** Checks that the key an entry names signed it, whoever's that is. */
export function checkSignature(entry) {
  if (verified.has(entry)) return;
  if (entry.alg !== "dsse-es256k") throw new Refusal("an entry is signed in another way");
  if (!isIssuer(entry.issuer)) throw new Refusal("the issuer is not a valid did:pkh");
  if (!isSignedBy(pointOf(entry.key), sha256(signedBytes(entry)), entry.signature))
    throw new Refusal("the signature is wrong");
  verified.add(entry);
}

function checkProof({ issuer, log, prev, seq }, { successor, proof, revokedFrom, recovery }) {
  if (successor === null && proof === null) return;
  const wrong = new Refusal(WRONG);
  if (successor === null || proof === null || proof.length !== 97 || log === null) throw wrong;
  let holds = false;
  try {
    const point = pointOf(proof.subarray(0, 33));
    const said = pae(KEYS_TYPE, encode({ issuer, log, prev, seq, successor, revokedFrom, recovery }));
    holds = didOf(point) === successor && isSignedBy(point, sha256(said), proof.subarray(33));
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  if (!holds) throw wrong;
}

/** A keys entry's own word, with its signer: {cid, seq, signer, successor, recovery, revokedFrom}. */
export function changeOf(cid, entry, blocks) {
  const said = blocks.record(entry.record, "keys");
  checkProof(entry, said);
  return { cid, seq: BigInt(entry.seq), signer: signerOfEntry(entry), ...said };
}

/** The handovers that an entry rests on, the first one first. */
function changesBefore(entry, blocks) {
  const found = [];
  let newer = entry;
  while (newer.authority !== null) {
    const older = blocks.record(newer.authority, "entry");
    const isOfLog = older.log !== null && sameBytes(older.log, entry.log) && older.issuer === entry.issuer;
    if (!isOfLog || BigInt(older.seq) >= BigInt(newer.seq) || found.length >= MOST)
      throw new Refusal(WRONG);
    checkSignature(older);
    found.unshift(changeOf(newer.authority, older, blocks));
    newer = older;
  }
  return found;
}

function after(force, { seq, signer, successor, recovery, revokedFrom }) {
  const isRescue = signer === force.recovery;
  const next = { current: successor, recovery: recovery ?? force.recovery, ever: new Set([...force.ever, successor]) };
  const stays = successor === force.current;
  const holds =
    (signer === force.current || isRescue) &&
    (recovery === null || (isIssuer(recovery) && (force.recovery === null || isRescue))) &&
    (revokedFrom === null || (1n <= BigInt(revokedFrom) && BigInt(revokedFrom) <= seq)) &&
    (successor === null ||
      (successor !== next.recovery && (stays ? revokedFrom !== null || recovery !== null : !force.ever.has(successor))));
  if (!holds) throw new Refusal(WRONG);
  return next;
}

const forceBefore = (entry, blocks) =>
  changesBefore(entry, blocks).reduce(after, {
    current: entry.issuer,
    recovery: null,
    ever: new Set([entry.issuer]),
  });

/** Checks what an entry says of keys, where it says anything of them. */
export function checkChange(cid, entry, blocks) {
  if (blocks.typeOf(entry.record) === "keys") after(forceBefore(entry, blocks), changeOf(cid, entry, blocks));
}

/** Checks that the key which signed an entry is the one in force there. */
export function checkMaySign(entry, blocks) {
  const signer = signerOfEntry(entry);
  if (entry.authority === null) {
    if (signer !== entry.issuer) throw new Refusal("the key's address is not the issuer");
    return;
  }
  const force = forceBefore(entry, blocks);
  if (signer === force.current) return;
  if (signer !== force.recovery) throw new Refusal("the key's address is not the issuer");
  blocks.record(entry.record, "keys");
}

/** The changes of keys at hand of an issuer's log that hold, by place. */
export function changesOf(file, issuer) {
  file.changes ??= new Map();
  if (!file.changes.has(issuer)) file.changes.set(issuer, readChanges(file, issuer));
  return file.changes.get(issuer);
}

function readChanges(file, issuer) {
  const found = [];
  for (const cid of file.entries) {
    const entry = file.entry(cid);
    if (!entry || entry.issuer !== issuer || file.blocks.typeOf(entry.record) !== "keys") continue;
    try {
      checkSignature(entry);
      checkMaySign(entry, file.blocks);
      found.push(changeOf(cid, entry, file.blocks));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
  }
  return found.sort((a, b) => (a.seq < b.seq ? -1 : 1));
}

/** The change for which an entry counts no more; undefined where it counts. */
export function revokedBy(changes, cid, entry) {
  const seq = BigInt(entry.seq);
  const signer = signerOfEntry(entry);
  return changes.find(
    (one) =>
      one.revokedFrom !== null &&
      BigInt(one.revokedFrom) <= seq &&
      seq < one.seq &&
      signer !== one.successor &&
      cid.key !== one.cid.key,
  );
}
