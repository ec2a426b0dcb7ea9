// BLS12-381: its base field, Fp2 = Fp(u) with u² = -1, and Fp12 = Fp2(w) with w⁶ = 1 + u (draft-irtf-cfrg-pairing-friendly-curves).
import { inverse, mod, rootOf } from "../bytes/numbers.js";

export const P = BigInt(
  "0x1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
);
export const X = 0xd201000000010000n; // without its sign
export const R = X ** 4n - X ** 2n + 1n;
const m = (x) => mod(x, P);

// Fp2: [real, imaginary]
export const plus = ([a, b], [c, d]) => [m(a + c), m(b + d)];
export const minus = ([a, b], [c, d]) => [m(a - c), m(b - d)];
export const product = ([a, b], [c, d]) => [m(a * c - b * d), m(a * d + b * c)];
export const same = ([a, b], [c, d]) => a === c && b === d;

export function reciprocal([a, b]) {
  const norm = inverse(a * a + b * b, P);
  return [m(a * norm), m(-b * norm)];
}

/** A square root in Fp2; null where there is none. */
export function root2(square) {
  const [a, b] = square;
  const norm = rootOf(a * a + b * b, P);
  if (norm === null) return null;
  const half = inverse(2n, P);
  for (const part of [(a + norm) * half, (a - norm) * half]) {
    const x = rootOf(part, P);
    const found = x === null ? null : x === 0n ? [0n, rootOf(-a, P)] : [x, m(b * half * inverse(x, P))];
    if (found && found[1] !== null && same(product(found, found), square)) return found;
  }
  return null;
}

// Fp12: six members of Fp2, by the powers of w.
export const ONE = [[1n, 0n], ...Array.from({ length: 5 }, () => [0n, 0n])];

export function product12(f, g) {
  const sum = Array.from({ length: 11 }, () => [0n, 0n]);
  f.forEach(([a, b], i) => {
    g.forEach(([c, d], j) => {
      const at = sum[i + j];
      at[0] += a * c - b * d;
      at[1] += a * d + b * c;
    });
  });
  return ONE.map((_, i) => {
    const [a, b] = sum[i];
    const [c, d] = sum[i + 6] ?? [0n, 0n];
    return [m(a + c - d), m(b + c + d)];
  });
}

/** f to the power of (p¹² - 1) / r: 1 where a product of pairings is 1. */
export function finished(f) {
  let found = ONE;
  for (const bit of ((P ** 12n - 1n) / R).toString(2)) {
    found = product12(found, found);
    if (bit === "1") found = product12(found, f);
  }
  return found;
}
