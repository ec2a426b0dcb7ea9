// Wilson's interval, strict bounds and z, in whole numbers of 10^-60: no rounding of theirs reaches the sixth place.
import { compare, div, floor, frac, mul, ONE, squareRoot, sub, ZERO } from "../figures/fraction.js";

const DIGITS = 60n;
export const UNIT = 10n ** DIGITS;
/** z of 95 %, as a number of units. */
export const Z95 = 1959963984540054n * 10n ** (DIGITS - 15n);
const PI = 3141592653589793238462643383279502884197169399375105820974944n;

export const units = (fraction) => floor({ n: fraction.n * UNIT, d: fraction.d });
export const fractionOf = (value) => ({ n: value, d: UNIT });
const times = (a, b) => (a * b) / UNIT;

/** [low, high] of the share p on w images, both fractions, w above 0. */
export function wilson(p, w, z = Z95) {
  const share = units(p);
  const zz = times(z, z);
  const worth = units(div(ONE, w));
  const centre = share + times(zz, worth) / 2n;
  const inside = times(times(share, UNIT - share) + times(zz, worth) / 4n, worth);
  const spread = times(z, squareRoot(inside * UNIT));
  const divisor = UNIT + times(zz, worth);
  const low = p.n === 0n ? ZERO : fractionOf(((centre - spread) * UNIT) / divisor);
  const high = compare(p, ONE) === 0 ? ONE : fractionOf(((centre + spread) * UNIT) / divisor);
  return [low, high];
}

/** The natural logarithm of a number of units above 0. */
function logarithm(value) {
  let twos = 0n;
  while (value > (3n * UNIT) / 2n) [value, twos] = [value / 2n, twos + 1n];
  while (value < (3n * UNIT) / 4n) [value, twos] = [value * 2n, twos - 1n];
  return series(value) + twos * LN2;
}

// ln x = 2 artanh((x - 1) / (x + 1))
function series(value) {
  const ratio = ((value - UNIT) * UNIT) / (value + UNIT);
  const square = times(ratio, ratio);
  let [power, total] = [ratio, 0n];
  for (let k = 1n; power !== 0n; k += 2n) {
    total += power / k;
    power = times(power, square);
  }
  return 2n * total;
}
const LN2 = series((4n * UNIT) / 3n) + series((3n * UNIT) / 2n);

/** The strict upper bound of (p, n) at z: the outer of Wilson's and the likelihood ratio's, to 10^-10. */
export function strictUpper(p, n, z) {
  const upper = units(wilson(p, n, z)[1]);
  const share = units(p);
  const limit = units(div(fractionOf(times(z, z)), mul(frac(2), n)));
  const distance = (at) => {
    const first = share === 0n ? 0n : times(share, logarithm((share * UNIT) / at));
    const rest = UNIT - share;
    if (rest === 0n) return first;
    return at >= UNIT ? null : first + times(rest, logarithm((rest * UNIT) / (UNIT - at)));
  };
  const reaches = (at) => {
    const found = distance(at);
    return found === null || found >= limit;
  };
  if (reaches(upper)) return fractionOf(upper);
  let [low, high] = [upper, UNIT];
  while (high - low > UNIT / 10n ** 10n) {
    const middle = (low + high) / 2n;
    reaches(middle) ? (high = middle) : (low = middle);
  }
  return fractionOf(high);
}

export function strictLower(p, n, z) {
  return sub(ONE, strictUpper(sub(ONE, p), n, z));
}

// The chance that a standard normal number lies between 0 and z, in units.
function chanceTo(z) {
  const square = times(z, z);
  let [term, total] = [z, 0n];
  for (let k = 0n; term !== 0n; k++) {
    total += (k % 2n ? -term : term) / (2n * k + 1n);
    term = times(term, square) / (2n * (k + 1n));
  }
  return (total * UNIT) / squareRoot(2n * PI * UNIT);
}

/** The z that a standard normal number exceeds with this chance (a fraction), rounded to 15 places, in units. */
export function quantile(tail) {
  const wanted = UNIT / 2n - units(tail);
  let [low, high] = [0n, 9n * UNIT];
  while (high - low > 10n ** (DIGITS - 22n)) {
    const middle = (low + high) / 2n;
    chanceTo(middle) < wanted ? (low = middle) : (high = middle);
  }
  const place = 10n ** (DIGITS - 15n);
  return ((low + place / 2n) / place) * place;
}
