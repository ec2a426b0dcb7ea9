// Level 4: what follows from the records.
import { equal } from "../bytes/equal.js";
import { compareText, hex, Refusal, sameBytes } from "../bytes/bytes.js";
import { beaconValue, drawFolds, drawSeed, nameOf } from "../data/draw.js";
import { decide, firstDifference } from "../data/snapshot.js";
import { checkRow } from "../figures/input.js";
import { checkClaim } from "../figures/verdicts.js";
import { attempts } from "./attempts.js";
import { checkBase } from "./base.js";
import { isAboutItems } from "./claims.js";
import { needingAll, NotChecked, say } from "./outcome.js";
import { checkPrepared } from "./prepared.js";
import { readRule } from "./recipe.js";
import { withdrawalsOf } from "./withdrawals.js";

const METRICS = (
  "macro_f1 micro_f1 weighted_f1 accuracy macro_precision macro_recall micro_precision micro_recall " +
  "weighted_precision weighted_recall pr_auc map50 map50_95 macro_auc ece false_alarm_rate f1 recall precision ap ap50 " +
  "ap50_95 auc recall_gap(class)"
).split(" ");

const CHECKED = [
  ["4.items", ({ view }) => items(view)],
  [
    "4.prepared",
    ({ view }) => {
      if (view.preprocessing.recipe.key !== view.plan.recipe.key)
        throw new Refusal("the preprocessing's recipe is not the plan's");
      return checkPrepared(view);
    },
  ],
  [
    "4.recipe",
    ({ view }) => {
      const { k, repeats } = view.settings;
      return say("{k} {k|fold|folds}, {repeats} {repeats|time|times}", { k, repeats });
    },
  ],
  ["4.plan", ({ view }) => plan(view)],
  [
    "4.arguments",
    () => {
      throw new NotChecked("only the method can compare a training's arguments with the recipe");
    },
  ],
  [
    "4.draw",
    ({ view }) => {
      if (view.plan.v > 1 && !equal(view.plan.beacons, view.draw.beacons.map(nameOf)))
        throw new Refusal("the draw mixes other beacons than the plan names");
      const seed = drawSeed(view.draw.plan.bytes, view.plan.seed, view.draw.beacons.map(beaconValue));
      if (!sameBytes(seed, view.draw.seed))
        throw new Refusal("the draw's seed does not follow from the plan and its beacons");
      return say(
        view.draw.beacons.length
          ? "the seed follows from the plan and its beacons"
          : "the seed follows from the plan alone: nothing shows that training came after it",
      );
    },
  ],
  ["4.folds", ({ view }) => folds(view)],
  ["4.trainings", ({ view }) => trainings(view)],
  ["4.predictions", ({ view }) => predictions(view)],
  ["4.base", ({ view }) => checkBase(view)],
  ["4.attempts", (audit) => attempts(audit)],
];

export const level4 = CHECKED.map(needingAll);

function items(view) {
  const { snapshot, contributions } = view;
  if (snapshot.use === null && snapshot.v > 1)
    throw new Refusal("the snapshot does not say what was asked of rights, as its version must");
  if (withdrawalsOf(view).partly)
    throw new NotChecked("some labels were taken back");
  const stated = new Map(view.excluded.map((row) => [hex(row.sha256), row.reason]));
  const isExcluded = (reason) => (rows) => stated.get(hex(rows[0].sha256)) === reason;
  const { items, excluded } = decide({
    classes: snapshot.classes,
    aliases: snapshot.aliases,
    query: snapshot.query,
    chosen: view.chosen,
    rule: snapshot.rule,
    trusted: snapshot.trusted,
    use: snapshot.use,
    contributions,
    isWithdrawn: isExcluded("withdrawn"),
    isMissing: isExcluded("no_bytes"),
  });
  for (const [found, computed] of [
    [view.items, items],
    [view.excluded, excluded],
  ]) {
    const image = firstDifference(found, computed);
    if (image) throw new Refusal("image {image} does not follow from the contributions by the rule", { image });
  }
  if (snapshot.count !== items.length) throw new Refusal("the snapshot states another number of items");
  const { images } = withdrawalsOf(view);
  for (const [image, reason] of stated) {
    if (reason === "withdrawn" && !images.has(image)) {
      throw new Refusal("image {image} was left out as withdrawn, and nobody who may took it back", { image });
    }
  }
  return say("{count} {count|item|items} and {excluded} {excluded|image|images} left out follow from the contributions", {
    count: items.length,
    excluded: excluded.length,
  });
}

function plan(view) {
  const { plan: of, recipe, folding } = view;
  if (recipe.method !== of.method.id) throw new Refusal("the recipe is another method's");
  const seed = recipe.values.seed;
  if (seed !== of.seed) throw new Refusal("the recipe's seed is not the plan's");
  const attributes = [...new Set(view.items.flatMap((row) => Object.keys(row.attributes)))].sort(compareText);
  if (!equal(of.groups, attributes)) throw new Refusal("the plan's groups are not the attributes of the items");
  if (!equal(of.metrics, METRICS)) throw new Refusal("the plan asks for other figures than there are");
  const fold = /^fold:(0|[1-9]\d*)$/.exec(of.final);
  if (of.final !== "refit" && !(fold && Number(fold[1]) < folding.k * folding.repeats)) {
    throw new Refusal("the plan publishes weights of a fold that is not there");
  }
  for (const claim of of.claims) {
    checkClaim(claim);
    if (!isAboutItems(claim.metric, view))
      throw new Refusal("a claim about what no item has: {name}", { name: claim.metric });
  }
  return say("{count} {count|claim|claims}", { count: of.claims.length });
}

function keptImages(view) {
  return view.kept.map((row) => ({ sha256: row.sha256, group: hex(row.group), cls: view.classOf(hex(row.sha256)) }));
}

function folds(view) {
  const { k, repeats } = view.folding;
  const drawn = drawFolds(keptImages(view), k, repeats, view.draw.seed);
  const image = firstDifference(view.folds, drawn);
  if (image) throw new Refusal("image {image} is in another fold than the seed gives", { image });
  return say("{count} {count|image is in the fold|images are in the folds} that the seed gives", { count: view.kept.length });
}

function trainings(view) {
  const { k, repeats } = view.folding;
  const list = view.trainings;
  if (list.some((training) => training.draw.key !== view.release.draw.key))
    throw new Refusal("a training is of another draw");
  const folds = list.map((training) => training.fold);
  const wanted = [...Array(k * repeats).keys()];
  const isEach = folds.length === new Set(folds).size && wanted.every((fold) => folds.includes(fold));
  const refits = view.plan.final === "refit" ? 1 : 0;
  if (!isEach || folds.length !== wanted.length + refits || folds.includes(null) !== Boolean(refits)) {
    throw new Refusal("the trainings are not one of each fold");
  }
  return say("{count} {count|training|trainings}, one of each fold", { count: list.length });
}

function predictions(view) {
  const { evaluation, recipe } = view;
  const { k, repeats } = view.folding;
  const { floor } = readRule(recipe.values);
  if (evaluation.draw.key !== view.release.draw.key) throw new Refusal("the evaluation is of another draw");
  const output = new Map(view.kept.map((row) => [hex(row.sha256), row]));
  const foldOf = new Map(view.folds.map((row) => [`${hex(row.sha256)} ${row.repeat}`, row.fold]));
  const rows = view.predictions;
  if (rows.length !== output.size * repeats) throw new Refusal("not every kept image is judged once a repeat");
  for (const row of rows) {
    const image = hex(row.sha256);
    const prepared = output.get(image);
    if (!prepared) throw new Refusal("image {image} is judged, but was not kept", { image });
    if (foldOf.get(`${image} ${Math.floor(row.fold / k)}`) !== row.fold)
      throw new Refusal("image {image} is judged by another fold", { image });
    if (row.truth !== view.classOf(image)) throw new Refusal("image {image} is judged by another label", { image });
    if (!equal(row.boxes, prepared.boxes)) throw new Refusal("image {image} is judged by other boxes", { image });
    checkRow(row, view.snapshot.classes.length, floor);
  }
  return say("{count} {count|judgement|judgements}, each by the fold that did not train on the image", { count: rows.length });
}
