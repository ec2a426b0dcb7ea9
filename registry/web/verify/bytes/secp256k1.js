// ECDSA on secp256k1: checking signatures, finding the key that made one. Nothing secret is handled, so nothing
// needs to take the same time for all numbers.
import { Refusal, hex } from "./bytes.js";
import { keccak256 } from "./keccak.js";
import { inverse, mod, numberOf, rootOf } from "./numbers.js";

const P = 2n ** 256n - 2n ** 32n - 977n;
export const N = BigInt("0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141");
const G = [
  BigInt("0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
  BigInt("0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
];

// Points are [X, Y, Z] in Jacobian coordinates; Z = 0 is the point at infinity.
function double([x, y, z]) {
  if (z === 0n) return [x, y, z];
  const yy = (y * y) % P;
  const s = (4n * x * yy) % P;
  const m = (3n * x * x) % P;
  const x3 = mod(m * m - 2n * s, P);
  return [x3, mod(m * (s - x3) - 8n * yy * yy, P), (2n * y * z) % P];
}

function add(p, q) {
  if (p[2] === 0n) return q;
  if (q[2] === 0n) return p;
  const zz1 = (p[2] * p[2]) % P;
  const zz2 = (q[2] * q[2]) % P;
  const u1 = (p[0] * zz2) % P;
  const h = mod(q[0] * zz1 - u1, P);
  const s1 = (p[1] * zz2 * q[2]) % P;
  const r = mod(q[1] * zz1 * p[2] - s1, P);
  if (h === 0n) return r === 0n ? double(p) : [0n, 1n, 0n];
  const hh = (h * h) % P;
  const hhh = (h * hh) % P;
  const v = (u1 * hh) % P;
  const x3 = mod(r * r - hhh - 2n * v, P);
  return [x3, mod(r * (v - x3) - s1 * hhh, P), (h * p[2] * q[2]) % P];
}

/** a G + b Q, as [x, y], or null for the point at infinity. */
function combine(a, b, q) {
  const g = [...G, 1n];
  const other = [...q, 1n];
  const both = add(g, other);
  let sum = [0n, 1n, 0n];
  for (let bit = 255n; bit >= 0n; bit--) {
    sum = double(sum);
    const first = (a >> bit) & 1n;
    const second = (b >> bit) & 1n;
    if (first && second) sum = add(sum, both);
    else if (first) sum = add(sum, g);
    else if (second) sum = add(sum, other);
  }
  if (sum[2] === 0n) return null;
  const z = inverse(sum[2], P);
  return [(sum[0] * z * z) % P, (((sum[1] * z * z) % P) * z) % P];
}

/** The y of a point with this x that is odd or even; null where there is none. */
function lift(x, odd) {
  if (x >= P) return null;
  const y = rootOf(x ** 3n + 7n, P);
  if (y === null) return null;
  return (y & 1n) === BigInt(odd) ? y : P - y;
}

/** The point of a compressed key of 33 bytes. */
export function pointOf(key) {
  const y = key.length === 33 && (key[0] === 2 || key[0] === 3) ? lift(numberOf(key.subarray(1)), key[0] & 1) : null;
  if (y === null) throw new Refusal("the key is not a point of the curve");
  return [numberOf(key.subarray(1)), y];
}

function parts(signature) {
  const r = numberOf(signature.subarray(0, 32));
  const s = numberOf(signature.subarray(32, 64));
  if (r <= 0n || r >= N || s <= 0n || s > N / 2n) throw new Refusal("the signature does not have a valid form");
  return [r, s];
}

/** Whether this point's key signed the digest; refuses a signature of another form (r, low s). */
export function isSignedBy(point, digest, signature) {
  if (signature.length !== 64) throw new Refusal("the signature does not have a valid form");
  const [r, s] = parts(signature);
  const w = inverse(s, N);
  const found = combine((numberOf(digest) * w) % N, (r * w) % N, point);
  return found !== null && found[0] % N === r;
}

/** The point whose key made this signature of 65 bytes, r, s and v (0 or 1). */
export function signerOf(digest, signature) {
  if (signature.length !== 65 || signature[64] > 1) throw new Refusal("the signature does not have a valid form");
  const [r, s] = parts(signature);
  const y = lift(r, signature[64]);
  if (y === null) throw new Refusal("the signature does not have a valid form");
  const w = inverse(r, N);
  const found = combine(mod(-numberOf(digest) * w, N), (s * w) % N, [r, y]);
  if (found === null) throw new Refusal("the signature does not have a valid form");
  return found;
}

export function addressOf([x, y]) {
  const point = (x.toString(16).padStart(64, "0") + y.toString(16).padStart(64, "0")).match(/../g);
  return "0x" + hex(keccak256(Uint8Array.from(point, (pair) => parseInt(pair, 16))).subarray(12));
}
