// Figures of every round of a bootstrap, integers in units of 2^-30 (docs/format/resampling.md).
import { NONE, SCALE } from "./intervals.js";

/** floor(2^30 a / b), exactly; a b is below 2^53. */
export function ratio(a, b) {
  if (b === 0) return NONE;
  const scaled = a * SCALE;
  const quotient = Math.floor(scaled / b);
  return quotient * b > scaled ? quotient - 1 : quotient;
}

export function meanRound(values) {
  let total = 0;
  let count = 0;
  for (const value of values) {
    if (value === NONE) continue;
    total += value;
    count += 1;
  }
  return count ? Math.floor(total / count) : NONE;
}

/** Counts by bag: truths (with nothing), calls (with nothing) and hits by class. */
function countsByBag(judgements, bagOf, bags, classes) {
  const width = 3 * classes + 2;
  const counts = new Float64Array(bags * width);
  for (const judgement of judgements) {
    const at = bagOf(judgement) * width;
    counts[at + judgement.truth] += 1;
    counts[at + classes + 1 + judgement.call] += 1;
    if (judgement.truth === judgement.call && judgement.call < classes)
      counts[at + 2 * classes + 2 + judgement.call] += 1;
  }
  return { counts, width };
}

const NAMES = ["macro_f1", "micro_f1", "weighted_f1", "macro_precision", "macro_recall", "weighted_precision"];

/** Rounds of all figures of calls, by name, and `f1` by class. */
export function callRounds(judgements, bagOf, { bags, rounds, weights }, classes) {
  const { counts, width } = countsByBag(judgements, bagOf, bags, classes);
  const out = { f1: Array.from({ length: classes }, () => new Int32Array(rounds)) };
  for (const name of NAMES) out[name] = new Int32Array(rounds);
  const sums = new Float64Array(width);
  for (let round = 0; round < rounds; round++) {
    sums.fill(0);
    for (let bag = 0; bag < bags; bag++) {
      const weight = weights[round * bags + bag];
      if (!weight) continue;
      for (let i = 0, at = bag * width; i < width; i++) sums[i] += weight * counts[at + i];
    }
    oneRound(out, round, sums, classes);
  }
  return out;
}

function oneRound(out, round, sums, classes) {
  const truth = sums.subarray(0, classes);
  const called = sums.subarray(classes + 1, 2 * classes + 1);
  const hits = sums.subarray(2 * classes + 2);
  const all = [...truth, sums[classes]].reduce((a, b) => a + b, 0);
  const shown = all - sums[classes];
  const total = (list) => list.reduce((a, b) => a + b, 0);
  const isOne = truth.some((count) => count === all);
  const f1 = [],
    precision = [],
    recall = [];
  let weightedF1 = 0;
  let weightedPrecision = 0;
  for (let c = 0; c < classes; c++) {
    f1.push(truth[c] ? ratio(2 * hits[c], truth[c] + called[c]) : NONE);
    precision.push(truth[c] ? Math.max(ratio(hits[c], called[c]), 0) : NONE);
    recall.push(ratio(hits[c], truth[c]));
    out.f1[c][round] = f1[c];
    weightedF1 += Math.max(f1[c], 0) * truth[c];
    weightedPrecision += Math.max(precision[c], 0) * truth[c];
  }
  out.macro_f1[round] = meanRound(f1);
  out.micro_f1[round] = ratio(2 * total(hits), shown + total(called));
  out.weighted_f1[round] = shown ? Math.floor(weightedF1 / shown) : NONE;
  out.macro_recall[round] = meanRound(recall);
  out.macro_precision[round] = isOne ? NONE : meanRound(precision);
  out.weighted_precision[round] = isOne || !shown ? NONE : Math.floor(weightedPrecision / shown);
}

/** Which of m steps count (their numbers from 0): all, or where there are very many, some. */
export function countedSteps(m, classes) {
  const all = Array.from({ length: m }, (_, i) => i);
  if (m <= Math.max(64, Math.floor(4096 / classes))) return all;
  const some = Math.max(64, Math.floor(1024 / classes));
  return all.filter((i) => Math.floor((some * (i + 1)) / m) > Math.floor((some * i) / m));
}

/** Average precision of images of a class, by round. */
export function apRounds(judgements, bagOf, { bags, rounds, weights }, cls, classes) {
  const sorted = judgements.map((judgement) => [judgement.scores[cls], bagOf(judgement), judgement.truth === cls]);
  sorted.sort((a, b) => b[0] - a[0]);
  const ends = [];
  sorted.forEach(([score, , isHit], i) => {
    const last = ends[ends.length - 1];
    if (last && last.score === score) Object.assign(last, { end: i + 1, isHit: last.isHit || isHit });
    else ends.push({ score, end: i + 1, isHit });
  });
  const steps = ends.filter((end) => end.isHit);
  const counted = countedSteps(steps.length, classes).map((i) => steps[i].end);
  const bag = Int32Array.from(sorted, (of) => of[1]);
  const hit = Uint8Array.from(sorted, (of) => Number(of[2]));
  const out = new Int32Array(rounds);
  for (let round = 0; round < rounds; round++) {
    let h = 0,
      t = 0,
      area = 0,
      before = 0,
      at = 0;
    for (const end of counted) {
      for (; at < end; at++) {
        const weight = weights[round * bags + bag[at]];
        t += weight;
        h += weight * hit[at];
      }
      area += (h - before) * ratio(h, Math.max(t, 1));
      before = h;
    }
    for (; at < bag.length; at++) {
      const weight = weights[round * bags + bag[at]];
      t += weight;
      h += weight * hit[at];
    }
    out[round] = h === 0 || h === t ? NONE : Math.floor(area / h);
  }
  return out;
}

/** Average precision of boxes of a class at each IoU, by round: `flags[iou]` of the detections in rank order. */
export function boxRounds(detections, flags, boxesByBag, { bags, rounds, weights }, classes) {
  const bag = Int32Array.from(detections, (of) => of.bag);
  const places = flags.map((list) => {
    const right = [...list.keys()].filter((i) => list[i]);
    return { right, counted: Uint8Array.from(markSteps(right.length, classes)) };
  });
  const out = flags.map(() => new Int32Array(rounds));
  const totals = new Float64Array(detections.length);
  const most = Math.max(0, ...places.map(({ right }) => right.length));
  const value = new Float64Array(most);
  const grown = new Float64Array(most);
  for (let round = 0; round < rounds; round++) {
    const base = round * bags;
    let positives = 0;
    for (let i = 0; i < bags; i++) positives += weights[base + i] * boxesByBag[i];
    for (let i = 0, t = 0; i < totals.length; i++) totals[i] = t += weights[base + bag[i]];
    places.forEach(({ right, counted }, iou) => {
      let h = 0;
      let count = 0;
      for (let i = 0; i < right.length; i++) {
        h += weights[base + bag[right[i]]];
        if (!counted[i]) continue;
        value[count] = ratio(h, Math.max(totals[right[i]], 1));
        grown[count++] = positives ? Math.floor((100 * h) / positives) : 0;
      }
      out[iou][round] = positives === 0 ? NONE : Math.floor(boxArea(value, grown, count) / 101);
    });
  }
  return out;
}

function markSteps(m, classes) {
  const marks = new Array(m).fill(0);
  for (const i of countedSteps(m, classes)) marks[i] = 1;
  return marks;
}

function boxArea(value, grown, count) {
  let area = 0;
  let best = 0;
  for (let i = count - 1; i >= 0; i--) {
    if (value[i] > best) best = value[i];
    area += i ? (grown[i] - grown[i - 1]) * best : (1 + grown[0]) * best;
  }
  return area;
}
