// The Merkle tree of RFC 6962 over sha2-256: what inclusion and consistency proofs show (RFC 9162, 2.1.3.2 and 2.1.4.2).
import { concat, Refusal, sameBytes } from "../bytes/bytes.js";
import { sha256 } from "../bytes/sha256.js";

export const MOST_HASHES = 63;
export const EMPTY_ROOT = sha256(Uint8Array.of());
export const leafHash = (leaf) => sha256(concat(Uint8Array.of(0), leaf));
const nodeHash = (left, right) => sha256(concat(Uint8Array.of(1), left, right));
const wrong = () => new Refusal("a proof of the log's tree does not hold");

/** Sizes and places are BigInts. Refuses unless the tree with this root has this leaf hash there. */
export function checkInclusion(leaf, index, size, root, proof) {
  if (index >= size || proof.length > MOST_HASHES) throw wrong();
  let [at, last, found] = [index, size - 1n, leaf];
  for (const one of proof) {
    if (last === 0n) throw wrong();
    if (at & 1n || at === last) {
      found = nodeHash(one, found);
      for (; !(at & 1n) && at; last >>= 1n) at >>= 1n;
    } else found = nodeHash(found, one);
    at >>= 1n;
    last >>= 1n;
  }
  if (last || !sameBytes(found, root)) throw wrong();
}

/** What a proof that was checked tells: by "first count" the root over these entries, alike in every tree with them. */
export function knownByInclusion(leaf, index, size, proof) {
  let [start, count] = [0n, size];
  const way = [];
  while (count > 1n) {
    let half = 1n;
    while (half * 2n < count) half *= 2n;
    const isLeft = index < start + half;
    way.push({ whole: `${start} ${count}`, isLeft, beside: isLeft ? `${start + half} ${count - half}` : `${start} ${half}` });
    [start, count] = isLeft ? [start, half] : [start + half, count - half];
  }
  const found = new Map([[`${index} 1`, leaf]]);
  let at = leaf;
  way.reverse().forEach(({ whole, isLeft, beside }, place) => {
    at = isLeft ? nodeHash(at, proof[place]) : nodeHash(proof[place], at);
    found.set(beside, proof[place]).set(whole, at);
  });
  return found;
}

/** What an entry says of its log: its own place, and the one before it. */
export function knownByEntry(cid, { seq, prev }) {
  const found = new Map([[`${seq} 1`, leafHash(cid.bytes)]]);
  return prev ? found.set(`${seq - 1} 1`, leafHash(prev)) : found;
}

/** Whether some of what is said of one log excludes the rest. */
export function isContradiction(told) {
  const roots = new Map();
  for (const known of told)
    for (const [at, root] of known) {
      if (!sameBytes(roots.get(at) ?? root, root)) return true;
      roots.set(at, root);
    }
  return false;
}

/** Refuses unless the tree of `size` begins with the one of `old`. */
export function checkConsistency(old, oldRoot, size, root, proof) {
  if (old > size || proof.length > MOST_HASHES) throw wrong();
  if (old === 0n || old === size) {
    if (proof.length || !sameBytes(oldRoot, old === 0n ? EMPTY_ROOT : root)) throw wrong();
    return;
  }
  const path = old & (old - 1n) ? [...proof] : [oldRoot, ...proof];
  if (!path.length) throw wrong();
  let [at, last] = [old - 1n, size - 1n];
  for (; at & 1n; last >>= 1n) at >>= 1n;
  let [first, second] = [path[0], path[0]];
  for (const one of path.slice(1)) {
    if (last === 0n) throw wrong();
    if (at & 1n || at === last) {
      [first, second] = [nodeHash(one, first), nodeHash(one, second)];
      for (; !(at & 1n) && at; last >>= 1n) at >>= 1n;
    } else second = nodeHash(second, one);
    at >>= 1n;
    last >>= 1n;
  }
  if (last || !sameBytes(first, oldRoot) || !sameBytes(second, root)) throw wrong();
}
