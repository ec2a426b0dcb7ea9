// Differences of groups from the rest of their grouping: interval, p, Holm's p.
import { frac, six, sub } from "./fraction.js";
import { isHit } from "./part.js";
import { holm, NONE, significance } from "../intervals/intervals.js";
import { ratio } from "../intervals/rounds.js";

/** The record's `tests`: of classes, then of each grouping of two groups or more. */
export function testsOf(part, groupings) {
  const shown = part.judgements.filter((judgement) => judgement.truth < part.classes);
  const classes = part.setup.names.map((cls, c) => ({
    where: { group: {}, class: cls },
    judgements: shown.filter((judgement) => judgement.truth === c),
  }));
  const lists = [testsAmong(part, classes)];
  for (const { groups } of groupings) {
    if (groups.length < 2) continue;
    lists.push(
      testsAmong(
        part,
        groups.map(({ name, judgements }) => ({ where: { group: name, class: null }, judgements })),
      ),
    );
  }
  return lists.flat();
}

function testsAmong(part, groups) {
  const counts = groups.map(({ judgements }) => byRound(part, judgements));
  const isEnough = (count) => count >= 1 && part.isEnough(count);
  const total = groups.reduce((sum, group) => sum + group.judgements.length, 0);
  const hits = (judgements) => judgements.filter(isHit).length;
  const allHits = groups.reduce((sum, group) => sum + hits(group.judgements), 0);
  const found = [];
  groups.forEach(({ where, judgements }, i) => {
    const rest = total - judgements.length;
    if (!isEnough(judgements.length) || !isEnough(rest)) return;
    const right = hits(judgements);
    const difference = sub(frac(right, judgements.length), frac(allHits - right, rest));
    const rounds = differences(counts, i, part.setup.rounds);
    if (!rounds.length) return;
    const { p, low, high } = significance(rounds);
    found.push({ where, difference, p, low, high, n: part.images(judgements.length) });
  });
  const corrected = holm(found.map((test) => test.p));
  return found.map(({ where, difference, p, low, high, n }, i) => ({
    metric: "recall",
    of: [],
    ...where,
    difference: six(difference),
    low: six(low),
    high: six(high),
    p: six(p),
    corrected: six(corrected[i]),
    n,
  }));
}

// Judgements, and right ones, of a group in every round.
function byRound(part, judgements) {
  const { bags, rounds, weights } = part.draws;
  const all = new Float64Array(bags);
  const right = new Float64Array(bags);
  for (const judgement of judgements) {
    all[part.bagOf(judgement)] += 1;
    if (isHit(judgement)) right[part.bagOf(judgement)] += 1;
  }
  const out = { all: new Float64Array(rounds), right: new Float64Array(rounds) };
  for (let round = 0; round < rounds; round++) {
    for (let bag = 0; bag < bags; bag++) {
      const weight = weights[round * bags + bag];
      out.all[round] += weight * all[bag];
      out.right[round] += weight * right[bag];
    }
  }
  return out;
}

function differences(counts, place, rounds) {
  const found = [];
  for (let round = 0; round < rounds; round++) {
    let all = 0;
    let right = 0;
    counts.forEach((count, i) => {
      if (i === place) return;
      all += count.all[round];
      right += count.right[round];
    });
    const own = ratio(counts[place].right[round], counts[place].all[round]);
    const others = ratio(right, all);
    if (own !== NONE && others !== NONE) found.push(own - others);
  }
  return found;
}
