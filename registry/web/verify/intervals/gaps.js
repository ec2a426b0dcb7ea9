// The interval of a gap between rates: all gaps that a test by simulation does not reject (docs/format/resampling.md).
// IEEE doubles; every sum in the order of the rates.
import { compare, floor, frac, largest, least, mul, six, sub, toDouble } from "../figures/fraction.js";
import { upperHalves } from "./philox.js";

const SLACK = 2 ** -20;

/** Rows of rates {value, worth} (fractions): the value of their gap. */
export function gapOf(rows) {
  return largest(
    rows.map((row) => {
      const values = row.map((rate) => rate.value);
      return sub(largest(values), least(values));
    }),
  );
}

const isBelow = (a, b) => compare(a, b) < 0;

export async function gapInterval(rows, rounds, seed, pause) {
  const test = prepare(rows, rounds, seed);
  const gap = gapOf(rows);
  const middle = roundHalfEven(1000 * widest(test.rows.map((row) => row.map((rate) => rate.q))));
  const ends = [];
  for (const end of [0, 1000]) {
    await pause();
    ends.push(accepts(test, end) ? end : await halve(test, end, middle, pause));
  }
  const [low, high] = ends.map((end) => frac(end, 1000));
  return [six(isBelow(low, gap) ? low : gap), six(isBelow(high, gap) ? gap : high)];
}

async function halve(test, refused, accepted, pause) {
  while (Math.abs(refused - accepted) > 1) {
    const between = Math.floor((refused + accepted) / 2);
    if (accepts(test, between)) accepted = between;
    else refused = between;
    await pause();
  }
  return refused;
}

function roundHalfEven(value) {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2) ? below + 1 : below;
}

const widest = (rows) => Math.max(...rows.map((row) => Math.max(...row) - Math.min(...row)));

function prepare(rows, rounds, seed) {
  const count = rows.reduce((sum, row) => sum + row.length, 0);
  const prepared = rows.map((row) =>
    row.map(({ value, worth }) => {
      const n = toDouble(worth);
      const q = (toDouble(mul(value, worth)) + 1) / (n + 2);
      const size = Math.max(1, Math.min(Number(floor(worth)), 1000, Math.floor(8192 / count)));
      return { n, q, u: (q * (1 - q)) / (n + 2), loose: 1 / (n + 2), size, shrink: Math.sqrt(size / n) };
    }),
  );
  const rates = prepared.flat();
  const width = rates.reduce((sum, rate) => sum + rate.size, 0);
  const numbers = upperHalves(seed, 1, rounds * width).slice();
  let at = 0;
  for (const rate of rates) {
    rate.from = at;
    for (let round = 0; round < rounds; round++, at += rate.size) numbers.subarray(at, at + rate.size).sort();
  }
  return { rows: prepared, rates, numbers, rounds };
}

function statistic(rows, g) {
  let most = -Infinity;
  for (const row of rows) {
    for (let i = 0; i < row.length; i++) {
      for (let j = i + 1; j < row.length; j++) {
        const found = (Math.abs(row[i].q - row[j].q) - g) / Math.sqrt(row[i].u + row[j].u);
        if (found > most) most = found;
      }
    }
  }
  return most;
}

// How many of the sorted numbers from `at` on lie below the bound.
function countBelow(numbers, at, size, bound) {
  let [low, high] = [0, size];
  while (low < high) {
    const middle = (low + high) >> 1;
    numbers[at + middle] < bound ? (low = middle + 1) : (high = middle);
  }
  return low;
}

function accepts({ rows, rates, numbers, rounds }, step) {
  const g = step / 1000;
  const means = nearest(rows, g).flat();
  const bounds = means.map((m) => Math.floor(m * 2 ** 32));
  const observed = Math.abs(statistic(rows, g)) - SLACK;
  const drawn = rows.map((row) => row.map(() => ({ q: 0, u: 0 })));
  const flat = drawn.flat();
  let extreme = 0;
  for (let round = 0; round < rounds; round++) {
    rates.forEach(({ n, from, size, shrink }, i) => {
      const m = means[i];
      const hits = m >= 1 ? size : countBelow(numbers, from + round * size, size, bounds[i]);
      const share = Math.min(Math.max(m + (hits / size - m) * shrink, 0), 1);
      const q = (share * n + 1) / (n + 2);
      flat[i].q = q;
      flat[i].u = (q * (1 - q)) / (n + 2);
    });
    if (Math.abs(statistic(drawn, g)) >= observed) extreme += 1;
  }
  return 25 * extreme > rounds;
}

const clip = (value, low, high) => Math.min(Math.max(value, low), high);

/** The rates nearest to those observed whose gap is g. */
function nearest(rows, g) {
  const widthOf = (row) => Math.max(...row.map((rate) => rate.q)) - Math.min(...row.map((rate) => rate.q));
  const means = rows.map((row) => row.map((rate) => rate.q));
  if (rows.some((row) => widthOf(row) >= g)) {
    return rows.map((row, i) => {
      if (!(widthOf(row) > g)) return means[i];
      const from = lowerEnd(row, g);
      return means[i].map((q) => clip(q, from, from + g));
    });
  }
  const [place, high, low] = closestPair(rows, g);
  const row = rows[place];
  const [top, bottom] = [row[high], row[low]];
  const f = clip((bottom.loose * (top.q - g) + top.loose * bottom.q) / (bottom.loose + top.loose), 0, 1 - g);
  means[place] = row.map((rate, i) => (i === low ? f : i === high ? f + g : clip(rate.q, f, f + g)));
  return means;
}

function lowerEnd(row, g) {
  let low = Math.min(...row.map((rate) => rate.q));
  let high = Math.max(...row.map((rate) => rate.q)) - g;
  for (let i = 0; i < 40; i++) {
    const c = (low + high) / 2;
    let pull = 0;
    for (const { q, loose } of row) pull += (Math.max(c - q, 0) - Math.max(q - c - g, 0)) / loose;
    pull < 0 ? (low = c) : (high = c);
  }
  return low;
}

function closestPair(rows, g) {
  let found = null;
  let cost = Infinity;
  rows.forEach((row, place) =>
    row.forEach((top, high) =>
      row.forEach((bottom, low) => {
        if (high === low) return;
        const missing = g - (top.q - bottom.q);
        const here = (missing * missing) / (top.loose + bottom.loose);
        if (here < cost) [cost, found] = [here, [place, high, low]];
      }),
    ),
  );
  return found;
}
