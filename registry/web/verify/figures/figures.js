// The list of all figures of a part: all judgements, those of a fold or a repeat, those that base weights have (not) seen.
import { div, frac, largest, least, mean, mul, sub, sum } from "./fraction.js";
import {
  averagePrecision,
  boxPrecision,
  calibrationError,
  detectionsOf,
  meanOf,
  rocArea,
  scoreSteps,
} from "./areas.js";
import { IOUS } from "./input.js";
import { classRecalls, figure, isHit, personsIn, shareFigure } from "./part.js";
import { bootstrapped } from "../intervals/intervals.js";
import { gapInterval } from "../intervals/gaps.js";
import { apRounds, boxRounds, callRounds, countedSteps, meanRound } from "../intervals/rounds.js";

/** Exact precision, recall, F1 of a class's counts. */
function countsOf(part) {
  const { judgements, classes } = part;
  const truth = new Array(classes + 1).fill(0);
  const called = new Array(classes + 1).fill(0);
  const hits = new Array(classes + 1).fill(0);
  for (const judgement of judgements) {
    truth[judgement.truth] += 1;
    called[judgement.call] += 1;
    if (isHit(judgement)) hits[judgement.truth] += 1;
  }
  const all = judgements.length;
  const present = [...Array(classes).keys()].filter((c) => truth[c] > 0);
  return {
    truth,
    called,
    hits,
    all,
    present,
    shown: all - truth[classes],
    isOne: present.some((c) => truth[c] === all),
  };
}

/** The list of figures of `metrics`, in its order. */
export async function figuresOf(part, pause) {
  const counts = countsOf(part);
  const byClass = [];
  const areas = [];
  for (let c = 0; c < part.classes; c++) {
    areas.push(areasOf(part, counts, c));
    await pause();
  }
  part.rounds = part.once("calls", () => callRounds(part.judgements, part.bagOf, part.draws, part.classes));
  const list = callFigures(part, counts);
  list.push(...areaFigures(part, counts, areas));
  for (let c = 0; c < part.classes; c++) byClass.push(...classFigures(part, counts, c, areas[c]));
  return [...list, ...byClass, await classGap(part, pause)];
}

function callFigures(part, counts) {
  const { truth, called, hits, all, present, shown, isOne } = counts;
  const n = part.images(all);
  const total = (list) => list.slice(0, part.classes).reduce((a, b) => a + b, 0);
  const right = total(hits);
  const calls = total(called);
  const f1 = (c) => frac(2 * hits[c], truth[c] + called[c]);
  const precision = (c) => frac(hits[c], called[c] || 1);
  const recall = (c) => frac(hits[c], truth[c]);
  const weighted = (of) => div(sum(present.map((c) => mul(of(c), frac(truth[c])))), frac(shown));
  const boot = (name, value, reason) =>
    figure(name, {}, n, value, value && bootstrapped(value, part.rounds[name], part.persons.length), reason);
  const some = (make) => (present.length ? make() : null);
  const noneRight = isOne ? "no_negatives" : "no_images";
  const precise = (make) => (isOne ? null : some(make));
  const inShown = part.judgements.filter((judgement) => judgement.truth < part.classes);
  const inCalled = part.judgements.filter((judgement) => judgement.call < part.classes);
  const noCalls = part.classes === 1 && isOne ? "no_negatives" : calls ? null : "no_calls";
  const noShown = shown ? null : "no_images";
  return [
    boot(
      "macro_f1",
      some(() => mean(present.map(f1))),
      "no_images",
    ),
    boot("micro_f1", shown + calls ? frac(2 * right, shown + calls) : null, "no_images"),
    boot(
      "weighted_f1",
      some(() => weighted(f1)),
      "no_images",
    ),
    shareFigure(part, "accuracy", {}, part.judgements, isHit, all ? null : "no_images"),
    boot(
      "macro_precision",
      precise(() => mean(present.map(precision))),
      noneRight,
    ),
    boot(
      "macro_recall",
      some(() => mean(present.map(recall))),
      "no_images",
    ),
    shareFigure(part, "micro_precision", {}, inCalled, isHit, noCalls),
    shareFigure(part, "micro_recall", {}, inShown, isHit, noShown),
    boot(
      "weighted_precision",
      precise(() => weighted(precision)),
      noneRight,
    ),
    { ...shareFigure(part, "micro_recall", {}, inShown, isHit, noShown), metric: "weighted_recall" },
  ];
}

function areasOf(part, { truth, all }, c) {
  const { judgements, classes, bagOf } = part;
  const found = { ap: null, auc: null, boxes: null, apRounds: null, boxRounds: null };
  if (truth[c] > 0 && truth[c] < all) {
    found.ap = averagePrecision(judgements, c, truth[c]);
    found.auc = rocArea(judgements, c);
  }
  found.apRounds = apRounds(judgements, bagOf, part.draws, c, classes);
  const ofClass = judgements.filter((judgement) => judgement.truth === c);
  const boxes = ofClass.reduce((sum, judgement) => sum + judgement.boxes.length, 0);
  const detections = detectionsOf(judgements, c);
  for (const detection of detections) detection.bag = bagOf(judgements[detection.place]);
  const flags = IOUS.map((_, iou) => detections.map(({ place, index }) => judgements[place].right[iou][index]));
  if (boxes) found.boxes = flags.map((list) => boxPrecision(list, boxes));
  const byBag = new Float64Array(part.draws.bags);
  for (const judgement of ofClass) byBag[bagOf(judgement)] += judgement.boxes.length;
  found.boxRounds = boxRounds(detections, flags, byBag, part.draws, classes);
  const steps = [
    scoreSteps(judgements, c).filter((step) => step.hits).length,
    ...flags.map((list) => list.filter(Boolean).length),
  ];
  if (steps.some((count) => countedSteps(count, classes).length < count)) part.hasManySteps = true;
  return found;
}

/** By round, the mean of what several figures are in it. */
export function meanRounds(lists, rounds) {
  return Int32Array.from({ length: rounds }, (_, round) => meanRound(lists.map((list) => list[round])));
}

function areaFigures(part, counts, areas) {
  const { all, isOne } = counts;
  const rounds = part.setup.rounds;
  const n = part.images(all);
  const called = part.judgements.filter((judgement) => judgement.call < part.classes);
  const background = part.judgements.filter((judgement) => judgement.truth === part.classes);
  const boot = (name, value, lists, reason) =>
    figure(name, {}, n, value, value && bootstrapped(value, meanRounds(lists, rounds), part.persons.length), reason);
  const noNegatives = isOne ? "no_negatives" : "no_images";
  const boxed = areas.filter((area) => area.boxes);
  const noCalls = part.classes === 1 && isOne ? "no_negatives" : called.length ? null : "no_calls";
  const noBackground = background.length ? (part.isEnough(background.length) ? null : "too_few") : "no_background";
  const isCalled = (judgement) => judgement.call < part.classes;
  return [
    boot(
      "pr_auc",
      meanOf(areas.filter((a) => a.ap).map((a) => a.ap)),
      areas.map((a) => a.apRounds),
      noNegatives,
    ),
    boot(
      "map50",
      meanOf(boxed.map((a) => a.boxes[0])),
      areas.map((a) => a.boxRounds[0]),
      "no_boxes",
    ),
    boot(
      "map50_95",
      meanOf(boxed.flatMap((a) => a.boxes)),
      areas.flatMap((a) => a.boxRounds),
      "no_boxes",
    ),
    figure("macro_auc", {}, n, meanOf(areas.filter((a) => a.auc).map((a) => a.auc)), null, noNegatives),
    figure("ece", {}, part.images(called.length), noCalls ? null : calibrationError(called), null, noCalls),
    shareFigure(part, "false_alarm_rate", {}, background, isCalled, noBackground),
  ];
}

function classFigures(part, { truth, called, hits, all }, c, area) {
  const where = { cls: part.setup.names[c] };
  const ofClass = part.judgements.filter((judgement) => judgement.truth === c);
  const calledSo = part.judgements.filter((judgement) => judgement.call === c);
  const n = part.images(truth[c]);
  const persons = personsIn(ofClass);
  const boot = (name, value, rounds, reason) =>
    figure(name, where, n, value, value && truth[c] ? bootstrapped(value, rounds, persons) : null, reason);
  const below = truth[c] + called[c];
  const noRecall = truth[c] ? (part.isEnough(truth[c]) ? null : "too_few") : "no_images";
  const noPrecision = truth[c] === all ? "no_negatives" : called[c] ? null : "no_calls";
  const noArea = truth[c] ? "no_negatives" : "no_images";
  const allIous = meanRounds(area.boxRounds, part.setup.rounds);
  return [
    boot("f1", below ? frac(2 * hits[c], below) : null, part.rounds.f1[c], "no_images"),
    shareFigure(part, "recall", where, ofClass, isHit, noRecall),
    shareFigure(part, "precision", where, calledSo, isHit, noPrecision),
    boot("ap", area.ap, area.apRounds, noArea),
    boot("ap50", area.boxes && area.boxes[0], area.boxRounds[0], "no_boxes"),
    boot("ap50_95", area.boxes && mean(area.boxes), allIous, "no_boxes"),
    figure("auc", where, n, area.auc, null, noArea),
  ];
}

async function classGap(part, pause) {
  const { n, reason, rates } = classRecalls(part);
  const where = { of: ["class"] };
  if (reason) return figure("recall_gap", where, n, null, null, reason);
  const values = rates.map((rate) => rate.value);
  const interval = await gapInterval([rates], part.setup.rounds, part.setup.seed, pause);
  return figure("recall_gap", where, n, sub(largest(values), least(values)), interval);
}
