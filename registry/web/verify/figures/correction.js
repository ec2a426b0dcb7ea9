// A release's verdicts: an evaluation's, corrected for the number of tests as its plan locked it (docs/format/figures.md).
import { fractionOf, quantile, Z95 } from "../intervals/wilson.js";
import { compare, div, floor, frac, mul, ONE, parse, sub, ZERO } from "./fraction.js";
import { figureName } from "./names.js";

const SUPPORTED = ["supported", "supported on seen images"];
const MAX_TESTS = 1_000_000_000n;

/** What a release states of its claims by Holm's rule, after `attempts`; `figures`: those of the evaluation. */
export function corrected(verdicts, correction, attempts, figures) {
  const tests = testsOf(attempts, verdicts.length);
  if (correction !== "holm" || tests === 1n) return verdicts;
  const sizes = new Map(figures.map((figure) => [figureName(figure), figure.n]));
  const order = verdicts.map((one) => [one, strength(one)]).filter(([one]) => SUPPORTED.includes(one.verdict));
  order.sort(([, a], [, b]) => (a === null || b === null ? (a === null ? 0 : 1) - (b === null ? 0 : 1) : compare(b, a)));
  let kept = 0;
  while (kept < order.length && holds(order[kept][1], tests - BigInt(kept))) kept++;
  const lost = new Set(order.slice(kept).map(([one]) => one));
  const left = tests - BigInt(kept);
  const factor = factorOf(left > 0n ? left : 1n);
  return verdicts.map((one) => {
    if (!lost.has(one) && (one.needed === null || !isOnItsSide(one))) return one;
    const needed = neededOf(one, factor, sizes.get(one.metric) ?? 0);
    return lost.has(one) ? { ...one, verdict: "undecided", needed } : { ...one, needed };
  });
}

function testsOf(attempts, claims) {
  const tests = BigInt(Math.max(1, attempts)) * BigInt(Math.max(1, claims));
  return tests < MAX_TESTS ? tests : MAX_TESTS;
}

// How much more strength, as a square, is asked for than at 95 %.
function factorOf(tests) {
  const z = div(fractionOf(quantile(frac(1, 40n * tests))), fractionOf(Z95));
  return mul(z, z);
}

const holds = (found, tests) => found === null || compare(found, factorOf(tests)) >= 0;

function neededOf(one, factor, n) {
  const found = strength(one);
  if (found === null || found.n === 0n) return null;
  const { n: up, d: down } = div(mul(frac(n), factor), found);
  const needed = -floor({ n: -up, d: down }) - BigInt(n);
  return Number(needed > 1n ? needed : 1n);
}

function isOnItsSide({ value, threshold, comparator }) {
  if (value === null) return false;
  return compare(parse(value), parse(threshold)) === (comparator === ">=" ? 1 : -1);
}

const isWhole = (number) => number.n === 0n || number.n === number.d;

// 1 where the interval at 95 % just supports the claim, as the square of a score; null where every level does.
function strength(one) {
  const isSupported = SUPPORTED.includes(one.verdict);
  const isAtLeast = one.comparator === ">=";
  const end = isAtLeast ? one.low : one.high;
  if (one.value === null || end === null) return ZERO;
  const [value, bound, threshold] = [one.value, end, one.threshold].map(parse);
  const side = compare(value, bound);
  if (isSupported && (isWhole(threshold) || side === 0)) return null;
  const least = isSupported ? ONE : ZERO;
  if (!isOnItsSide(one) || side !== (isAtLeast ? 1 : -1) || isWhole(bound)) return least;
  const [far, near] = [sub(value, threshold), sub(value, bound)];
  const over = mul(mul(far, far), mul(bound, sub(ONE, bound)));
  const found = div(over, mul(mul(near, near), mul(threshold, sub(ONE, threshold))));
  return compare(found, least) > 0 ? found : least;
}
