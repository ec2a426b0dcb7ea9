// Intervals of shares and of bootstrapped figures, and p of differences (docs/format/resampling.md). An interval is
// [low, high] as written, or null.
import { compare, div, frac, least, mul, ONE, six, sub } from "../figures/fraction.js";
import { wilson } from "./wilson.js";

export const NONE = -1;
export const SCALE = 2 ** 30;
const written = ([low, high]) => [six(low), six(high)];

/** How many independent images judgements stand for: counts by person, of judgements and of right ones. */
export function worth(counts, rights, repeats) {
  let n = 0;
  let right = 0;
  counts.forEach((count, i) => {
    n += count;
    right += rights[i];
  });
  if (n === 0) return frac(0);
  const cap = div(frac(n), repeats);
  let squares = 0n;
  const isPlain = right === 0 || right === n;
  counts.forEach((count, i) => {
    const of = isPlain ? BigInt(count) : BigInt(n * rights[i] - right * count);
    squares += of * of;
  });
  if (squares === 0n) return least([frac(n), cap]);
  const n2 = BigInt(n) ** 2n;
  return least([isPlain ? { n: n2, d: squares } : { n: n2 * BigInt(right) * BigInt(n - right), d: squares }, cap]);
}

export function wilsonInterval(share, images) {
  return images.n === 0n ? null : written(wilson(share, images));
}

/** Of a figure with the exact value p, its rounds in units of 2^-30 (NONE for none), on so many persons. */
export function bootstrapped(p, rounds, persons) {
  let count = 0;
  let total = 0n;
  let squares = 0n;
  for (const round of rounds) {
    if (round === NONE) continue;
    const value = BigInt(round);
    count += 1;
    total += value;
    squares += value * value;
  }
  if (2 * count < rounds.length || persons === 0 || count === 0) return null;
  const n = BigInt(count);
  const variance = { n: n * squares - total * total, d: n * n * (1n << 60n) };
  const isInside = p.n > 0n && compare(p, ONE) < 0;
  if (variance.n > 0n && isInside) return written(wilson(p, div(mul(p, sub(ONE, p)), variance)));
  return written(wilson(p, frac(persons)));
}

/** {p, low, high} of differences by round, in units of 2^-30; p is a fraction. */
export function significance(differences) {
  const sorted = [...differences].sort((a, b) => a - b);
  const count = sorted.length;
  const below = sorted.filter((value) => value <= 0).length;
  const above = sorted.filter((value) => value >= 0).length;
  const p = least([ONE, frac(2 * (Math.min(below, above) + 1), count + 1)]);
  const at = (n, d) => frac(sorted[Math.max(1, Math.ceil((n * count) / d)) - 1], SCALE);
  return { p, low: at(25, 1000), high: at(975, 1000) };
}

/** Holm's rule: p corrected for their number. */
export function holm(list) {
  const order = list.map((p, i) => [p, i]).sort((a, b) => compare(a[0], b[0]) || a[1] - b[1]);
  const corrected = [];
  let last = frac(0);
  order.forEach(([p, place], i) => {
    const value = least([ONE, mul(p, frac(list.length - i))]);
    if (compare(value, last) > 0) last = value;
    corrected[place] = last;
  });
  return corrected;
}
