// Numbers modulo a prime, and points (affine: [x, y], null at infinity) of a curve y² = x³ + a x + b over them.
import { hex } from "./bytes.js";

export const mod = (x, m) => ((x % m) + m) % m;
export const numberOf = (bytes) => BigInt("0x" + (hex(bytes) || "0"));
export const littleNumberOf = (bytes) => numberOf(Uint8Array.from(bytes).reverse());

export function inverse(x, m) {
  let [a, b, u, v] = [mod(x, m), m, 1n, 0n];
  while (a > 1n) {
    const q = b / a;
    [a, b, u, v] = [b % a, a, v - q * u, u];
  }
  return mod(u, m);
}

export function power(x, exponent, m) {
  let result = 1n;
  for (x = mod(x, m); exponent > 0n; exponent >>= 1n) {
    if (exponent & 1n) result = (result * x) % m;
    x = (x * x) % m;
  }
  return result;
}

/** Of m = 3 mod 4; null where there is none. */
export function rootOf(square, m) {
  const found = power(square, (m + 1n) / 4n, m);
  return (found * found) % m === mod(square, m) ? found : null;
}

export function added(p, q, { a, m }) {
  if (!p || !q) return p ?? q;
  if (p[0] === q[0] && mod(p[1] + q[1], m) === 0n) return null;
  const slope =
    p[0] === q[0] ? (3n * p[0] * p[0] + a) * inverse(2n * p[1], m) : (q[1] - p[1]) * inverse(q[0] - p[0], m);
  const x = mod(slope * slope - p[0] - q[0], m);
  return [x, mod(slope * (p[0] - x) - p[1], m)];
}

export function times(k, p, curve) {
  let sum = null;
  for (; k > 0n; k >>= 1n) {
    if (k & 1n) sum = added(sum, p, curve);
    p = added(p, p, curve);
  }
  return sum;
}
