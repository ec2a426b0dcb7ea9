// The record's `notes`: what the figures do not say.
import { compare, frac, least, parse, six } from "./fraction.js";
import { figureName, groupName, quoted } from "./names.js";
import { personsIn } from "./part.js";
import { sourcesNote } from "./sources.js";

const note = (code, values = {}) => ({ code, values });
const millionths = (value) => six(frac(value, 1_000_000));

/** `groupings` are those that are compared, and names of the others; `plan` is what the evaluation was set up with. */
export function notesOf(part, fairness, { kept, left }, plan) {
  const { rule } = plan;
  const images = [...new Set(part.judgements.map((judgement) => judgement.image))];
  const attributesOf = part.setup.attributesOf;
  const declared = plan.groups.filter(
    (name) =>
      new Set(
        images
          .map((image) => attributesOf(image))
          .filter((of) => Object.hasOwn(of, name))
          .map((of) => of[name]),
      ).size > 1,
  );
  const notes = [declared.length ? note("compared", { attributes: declared.map(quoted) }) : note("classes_only")];
  const missing = fairness.filter(
    ({ metric, value, group, class: cls }) =>
      (metric === "recall" || metric === "recall_gap") &&
      value === null &&
      !(Object.keys(group).length && cls !== null),
  );
  if (missing.length) {
    notes.push(note("not_estimable", { figures: missing.map(figureName), images: missing.map((figure) => figure.n) }));
  }
  notes.push(...baseNotes(plan), ...thinClasses(part, rule.k));
  if (left.length) notes.push(note("not_compared", { groupings: left }));
  for (const grouping of kept.filter(({ of }) => of.length === 1)) {
    notes.push(...attributeNotes(grouping.of[0], images, attributesOf, fairness), ...sourcesNote(part, grouping));
  }
  notes.push(note("balance"));
  notes.push(
    plan.final === "refit"
      ? note("procedure_refit")
      : note("procedure_fold", { fold: Number(plan.final.slice("fold:".length)) }),
  );
  notes.push(
    rule.name === "fixed"
      ? note("threshold_fixed", { threshold: millionths(rule.threshold) })
      : note("threshold_other_folds", { floor: millionths(rule.floor), threshold: millionths(rule.threshold) }),
  );
  notes.push(note("areas"), note("intervals"));
  if (part.persons.length > 1024) notes.push(note("bags", { groups: part.persons.length, bags: 1024 }));
  if (part.hasManySteps) notes.push(note("area_steps", { steps: Math.max(64, Math.floor(1024 / part.classes)) }));
  return notes;
}

function baseNotes({ origin }) {
  if (!origin) return [];
  const { seen, whole } = origin;
  if (!seen) return [note("base_unknown")];
  const known = whole ? "" : "_known";
  const isSome = seen.images > 0 || seen.persons > 0 || seen.nearDuplicates > 0;
  const first = isSome
    ? note("base_seen" + known, { images: seen.images, persons: seen.persons, near_duplicates: seen.nearDuplicates })
    : note("base_seen_none" + known);
  return [first, note("base_outside")];
}

function thinClasses(part, k) {
  const found = { classes: [], images: [], groups: [] };
  part.setup.names.forEach((name, c) => {
    const of = part.judgements.filter((judgement) => judgement.truth === c);
    const images = new Set(of.map((judgement) => judgement.image)).size;
    const groups = personsIn(of);
    if (images >= k && groups >= k) return;
    found.classes.push(quoted(name));
    found.images.push(images);
    found.groups.push(groups);
  });
  return found.classes.length ? [note("thin_classes", { folds: k, ...found })] : [];
}

function attributeNotes(name, images, attributesOf, fairness) {
  const notes = [];
  const without = images.filter((image) => !Object.hasOwn(attributesOf(image), name)).length;
  if (without) notes.push(note("undeclared", { attribute: quoted(name), images: without }));
  const recalls = fairness.filter(
    ({ metric, group, class: cls, value }) =>
      metric === "recall" &&
      cls === null &&
      value !== null &&
      Object.keys(group).length === 1 &&
      Object.hasOwn(group, name),
  );
  if (recalls.length < 2) return notes;
  const lowest = least(recalls.map((figure) => parse(figure.value)));
  const groups = recalls
    .filter((figure) => compare(parse(figure.value), lowest) === 0)
    .map(({ group }) => groupName(group));
  return [...notes, note("lowest_recall", { attribute: quoted(name), groups, recall: six(lowest) })];
}
