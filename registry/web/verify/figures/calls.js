// What each judgement is called, the thresholds that decide it, and what is counted of calls.
import { compare, frac, mean, six, sub, ZERO } from "./fraction.js";

const STEP = 10_000;
const isHigher = (a, b) => compare(a, b) > 0;

const abs = (fraction) => (fraction.n < 0n ? { n: -fraction.n, d: fraction.d } : fraction);

/** By step of a hundredth: calls and hits by class, of judgements called by their first detection. */
export function callsByStep(judgements, classes) {
  const called = Array.from({ length: classes }, () => new Array(102).fill(0));
  const hits = Array.from({ length: classes }, () => new Array(102).fill(0));
  const images = new Array(classes + 1).fill(0);
  for (const { truth, ranked } of judgements) {
    images[truth] += 1;
    if (!ranked.length) continue;
    const [cls, score] = ranked[0];
    const step = Math.floor(score / STEP);
    called[cls][step] += 1;
    if (cls === truth) hits[cls][step] += 1;
  }
  for (let cls = 0; cls < classes; cls++) {
    for (let step = 99; step >= 0; step--) {
      called[cls][step] += called[cls][step + 1];
      hits[cls][step] += hits[cls][step + 1];
    }
  }
  return { called, hits, images };
}

/** F of every step: the mean over the classes that are there; null where none is. */
function curveOf(judgements, classes) {
  const { called, hits, images } = callsByStep(judgements, classes);
  const present = [...Array(classes).keys()].filter((cls) => images[cls] > 0);
  if (!present.length) return null;
  return Array.from({ length: 101 }, (_, step) =>
    mean(present.map((cls) => frac(2 * hits[cls][step], called[cls][step] + images[cls]))),
  );
}

/** {step, value} of the best candidate: ties nearest the recipe's threshold, then the smaller. */
export function bestStep(judgements, classes, rule) {
  const curve = curveOf(judgements, classes);
  if (!curve) return null;
  const away = (step) => abs(sub(frac(step, 100), frac(rule.threshold, 1_000_000)));
  let best = null;
  for (let step = 0; step <= 100; step++) {
    if (step * STEP < rule.floor) continue;
    const isBetter =
      best === null ||
      isHigher(curve[step], curve[best]) ||
      (compare(curve[step], curve[best]) === 0 && compare(away(step), away(best)) < 0);
    if (isBetter) best = step;
  }
  return best === null ? null : { step: best, value: curve[best] };
}

/** Thresholds in millionths: Map by fold, and that of all. `rule`: {name, threshold, floor, k}. */
export function thresholdsOf(judgements, classes, rule) {
  const folds = [...new Set(judgements.map((judgement) => judgement.fold))].sort((a, b) => a - b);
  const choose = (others) => {
    const best = rule.name === "other_folds" ? bestStep(others, classes, rule) : null;
    return best ? best.step * STEP : rule.threshold;
  };
  const byFold = new Map(
    folds.map((fold) => {
      const repeat = Math.floor(fold / rule.k);
      return [fold, choose(judgements.filter((other) => other.repeat === repeat && other.fold !== fold))];
    }),
  );
  return { byFold, ofAll: choose(judgements) };
}

/** Sets each judgement's `call` (the number of classes stands for nothing) and its `score`. */
export function callAll(judgements, classes, byFold) {
  for (const judgement of judgements) {
    const [first] = judgement.ranked;
    const threshold = byFold.get(judgement.fold);
    const isCalled = Boolean(first) && first[1] >= threshold;
    judgement.call = isCalled ? first[0] : classes;
    judgement.score = isCalled ? first[1] : 0;
    judgement.isSeveral =
      new Set(judgement.ranked.filter(([, score]) => score >= threshold).map(([cls]) => cls)).size > 1;
  }
}

/** {confusion, several}: judgements by truth and call. */
export function countCalls(judgements, classes) {
  const height = judgements.some((judgement) => judgement.truth === classes) ? classes + 1 : classes;
  const confusion = Array.from({ length: height }, () => new Array(classes + 1).fill(0));
  const several = new Array(height).fill(0);
  for (const { truth, call, isSeveral } of judgements) {
    confusion[truth][call] += 1;
    if (isSeveral) several[truth] += 1;
  }
  return { confusion, several };
}

/** Of boxes at IoU 50, by step: the mean over classes with a true box of 2 h / (t + P); null without a true box. */
export function boxesByStep(judgements, classes) {
  const total = Array.from({ length: classes }, () => new Array(102).fill(0));
  const right = Array.from({ length: classes }, () => new Array(102).fill(0));
  const boxes = new Array(classes + 1).fill(0);
  for (const judgement of judgements) {
    boxes[judgement.truth] += judgement.boxes.length;
    judgement.ranked.forEach(([cls, score], i) => {
      const step = Math.floor(score / STEP);
      total[cls][step] += 1;
      if (judgement.right[0][i]) right[cls][step] += 1;
    });
  }
  for (let cls = 0; cls < classes; cls++) {
    for (let step = 99; step >= 0; step--) {
      total[cls][step] += total[cls][step + 1];
      right[cls][step] += right[cls][step + 1];
    }
  }
  const value = (cls, step) => {
    const below = total[cls][step] + boxes[cls];
    return below ? frac(2 * right[cls][step], below) : ZERO;
  };
  const present = [...Array(classes).keys()].filter((cls) => boxes[cls] > 0);
  return { value, present, macro: (step) => mean(present.map((cls) => value(cls, step))) };
}

/** The record's `optimistic`. */
export function optimisticOf(judgements, classes, rule) {
  const found = [];
  const part = { of: [], group: {}, class: null };
  const best = bestStep(judgements, classes, rule);
  if (best) found.push({ metric: "macro_f1", ...part, value: six(best.value), threshold: six(frac(best.step, 100)) });
  const boxes = boxesByStep(judgements, classes);
  if (boxes.present.length) {
    let step = 0;
    for (let other = 1; other <= 100; other++) if (isHigher(boxes.macro(other), boxes.macro(step))) step = other;
    found.push({ metric: "macro_f1_50", ...part, value: six(boxes.macro(step)), threshold: six(frac(step, 100)) });
  }
  return found;
}
