// Intervals of worst rates and of ratios between rates: what the intervals of the rates allow.
import { compare, div, frac, largest, least, ONE, six } from "../figures/fraction.js";
import { quantile, strictLower, strictUpper, wilson, Z95 } from "./wilson.js";

/** [low, high] of the smallest of these rates {value, worth}. */
export function worstInterval(rates) {
  const z = quantile(frac(25, 1000 * rates.length));
  const low = least(rates.map(({ value, worth }) => wilson(value, worth, Z95)[0]));
  const high = least(rates.map(({ value, worth }) => strictUpper(value, worth, z)));
  return [six(low), six(high)];
}

/** [low, high] of the smallest ratio, over rows, of a row's smallest to its largest rate. */
export function ratioInterval(rows) {
  const count = rows.reduce((sum, row) => sum + row.length, 0);
  const z = quantile(frac(125, 10000));
  const strict = quantile(frac(125, 10000 * count));
  const lows = [];
  const highs = [];
  for (const row of rows) {
    const bounds = row.map(({ value, worth }) => wilson(value, worth, z));
    lows.push(div(least(bounds.map(([low]) => low)), largest(bounds.map(([, high]) => high))));
    const upper = least(row.map(({ value, worth }) => strictUpper(value, worth, strict)));
    const lower = largest(row.map(({ value, worth }) => strictLower(value, worth, strict)));
    highs.push(lower.n <= 0n ? ONE : least([ONE, div(upper, lower)]));
  }
  return [six(least(lows)), six(least(highs))];
}

/** The smallest over rows of smallest to largest rate; null where every rate is 0. */
export function ratioOf(rows) {
  const ratios = rows
    .map((row) => row.map((rate) => rate.value))
    .filter((values) => largest(values).n > 0n)
    .map((values) => div(least(values), largest(values)));
  return ratios.length ? least(ratios) : null;
}

export const worstOf = (row) => row.map((rate) => rate.value).reduce((a, b) => (compare(b, a) < 0 ? b : a));
