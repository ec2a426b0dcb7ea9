// Exact fractions {n, d} of BigInts, d above 0; and how they are written, six places, half to even.

const MILLION = 1_000_000n;
const MAX_EXACT_TERMS = 4096;
const STEP = 1n << 128n;

export const frac = (n, d = 1) => ({ n: BigInt(n), d: BigInt(d) });
export const ZERO = frac(0);
export const ONE = frac(1);
export const add = (a, b) => (a.d === b.d ? { n: a.n + b.n, d: a.d } : { n: a.n * b.d + b.n * a.d, d: a.d * b.d });
export const sub = (a, b) => add(a, { n: -b.n, d: b.d });
export const mul = (a, b) => ({ n: a.n * b.n, d: a.d * b.d });
export const div = (a, b) => (b.n < 0n ? { n: -a.n * b.d, d: a.d * -b.n } : { n: a.n * b.d, d: a.d * b.n });
export const floor = ({ n, d }) => (n >= 0n ? n / d : -((-n + d - 1n) / d));

export function compare(a, b) {
  const difference = a.n * b.d - b.n * a.d;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}
export const largest = (list) => list.reduce((a, b) => (compare(b, a) > 0 ? b : a));
export const least = (list) => list.reduce((a, b) => (compare(b, a) < 0 ? b : a));

/** Exact; of very many terms each is first rounded down to a multiple of 2^-128. */
export function sum(terms) {
  if (terms.length > MAX_EXACT_TERMS) {
    return { n: terms.reduce((total, term) => total + floor({ n: term.n * STEP, d: term.d }), 0n), d: STEP };
  }
  const byDivisor = new Map();
  for (const { n, d } of terms) byDivisor.set(d, (byDivisor.get(d) ?? 0n) + n);
  let list = [...byDivisor].map(([d, n]) => ({ n, d }));
  while (list.length > 1) {
    list = Array.from({ length: Math.ceil(list.length / 2) }, (_, i) =>
      2 * i + 1 < list.length ? add(list[2 * i], list[2 * i + 1]) : list[2 * i],
    );
  }
  return list.length ? list[0] : ZERO;
}

export const mean = (terms) => div(sum(terms), frac(terms.length));

/** n / d of BigInts, rounded to a whole number, half to even. */
export function nearest(n, d) {
  const below = floor({ n, d });
  const twice = 2n * (n - below * d);
  return twice > d || (twice === d && below % 2n !== 0n) ? below + 1n : below;
}

function places(millionths) {
  const size = millionths < 0n ? -millionths : millionths;
  const digits = (size % MILLION).toString().padStart(6, "0");
  return `${millionths < 0n ? "-" : ""}${size / MILLION}.${digits}`;
}

/** A figure as it is written. */
export const six = ({ n, d }) => places(nearest(n * MILLION, d));

/** The square root of a fraction as it is written. */
export function sixRoot({ n, d }) {
  // Half a millionth is decided by squares: m + 1/2 <= root exactly if (2 m + 1)^2 d <= 4 * 10^12 n.
  const scaled = (4n * MILLION * MILLION * n) / d;
  let twice = squareRoot(scaled);
  const isExact = twice * twice * d === 4n * MILLION * MILLION * n;
  if (twice % 2n === 0n) return places(twice / 2n);
  return places(isExact && ((twice - 1n) / 2n) % 2n === 0n ? (twice - 1n) / 2n : (twice + 1n) / 2n);
}

/** The largest whole number whose square is not above. */
export function squareRoot(value) {
  if (value < 2n) return value;
  let guess = 1n << BigInt(Math.ceil(value.toString(2).length / 2));
  for (;;) {
    const next = (guess + value / guess) >> 1n;
    if (next >= guess) return guess;
    guess = next;
  }
}

/** The fraction that a decimal says. */
export function parse(text) {
  const negative = text.startsWith("-");
  const [whole, decimals = ""] = text.replace("-", "").split(".");
  const n = BigInt(whole + decimals);
  return { n: negative ? -n : n, d: 10n ** BigInt(decimals.length) };
}

/** The nearest IEEE double, half to even. */
export function toDouble({ n, d }) {
  if (n === 0n) return 0;
  const negative = n < 0n;
  const size = negative ? -n : n;
  const shift = BigInt(Math.max(0, 70 - size.toString(2).length + d.toString(2).length));
  const quotient = (size << shift) / d;
  const sticky = quotient * d === size << shift ? 0n : 1n;
  const value = Number((quotient << 1n) | sticky) * 2 ** -(Number(shift) + 1);
  return negative ? -value : value;
}
