// Claims and what figures say of them.
import { Refusal } from "../bytes/bytes.js";
import { compare, div, floor, frac, mul, parse, sub } from "./fraction.js";
import { figureName } from "./names.js";

export function checkClaim({ metric, comparator, threshold, proof = "interval" }) {
  const isWhole =
    metric !== "" &&
    [">=", "<="].includes(comparator) &&
    /^(0\.\d{6}|1\.000000)$/.test(threshold) &&
    proof === "interval";
  if (!isWhole) throw new Refusal("the claim is not valid");
}

/** {verdict, needed, reason} of a claim by its figure (null: there is none of its name). */
export function judge(claim, figure, hasSeen = false) {
  checkClaim(claim);
  const reason = figure ? figure.reason : "not_compared";
  if (!figure || figure.value === null || figure.low === null || figure.high === null) {
    return { verdict: "undecided", needed: null, reason };
  }
  const [value, low, high, number] = [figure.value, figure.low, figure.high, claim.threshold].map(parse);
  const isAtLeast = claim.comparator === ">=";
  const holds = isAtLeast ? compare(low, number) >= 0 : compare(high, number) <= 0;
  const fails = isAtLeast ? compare(high, number) < 0 : compare(low, number) > 0;
  if (holds) return { verdict: hasSeen ? "supported on seen images" : "supported", needed: null, reason };
  if (fails) return { verdict: "refuted", needed: null, reason };
  return { verdict: "undecided", needed: neededOf(value, low, high, number, figure.n, isAtLeast), reason };
}

function neededOf(value, low, high, number, n, isAtLeast) {
  const side = compare(value, number);
  if (side === 0) return null;
  const bound = side > 0 ? low : high;
  if (compare(bound, value) === 0 || bound.n === 0n || bound.n === bound.d) return null;
  const rate = div(sub(value, bound), sub(value, number));
  const wanted = mul(frac(n), mul(rate, rate));
  const whole = floor(wanted);
  const isWhole = whole * wanted.d === wanted.n;
  const mustPass = isWhole && (isAtLeast ? side < 0 : side > 0);
  const needed = whole + (isWhole ? 0n : 1n) - BigInt(n) + (mustPass ? 1n : 0n);
  return Number(needed > 1n ? needed : 1n);
}

/** A claim on groups by an attribute that a program inferred of any judged image is never supported. */
function doubted(verdict, figure, inferred) {
  const isSupported = verdict.verdict === "supported" || verdict.verdict === "supported on seen images";
  const by = figure ? [...figure.of.filter((name) => name !== "class"), ...Object.keys(figure.group)] : [];
  if (!isSupported || !by.some((name) => inferred.has(name))) return verdict;
  return { ...verdict, verdict: "undecided", reason: "inferred_attribute" };
}

/** The record's `verdicts`: of the plan's claims, by figures computed again; `inferred`: attributes, as a Set. */
export function verdictsOf(claims, metrics, fairness, hasSeen, inferred) {
  const byName = new Map();
  for (const figure of [...fairness, ...metrics]) byName.set(figureName(figure), figure);
  return claims.map((claim) => {
    const figure = byName.get(claim.metric) ?? null;
    const { metric, comparator, threshold } = claim;
    const { value, low, high } = figure ?? { value: null, low: null, high: null };
    return { metric, comparator, threshold, value, low, high, ...doubted(judge(claim, figure, hasSeen), figure, inferred) };
  });
}
