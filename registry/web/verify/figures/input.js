// Judgements: rows of predictions, checked for what no honest run writes, ranked, with their persons.
import { Refusal, hex } from "../bytes/bytes.js";

const MILLION = 1_000_000;
const MAX_CLASSES = 100;
const MAX_BOXES = 100;
const MAX_DETECTIONS = 300;
const MAX_NUMBER = 2 ** 40;
export const IOUS = [50, 55, 60, 65, 70, 75, 80, 85, 90, 95];

const bad = (why) => {
  throw new Refusal("predictions that no honest run writes: {why}", { why });
};

/** Checks one row; no score lies below `floor`, in millionths. */
export function checkRow({ truth, boxes, detections }, classes, floor = 0) {
  if (boxes.length > MAX_BOXES || detections.length > MAX_DETECTIONS) bad("too many boxes");
  if (truth !== null && truth >= classes) bad("a class that does not exist");
  if (truth === null && boxes.length) bad("boxes in an image that shows nothing");
  const numbers = [...boxes.flat(), ...detections.flat()];
  if (numbers.some((n) => typeof n === "bigint" || Math.abs(n) > MAX_NUMBER)) bad("a number that is too large");
  detections.forEach(([cls, score], i) => {
    if (cls < 0 || cls >= classes) bad("a detection of a class that does not exist");
    if (score < floor || score > MILLION) bad("a score out of bounds");
    if (i && detections[i - 1][1] < score) bad("detections that do not stand by falling score");
  });
}

function rankOrder(a, b) {
  return b[1] - a[1] || a[0] - b[0] || a[2] - b[2] || a[3] - b[3] || a[4] - b[4] || a[5] - b[5];
}

/**
 * Judgements of rows {sha256, fold, truth, boxes, detections}, in the order of (sha256, fold).
 * `persons` gives each image's person by hex of its sha256, `k` the folds of a repeat.
 */
export function judgementsOf(rows, classes, persons, k) {
  if (classes < 1 || classes > MAX_CLASSES) bad("too many classes, or none");
  const judgements = rows.map((row) => {
    checkRow(row, classes);
    const image = hex(row.sha256);
    return {
      image,
      fold: row.fold,
      repeat: Math.floor(row.fold / k),
      truth: row.truth === null ? classes : row.truth,
      boxes: row.boxes,
      ranked: [...row.detections].sort(rankOrder),
      person: persons.get(image) ?? image,
    };
  });
  judgements.sort((a, b) => (a.image < b.image ? -1 : a.image > b.image ? 1 : a.fold - b.fold));
  const times = new Map();
  judgements.forEach((judgement, i) => {
    const before = judgements[i - 1];
    if (before && before.image === judgement.image && before.fold === judgement.fold) bad("an image twice in one fold");
    times.set(judgement.image, (times.get(judgement.image) ?? 0) + 1);
  });
  if (new Set(times.values()).size > 1) bad("an image that is judged more often than another");
  for (const judgement of judgements) {
    judgement.scores = scoresOf(judgement, classes);
    judgement.right = matchesOf(judgement);
  }
  return judgements;
}

/** Highest score by class, 0 without a detection. */
function scoresOf({ ranked }, classes) {
  const scores = new Int32Array(classes);
  for (const [cls, score] of ranked) if (score > scores[cls]) scores[cls] = score;
  return scores;
}

function overlap(a, b) {
  const [ax, ay, aw, ah] = a.map(BigInt);
  const [bx, by, bw, bh] = b.map(BigInt);
  const side = (x, w, y, v) => {
    const length = (x + w < y + v ? x + w : y + v) - (x > y ? x : y);
    return length > 0n ? length : 0n;
  };
  const intersection = side(ax, aw, bx, bw) * side(ay, ah, by, bh);
  return { intersection, union: aw * ah + bw * bh - intersection };
}

/** For each IoU: which of the ranked detections are right, as a list of true and false. */
function matchesOf({ truth, boxes, ranked }) {
  const overlaps = ranked.map(([cls, , ...box]) => (cls === truth ? boxes.map((other) => overlap(box, other)) : []));
  return IOUS.map((percent) => {
    const taken = new Set();
    return overlaps.map((of) => {
      let best = -1;
      of.forEach(({ intersection, union }, i) => {
        const isEnough = union > 0n && 100n * intersection >= BigInt(percent) * union;
        if (taken.has(i) || !isEnough) return;
        if (best < 0 || intersection * of[best].union >= of[best].intersection * union) best = i;
      });
      if (best >= 0) taken.add(best);
      return best >= 0;
    });
  });
}

/** R: how often each image is judged, as {n, d}; 1 where there is no row. */
export function repeatsOf(judgements) {
  const images = new Set(judgements.map((judgement) => judgement.image)).size;
  return images ? { n: BigInt(judgements.length), d: BigInt(images) } : { n: 1n, d: 1n };
}
