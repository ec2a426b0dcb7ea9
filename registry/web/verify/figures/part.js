// A part of the judgements with what every figure of it needs, and how a figure is made.
import { compare, div, floor, frac, mul, six } from "./fraction.js";
import { repeatsOf } from "./input.js";
import { wilsonInterval, worth } from "../intervals/intervals.js";
import { drawRounds } from "../intervals/philox.js";

/** Judgements with what every figure of theirs needs: repeats, persons, drawn rounds. */
export class Part {
  constructor(judgements, setup) {
    Object.assign(this, { judgements, setup, classes: setup.names.length });
    this.repeats = repeatsOf(judgements);
    this.persons = [...new Set(judgements.map((judgement) => judgement.person))].sort();
    this.place = new Map(this.persons.map((person, i) => [person, i]));
    this.bagOf = (judgement) => this.place.get(judgement.person) % 1024;
    this.memo = new Map();
  }

  get draws() {
    return this.once("draws", () => drawRounds(this.persons.length, this.setup.rounds, this.setup.seed));
  }

  once(name, make) {
    if (!this.memo.has(name)) this.memo.set(name, make());
    return this.memo.get(name);
  }

  /** Images that so many judgements are of. */
  images(count) {
    return Number(floor(div(frac(count), this.repeats)));
  }

  isEnough(count) {
    return compare(frac(count), mul(frac(this.setup.minGroup), this.repeats)) >= 0;
  }

  /** {value, worth} of a share: of judgements `of`, those that `isRight` takes. */
  share(of, isRight) {
    const persons = new Map();
    let right = 0;
    for (const judgement of of) {
      const counts = persons.get(judgement.person) ?? [0, 0];
      counts[0] += 1;
      if (isRight(judgement)) {
        counts[1] += 1;
        right += 1;
      }
      persons.set(judgement.person, counts);
    }
    const list = [...persons.values()];
    return {
      value: frac(right, of.length),
      worth: worth(
        list.map((c) => c[0]),
        list.map((c) => c[1]),
        this.repeats,
      ),
    };
  }
}

export const personsIn = (judgements) => new Set(judgements.map((judgement) => judgement.person)).size;

export function figure(metric, { of = [], group = {}, cls = null } = {}, n, value, interval, reason = null) {
  const [low, high] = value && interval ? interval : [null, null];
  return {
    metric,
    of,
    group,
    class: cls,
    value: value ? six(value) : null,
    low,
    high,
    n,
    reason: value ? null : reason,
  };
}

export function shareFigure(part, metric, where, of, isRight, reason) {
  const n = part.images(of.length);
  if (reason) return figure(metric, where, n, null, null, reason);
  const { value, worth: images } = part.share(of, isRight);
  return figure(metric, where, n, value, wilsonInterval(value, images));
}

export const isHit = (judgement) => judgement.call === judgement.truth;

/** Recalls {value, worth} of the present classes, and why there is no gap of them, if so. */
export function classRecalls(part) {
  const shown = part.judgements.filter((judgement) => judgement.truth < part.classes);
  const lists = [...Array(part.classes).keys()]
    .map((c) => shown.filter((judgement) => judgement.truth === c))
    .filter((list) => list.length);
  const reason = lists.length < 2 ? "one_group" : lists.every((list) => part.isEnough(list.length)) ? null : "too_few";
  return { n: part.images(shown.length), reason, rates: reason ? [] : lists.map((list) => part.share(list, isHit)) };
}
