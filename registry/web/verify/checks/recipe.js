// What an evaluation takes from a recipe's values, within the bounds that keep it computable.
import { Refusal } from "../bytes/bytes.js";

const refuse = (name) => {
  throw new Refusal("the recipe's {name} is out of bounds", { name });
};

function whole(section, key, least, most) {
  const value = section && section[key];
  if (!Number.isInteger(value) || value < least || value > most) refuse(key);
  return value;
}

/** A decimal from 0 to 1, in millionths. */
function share(section, key) {
  const value = section && section[key];
  if (typeof value !== "string" || !/^(0(\.\d{1,6})?|1(\.0{1,6})?)$/.test(value)) refuse(key);
  return Number(value.replace(".", "").padEnd(7, "0"));
}

/** {k, repeats} */
export function readFolds({ folds }) {
  const k = whole(folds, "k", 2, 100);
  const repeats = whole(folds, "repeats", 1, 100);
  if (k * repeats > 100) refuse("repeats");
  return { k, repeats };
}

/** {name, threshold, floor}, the last two in millionths. */
export function readRule({ evaluation }) {
  const name = evaluation && evaluation.threshold_rule;
  if (name !== "fixed" && name !== "other_folds") refuse("threshold_rule");
  const rule = { name, threshold: share(evaluation, "threshold"), floor: share(evaluation, "floor") };
  if (rule.floor > rule.threshold) refuse("floor");
  return rule;
}

/** {k, repeats, rounds, minGroup, rule: {name, threshold, floor, k}}. */
export function readRecipe(values) {
  const { k, repeats } = readFolds(values);
  const rule = { ...readRule(values), k };
  const { evaluation } = values;
  const rounds = whole(evaluation, "rounds", 1000, 2000);
  const minGroup = whole(evaluation, "min_group", 1, 1000);
  if (evaluation.confidence !== "0.95") refuse("confidence");
  return { k, repeats, rounds, minGroup, rule };
}
