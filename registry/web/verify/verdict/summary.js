// All that a page shows of a verified file, as plain values that can be sent from a worker.
import { Refusal } from "../bytes/bytes.js";
import { MAY_BE_OPEN } from "../checks/run.js";
import { figureName } from "../figures/names.js";
import { factsOf } from "./facts.js";
import { verdictDocument, verdictOf } from "./verdict.js";

const SHOWN = ["macro_f1", "accuracy", "pr_auc", "map50", "recall_gap"];

/** {checks, holds, target, type, issuer, entry, verdict, release}; `release` only where its records are consistent. */
export function summaryOf(result) {
  const { checks, holds, target, type, issuer, entry, view } = result;
  const verdict = verdictOf(factsOf(result, MAY_BE_OPEN));
  return {
    checks: checks.map(({ id, result: outcome, template, values, reason }) => ({
      id,
      result: outcome,
      template,
      values,
      reason,
    })),
    holds,
    target: target && target.text,
    type,
    issuer,
    entry: entry && entry.text,
    verdict: verdictDocument(verdict),
    parts: verdict.parts.map(({ code, texts }) => ({ code, texts })),
    head: verdict.head,
    release: type === "release" && holds ? tried(() => releaseOf(view)) : null,
  };
}

function tried(make) {
  try {
    return make();
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

function releaseOf(view) {
  const { release, plan, recipe, snapshot, evaluation } = view;
  const isShown = ({ metric, class: cls }) => SHOWN.includes(metric) || (metric === "recall" && cls !== null);
  return {
    recipe: recipe.name,
    method: `${plan.method.id} ${plan.method.version}`,
    licence: release.licence,
    classes: snapshot.classes,
    items: view.items.length,
    kept: view.kept.length,
    claims: release.claims,
    figures: evaluation.metrics.filter(isShown).map((figure) => ({ ...figure, name: figureName(figure) })),
    confusion: evaluation.confusion,
  };
}
