// Exact areas of rankings: average precision of images and of boxes, ROC area, calibration error.
import { compare, div, frac, mean, sum } from "./fraction.js";

/** Groups of judgements by their score for a class, falling: [{score, hits, total}]. */
export function scoreSteps(judgements, cls) {
  const byScore = new Map();
  for (const { scores, truth } of judgements) {
    const step = byScore.get(scores[cls]) ?? { score: scores[cls], hits: 0, total: 0 };
    step.total += 1;
    if (truth === cls) step.hits += 1;
    byScore.set(scores[cls], step);
  }
  return [...byScore.values()].sort((a, b) => b.score - a.score);
}

/** Average precision of images, of which `positives` are of the class. */
export function averagePrecision(judgements, cls, positives) {
  const terms = [];
  let hits = 0;
  let total = 0;
  for (const step of scoreSteps(judgements, cls)) {
    hits += step.hits;
    total += step.total;
    if (step.hits) terms.push(frac(step.hits * hits, total));
  }
  return div(sum(terms), frac(positives));
}

export function rocArea(judgements, cls) {
  let above = 0;
  let wins = 0;
  let positives = 0;
  for (const { hits, total } of scoreSteps(judgements, cls)) {
    wins += (total - hits) * (2 * above + hits);
    above += hits;
    positives += hits;
  }
  return frac(wins, 2 * positives * (judgements.length - positives));
}

/** Detections of a class in rank order: [{judgement (its place), score, index}]. */
export function detectionsOf(judgements, cls) {
  const found = [];
  judgements.forEach(({ ranked }, place) => {
    ranked.forEach(([of, score], index) => {
      if (of === cls) found.push({ place, score, index });
    });
  });
  return found.sort((a, b) => b.score - a.score || a.place - b.place || a.index - b.index);
}

/** Average precision of boxes: `flags` says of each detection in rank order whether it is right. */
export function boxPrecision(flags, boxes) {
  const points = [];
  let hits = 0;
  flags.forEach((isRight, i) => {
    if (isRight) points.push({ hits: (hits += 1), value: frac(hits, i + 1) });
  });
  for (let i = points.length - 2; i >= 0; i--) {
    if (compare(points[i + 1].value, points[i].value) > 0) points[i].value = points[i + 1].value;
  }
  const terms = [];
  let at = 0;
  for (let i = 0; i <= 100; i++) {
    while (at < points.length && 100 * points[at].hits < i * boxes) at += 1;
    if (at < points.length) terms.push(points[at].value);
  }
  return div(sum(terms), frac(101));
}

/** Bins of called judgements by score: [{count, right, score}]. */
export function calibrationBins(called) {
  const bins = Array.from({ length: 15 }, () => ({ count: 0, right: 0, score: 0 }));
  for (const { score, call, truth } of called) {
    const bin = bins[Math.min(14, Math.floor((15 * score) / 1_000_000))];
    bin.count += 1;
    bin.score += score;
    if (call === truth) bin.right += 1;
  }
  return bins;
}

export function calibrationError(called) {
  const off = calibrationBins(called).reduce((total, bin) => total + Math.abs(bin.score - 1_000_000 * bin.right), 0);
  return frac(off, 1_000_000 * called.length);
}

export const meanOf = (values) => (values.length ? mean(values) : null);
