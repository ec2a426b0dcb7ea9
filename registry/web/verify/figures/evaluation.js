// A whole evaluation computed again, part by part, from predictions, plan, recipe and preprocessing.
import { callAll, countCalls, optimisticOf, thresholdsOf } from "./calls.js";
import { curvesOf } from "./curves.js";
import { compare, div, frac, mean, mul, parse, six, sixRoot, sub, sum } from "./fraction.js";
import { fairnessOf, groupingsOf } from "./groups.js";
import { overfittingOf } from "./losses.js";
import { notesOf } from "./notes.js";
import { inferredOf } from "./sources.js";
import { figuresOf } from "./figures.js";
import { Part } from "./part.js";
import { testsOf } from "./tests.js";
import { verdictsOf } from "./verdicts.js";

const part = ({ metric, of, group, class: cls }) => ({ metric, of, group, class: cls });

/**
 * `setup`: {names, seed, rounds, minGroup, rule: {name, threshold, floor, k}, repeats, attributesOf, sourcesOf, groups, claims,
 * final, origin, losses, seen (Set of images' hex)}; trainings: [{fold, history}]. Figures are computed when first asked.
 */
export class Evaluation {
  constructor(judgements, setup, trainings, pause = async () => {}) {
    Object.assign(this, { judgements, setup, trainings, pause, memo: new Map() });
    this.classes = setup.names.length;
    this.thresholds = thresholdsOf(judgements, this.classes, setup.rule);
    callAll(judgements, this.classes, this.thresholds.byFold);
    this.all = new Part(judgements, setup);
  }

  once(name, make) {
    if (!this.memo.has(name)) this.memo.set(name, make());
    return this.memo.get(name);
  }

  get writtenThresholds() {
    return [...this.thresholds.byFold.values()].map((value) => six(frac(value, 1_000_000)));
  }

  get thresholdOfAll() {
    return six(frac(this.thresholds.ofAll, 1_000_000));
  }

  metrics() {
    return this.once("metrics", () => figuresOf(this.all, this.pause));
  }

  async partsBy(of) {
    const values = [...new Set(this.judgements.map(of))].sort((a, b) => a - b);
    const lists = [];
    for (const value of values) {
      const judgements = this.judgements.filter((judgement) => of(judgement) === value);
      lists.push(await figuresOf(new Part(judgements, this.setup), this.pause));
    }
    return lists;
  }

  perFold() {
    return this.once("perFold", () => this.partsBy((judgement) => judgement.fold));
  }

  perRepeat() {
    return this.once("perRepeat", async () =>
      this.setup.repeats > 1 ? this.partsBy((judgement) => judgement.repeat) : [],
    );
  }

  async spread() {
    const repeats = await this.perRepeat();
    if (repeats.length < 2) return [];
    return repeats[0]
      .map((figure, i) => [figure, repeats.map((list) => list[i].value)])
      .filter(([, values]) => values.every((value) => value !== null))
      .map(([figure, values]) => ({ ...part(figure), ...spreadOf(values.map(parse)) }));
  }

  /** [unseen, seen] */
  seenApart() {
    return this.once("seen", async () => {
      const { seen } = this.setup;
      if (!seen.size) return [[], []];
      const lists = [];
      for (const wanted of [false, true]) {
        const judgements = this.judgements.filter((judgement) => seen.has(judgement.image) === wanted);
        lists.push(judgements.length ? await figuresOf(new Part(judgements, this.setup), this.pause) : []);
      }
      return lists;
    });
  }

  get calls() {
    return countCalls(this.judgements, this.classes);
  }

  get optimistic() {
    return optimisticOf(this.judgements, this.classes, this.setup.rule);
  }

  get overfitting() {
    return overfittingOf(this.trainings, this.setup.losses);
  }

  get curves() {
    return curvesOf(this.judgements, this.setup.names, this.trainings, this.setup.losses);
  }

  get groupings() {
    return this.once("groupings", () => groupingsOf(this.all, this.setup.groups));
  }

  fairness() {
    return this.once("fairness", async () =>
      fairnessOf(this.all, await this.metrics(), this.groupings.kept, this.pause),
    );
  }

  tests() {
    return testsOf(this.all, this.groupings.kept);
  }

  async notes() {
    await this.metrics();
    return notesOf(this.all, await this.fairness(), this.groupings, this.setup);
  }

  async verdicts() {
    const { claims, origin } = this.setup;
    const seen = origin && origin.seen;
    const hasSeen = Boolean(seen) && (seen.images > 0 || seen.persons > 0 || seen.nearDuplicates > 0);
    return verdictsOf(claims, await this.metrics(), await this.fairness(), hasSeen, inferredOf(this.all));
  }
}

function spreadOf(values) {
  const middle = mean(values);
  const squares = sum(values.map((value) => mul(sub(value, middle), sub(value, middle))));
  const sorted = [...values].sort(compare);
  return {
    mean: six(middle),
    lowest: six(sorted[0]),
    highest: six(sorted[sorted.length - 1]),
    deviation: sixRoot(div(squares, frac(values.length - 1))),
  };
}
