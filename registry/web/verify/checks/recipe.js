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
  if (typeof value !== "string" || !/^\d+(\.\d{1,6})?$/.test(value) || value.length > 20) refuse(key);
  const [digits, decimals = ""] = value.split(".");
  const millionths = Number(digits) * 1_000_000 + Number(decimals.padEnd(6, "0"));
  if (millionths > 1_000_000) refuse(key);
  return millionths;
}

/** {k, repeats, rounds, minGroup, rule: {name, threshold, floor, k}}. */
export function readRecipe({ folds, evaluation }) {
  const k = whole(folds, "k", 2, 100);
  const repeats = whole(folds, "repeats", 1, 100);
  if (k * repeats > 100) refuse("repeats");
  const rounds = whole(evaluation, "rounds", 1000, 2000);
  const minGroup = whole(evaluation, "min_group", 1, 1000);
  if (evaluation.confidence !== "0.95") refuse("confidence");
  const name = evaluation.threshold_rule;
  if (name !== "fixed" && name !== "other_folds") refuse("threshold_rule");
  const rule = { name, threshold: share(evaluation, "threshold"), floor: share(evaluation, "floor"), k };
  if (rule.floor > rule.threshold) refuse("floor");
  return { k, repeats, rounds, minGroup, rule };
}
