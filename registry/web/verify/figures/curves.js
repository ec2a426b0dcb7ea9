// The table `evaluation.curves`: points by name.
import { boxesByStep, callsByStep } from "./calls.js";
import { calibrationBins, detectionsOf, scoreSteps } from "./areas.js";
import { frac, mean, six, ZERO } from "./fraction.js";
import { lossesOf } from "./losses.js";
import { quoted } from "./names.js";

const MAX_POINTS = 1000;
const point = (x, y) => [six(x), six(y)];

function thin(points) {
  const m = points.length;
  if (m <= MAX_POINTS) return points;
  return Array.from({ length: MAX_POINTS }, (_, i) => points[Math.floor((i * (m - 1)) / (MAX_POINTS - 1))]);
}

/** Map of name to points, of all judgements; `trainings` are [{fold, history}]. */
export function curvesOf(judgements, names, trainings, losses) {
  const curves = new Map();
  const ratio = (a, b) => (b ? frac(a, b) : ZERO);
  names.forEach((name, c) => {
    const label = quoted(name);
    curves.set(`pr(${label})`, thin(precisionRecall(judgements, c)));
    curves.set(`pr50(${label})`, thin(boxPrecisionRecall(judgements, c)));
    curves.set(`roc(${label})`, thin(rocCurve(judgements, c)));
  });
  const { called, hits, images } = callsByStep(judgements, names.length);
  const present = [...names.keys()].filter((c) => images[c] > 0);
  const kinds = {
    f1: (c, s) => ratio(2 * hits[c][s], called[c][s] + images[c]),
    precision: (c, s) => (images[c] === judgements.length ? ZERO : ratio(hits[c][s], called[c][s])),
    recall: (c, s) => ratio(hits[c][s], images[c]),
  };
  const along = (value) => Array.from({ length: 101 }, (_, s) => point(frac(s, 100), value(s)));
  for (const [kind, value] of Object.entries(kinds)) {
    names.forEach((name, c) =>
      curves.set(
        `${kind}_confidence(${quoted(name)})`,
        along((s) => value(c, s)),
      ),
    );
    curves.set(
      `macro_${kind}_confidence`,
      along((s) => (present.length ? mean(present.map((c) => value(c, s))) : ZERO)),
    );
  }
  const boxes = boxesByStep(judgements, names.length);
  names.forEach((name, c) =>
    curves.set(
      `f1_50_confidence(${quoted(name)})`,
      along((s) => boxes.value(c, s)),
    ),
  );
  curves.set(
    "macro_f1_50_confidence",
    along((s) => (boxes.present.length ? boxes.macro(s) : ZERO)),
  );
  curves.set("reliability(all)", reliability(judgements, names.length));
  for (const [name, points] of lossCurves(trainings, losses)) curves.set(name, thin(points));
  return curves;
}

function precisionRecall(judgements, c) {
  const positives = judgements.filter((judgement) => judgement.truth === c).length;
  if (positives === 0 || positives === judgements.length) return [];
  const points = [point(frac(0), frac(1))];
  let h = 0;
  let t = 0;
  for (const { hits, total } of scoreSteps(judgements, c)) {
    h += hits;
    t += total;
    points.push(point(frac(h, positives), frac(h, t)));
  }
  return points;
}

function rocCurve(judgements, c) {
  const positives = judgements.filter((judgement) => judgement.truth === c).length;
  const negatives = judgements.length - positives;
  if (positives === 0 || negatives === 0) return [];
  const points = [point(ZERO, ZERO)];
  let h = 0;
  let t = 0;
  for (const { hits, total } of scoreSteps(judgements, c)) {
    h += hits;
    t += total;
    points.push(point(frac(t - h, negatives), frac(h, positives)));
  }
  return points;
}

function boxPrecisionRecall(judgements, c) {
  const boxes = judgements
    .filter((judgement) => judgement.truth === c)
    .reduce((sum, judgement) => sum + judgement.boxes.length, 0);
  if (!boxes) return [];
  const points = [point(frac(0), frac(1))];
  let h = 0;
  detectionsOf(judgements, c).forEach(({ place, index }, i) => {
    if (judgements[place].right[0][index]) h += 1;
    points.push(point(frac(h, boxes), frac(h, i + 1)));
  });
  return points;
}

function reliability(judgements, classes) {
  return calibrationBins(judgements.filter((judgement) => judgement.call < classes))
    .filter((bin) => bin.count)
    .map(({ count, right, score }) => [...point(frac(score, 1_000_000 * count), frac(right, count)), String(count)]);
}

function lossCurves(trainings, losses) {
  const found = [];
  for (const { fold, history } of trainings) {
    const name = fold === null ? "refit" : `fold ${fold}`;
    const lists = { train_loss: [], val_loss: [], loss_gap: [] };
    for (const { epoch, train, val, gap } of lossesOf(history, losses)) {
      const x = frac(epoch);
      if (train) lists.train_loss.push(point(x, train));
      if (val) lists.val_loss.push(point(x, val));
      if (gap) lists.loss_gap.push(point(x, gap));
    }
    for (const kind in lists) if (lists[kind].length) found.push([`${kind}(${name})`, lists[kind]]);
  }
  return found;
}
