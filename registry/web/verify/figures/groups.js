// Fairness: figures of groups and gaps between them (docs/format/figures.md, fairness).
import { compareText, utf8 } from "../bytes/bytes.js";
import { frac, mean, six } from "./fraction.js";
import { calibrationError } from "./areas.js";
import { classRecalls, figure, isHit, personsIn, shareFigure } from "./part.js";
import { groupName, quoted } from "./names.js";
import { bootstrapped } from "../intervals/intervals.js";
import { gapInterval, gapOf } from "../intervals/gaps.js";
import { callRounds } from "../intervals/rounds.js";
import { ratioInterval, ratioOf, worstInterval, worstOf } from "../intervals/worst.js";

const MAX_VALUES = 50;
const MAX_PAIRS = 20;
const MAX_BYTES = 1_000_000;
const MAX_WORK = 10_000;

/** Groupings that are compared, and names of those that are not. `attributesOf` gives an image's attributes. */
export function groupingsOf(part, attributes) {
  const singles = attributes.map((name) => groupingOf(part, [name])).filter((grouping) => grouping.groups.length);
  const isSmall = ({ groups }) => groups.length <= MAX_VALUES;
  const paired = singles.filter((grouping) => isSmall(grouping) && grouping.groups.length >= 2);
  const pairs = [];
  paired.forEach((a, i) => paired.slice(i + 1).forEach((b) => pairs.push([a.of[0], b.of[0]])));
  const taken = [
    ...singles,
    ...pairs
      .slice(0, MAX_PAIRS)
      .map((of) => groupingOf(part, of))
      .filter((grouping) => grouping.groups.length >= 2),
  ];
  const left = [];
  const kept = [];
  let bytes = 0;
  let work = 0;
  for (const grouping of taken) {
    const cost = costOf(part, grouping);
    const fits = isSmall(grouping) && bytes + cost.bytes <= MAX_BYTES && work + cost.work <= MAX_WORK;
    (fits ? kept : left).push(grouping);
    if (!fits) continue;
    bytes += cost.bytes;
    work += cost.work;
  }
  const names = [...left.map((grouping) => grouping.of), ...pairs.slice(MAX_PAIRS)].map(groupingName);
  return { kept, left: names.sort(compareText) };
}

function groupingOf(part, of) {
  const groups = new Map();
  for (const judgement of part.judgements) {
    const given = part.setup.attributesOf(judgement.image);
    if (!of.every((name) => Object.hasOwn(given, name))) continue;
    const values = of.map((name) => given[name]);
    const key = JSON.stringify(values);
    if (!groups.has(key)) groups.set(key, { values, judgements: [] });
    groups.get(key).judgements.push(judgement);
  }
  const list = [...groups.values()];
  list.sort(
    (a, b) => compareText(a.values[0], b.values[0]) || (of.length > 1 ? compareText(a.values[1], b.values[1]) : 0),
  );
  for (const group of list) group.name = Object.fromEntries(of.map((name, i) => [name, group.values[i]]));
  return { of, groups: list };
}

function costOf({ setup: { names } }, { groups }) {
  const size = (text) => utf8(text).length;
  const figures = 4 + 4 * names.length;
  const labels = groups.reduce((sum, group) => sum + size(groupName(group.name)), 0);
  const room = names.reduce((sum, name) => sum + size(name) + 100, 0);
  const g = groups.length;
  return { bytes: labels * figures + g * (4 * room + 400), work: 200 + (names.length * g * (g - 1)) / 2 };
}

/** The record's `fairness`; `metrics` are the figures of all images. */
export async function fairnessOf(part, metrics, groupings, pause) {
  const list = metrics.filter((of) => of.metric === "recall" || of.metric === "recall_gap");
  list.push(worstClass(part));
  for (const grouping of groupings) {
    for (const group of grouping.groups) {
      list.push(...groupFigures(part, group));
      await pause();
    }
    if (grouping.groups.length >= 2) list.push(...(await gapFigures(part, grouping, pause)));
  }
  return list;
}

function worstClass(part) {
  const { n, reason, rates } = classRecalls(part);
  const where = { of: ["class"] };
  if (reason) return figure("worst_recall", where, n, null, null, reason);
  return figure("worst_recall", where, n, worstOf(rates), worstInterval(rates));
}

function groupFigures(part, { name, judgements }) {
  const where = { group: name };
  const classes = part.classes;
  const isFew = !part.isEnough(judgements.length);
  const present = [...Array(classes).keys()].filter((c) => judgements.some((judgement) => judgement.truth === c));
  const isOne = present.some((c) => judgements.every((judgement) => judgement.truth === c));
  const rounds = callRounds(judgements, part.bagOf, part.draws, classes);
  const persons = personsIn(judgements);
  const boot = (metric, of, value, reason) =>
    figure(
      metric,
      where,
      part.images(judgements.length),
      value,
      value && bootstrapped(value, rounds[of], persons),
      reason,
    );
  const noPrecision = isFew ? "too_few" : isOne ? "no_negatives" : present.length ? null : "no_images";
  const noF1 = isFew ? "too_few" : present.length ? null : "no_images";
  const count = (test) => judgements.filter(test).length;
  const f1 = (c) => {
    const hits = count((j) => j.truth === c && j.call === c);
    return frac(2 * hits, count((j) => j.truth === c) + count((j) => j.call === c));
  };
  const precision = (c) =>
    frac(
      count((j) => j.truth === c && j.call === c),
      count((j) => j.call === c) || 1,
    );
  return [
    shareFigure(part, "recall", where, judgements, isHit, isFew ? "too_few" : null),
    boot("f1", "macro_f1", noF1 ? null : mean(present.map(f1)), noF1),
    boot("precision", "macro_precision", noPrecision ? null : mean(present.map(precision)), noPrecision),
    groupCalibration(part, where, judgements, isOne),
    ...part.setup.names.flatMap((cls, c) =>
      classRates(part, judgements, c).map(({ metric, of, isRight, reason }) =>
        shareFigure(part, metric, { ...where, cls }, of, isRight, reason),
      ),
    ),
  ];
}

function groupCalibration(part, where, judgements, isOne) {
  const called = judgements.filter((judgement) => judgement.call < part.classes);
  const few = part.isEnough(called.length) ? null : "too_few";
  const reason = (called.length ? few : "no_calls") ?? (part.classes === 1 && isOne ? "no_negatives" : null);
  return figure("ece", where, part.images(called.length), reason ? null : calibrationError(called), null, reason);
}

/** selection, recall, precision and false positive rate of a class in a group. */
function classRates(part, judgements, c) {
  const isOf = (judgement) => judgement.truth === c;
  const isCalled = (judgement) => judgement.call === c;
  const rate = (metric, of, isRight, empty, first = null) => ({
    metric,
    of,
    isRight,
    reason: first ?? (!of.length ? empty : part.isEnough(of.length) ? null : "too_few"),
  });
  const isAll = judgements.every(isOf) ? "no_negatives" : null;
  return [
    rate("selection", judgements, isCalled, "no_images"),
    rate("recall", judgements.filter(isOf), isCalled, "no_images"),
    rate("precision", judgements.filter(isCalled), isOf, "no_calls", isAll),
    rate(
      "fpr",
      judgements.filter((judgement) => !isOf(judgement)),
      isCalled,
      "no_negatives",
    ),
  ];
}

/** Rows of rates that count, of one kind, and whether one was left out that some image could have shown. */
function ratesOf(part, grouping, metric) {
  const rows = [];
  let isOpen = false;
  const all = grouping.groups.flatMap((group) => group.judgements);
  for (let c = 0; c < part.classes; c++) {
    const isShown = all.some((judgement) => (metric === "fpr" ? judgement.truth !== c : judgement.truth === c));
    const row = [];
    for (const { judgements } of grouping.groups) {
      const { of, isRight } = classRates(part, judgements, c).find((rate) => rate.metric === metric);
      if (part.isEnough(judgements.length) && of.length && part.isEnough(of.length)) row.push(part.share(of, isRight));
      else if (isShown) isOpen = true;
    }
    if (row.length >= 2) rows.push(row);
  }
  return { rows, isOpen };
}

function recallRates(part, { groups }) {
  const row = groups
    .filter((group) => part.isEnough(group.judgements.length))
    .map((group) => part.share(group.judgements, isHit));
  return { rows: row.length >= 2 ? [row] : [], isOpen: row.length < groups.length };
}

const both = (a, b) => ({ rows: [...a.rows, ...b.rows], isOpen: a.isOpen || b.isOpen });

async function gapFigures(part, grouping, pause) {
  const n = part.images(grouping.groups.reduce((sum, group) => sum + group.judgements.length, 0));
  const where = { of: grouping.of };
  const recalls = recallRates(part, grouping);
  const [selection, recall, fpr] = ["selection", "recall", "fpr"].map((metric) => ratesOf(part, grouping, metric));
  const gap = async (metric, { rows, isOpen }) => {
    if (!rows.length) return figure(metric, where, n, null, null, "one_group");
    const [low, high] = await gapInterval(rows, part.setup.rounds, part.setup.seed, pause);
    return figure(metric, where, n, gapOf(rows), [low, isOpen ? six(frac(1)) : high]);
  };
  const ratio = (metric, { rows, isOpen }) => {
    const value = rows.length ? ratioOf(rows) : null;
    if (!value) return figure(metric, where, n, null, null, "one_group");
    const [low, high] = ratioInterval(rows);
    return figure(metric, where, n, value, [isOpen ? six(frac(0)) : low, high]);
  };
  const worst = ({ rows, isOpen }) => {
    if (!rows.length) return figure("worst_recall", where, n, null, null, "one_group");
    const [low, high] = worstInterval(rows[0]);
    return figure("worst_recall", where, n, worstOf(rows[0]), [isOpen ? six(frac(0)) : low, high]);
  };
  const odds = both(recall, fpr);
  return [
    await gap("recall_gap", recalls),
    await gap("demographic_parity_difference", selection),
    await gap("equal_opportunity_difference", recall),
    await gap("equalized_odds_difference", odds),
    worst(recalls),
    ratio("demographic_parity_ratio", selection),
    ratio("equal_opportunity_ratio", recall),
    ratio("equalized_odds_ratio", odds),
  ];
}

const groupingName = (of) => of.map(quoted).join(" & ");
