// Equality of decoded values.
import { sameBytes } from "./bytes.js";
import { CID } from "./cid.js";

/** Equal as values: texts, numbers, nulls, bytes, links, lists and maps (whatever the order of their keys). */
export function equal(a, b) {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== "object" || typeof b !== "object") return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && sameBytes(a, b);
  }
  if (a instanceof CID || b instanceof CID) return a instanceof CID && b instanceof CID && a.key === b.key;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a)) return a.length === b.length && a.every((member, i) => equal(member, b[i]));
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]));
}
