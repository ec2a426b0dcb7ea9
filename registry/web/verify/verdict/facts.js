// Of what the verdict is made: a release's records, and what the checks said of them.
import { hex, Refusal } from "../bytes/bytes.js";
import { withdrawalsOf } from "../checks/withdrawals.js";
import { figureName } from "../figures/names.js";

const HOLDS = "holds";
const FAILS = "does not hold";
const OPEN = "not checked";
const OF_BEACONS = ["3.beacon", "3.drand"]; // with 3.order, one of them proves that the plan came first
const STAMPED = ["3.order", "3.evidence", "3.stamped"]; // together they show it by a clock that stamped it

function tried(make, otherwise) {
  try {
    return make();
  } catch (error) {
    if (error instanceof Refusal || error instanceof TypeError) return otherwise;
    throw error;
  }
}

/** `records` of the verdict: consistent, broken, or undecided (a newer program wrote something). */
export function recordsOf(checks, holds) {
  if (holds) return "consistent";
  const isWrong = checks.some(({ result }) => result === FAILS);
  return !isWrong && checks.some(({ isNewer }) => isNewer) ? "undecided" : "broken";
}

/** The facts of a verified file: `mayBeOpen` are ids of checks of levels 1 and 2 that need not be made. */
export function factsOf({ view, type, checks, holds, unusable }, mayBeOpen) {
  if (unusable) return { type, records: "unusable", ...unusable };
  const records = recordsOf(checks, holds);
  const result = new Map(checks.map((check) => [check.id, check.result]));
  let failed = checks.filter((check) => check.result === FAILS).map(({ id }) => id);
  if (records === "broken" && !failed.length) failed = checks.filter(({ isLacking }) => isLacking).map(({ id }) => id);
  if (records === "broken" && !failed.length) {
    failed = checks
      .filter((check) => /^[12]\./.test(check.id) && check.result === OPEN && !mayBeOpen.includes(check.id))
      .map(({ id }) => id);
  }
  const isStamped = STAMPED.every((id) => result.get(id) === HOLDS);
  const beacons = isStamped ? ["3.beacon"] : OF_BEACONS; // a stamp and a round of drand take the word of a clock
  const isProven = result.get("3.order") === HOLDS && beacons.some((id) => result.get(id) === HOLDS);
  const levels = [1, 2, 3, 4, 6].filter((level) =>
    level === 3 ? isProven || isStamped : checks.some((check) => check.id.startsWith(`${level}.`) && check.result !== OPEN),
  );
  const of = view === null ? {} : tried(() => releaseFacts(view, type), {});
  return {
    ...of,
    type,
    records,
    failed,
    levels,
    order: !of.order ? null : isProven ? "proven" : isStamped ? "stamped" : of.order,
    attempts_stated: result.get("4.attempts") !== HOLDS,
    images_open: result.get("1.images") === OPEN,
  };
}

function releaseFacts(view, type) {
  const { target, snapshot, images } = tried(() => withdrawalsOf(view), {
    target: false,
    snapshot: false,
    images: new Set(),
  });
  if (type !== "release") return { withdrawn: target };
  view.needAll();
  const { release, evaluation, plan, draw } = view;
  const sizes = new Map(
    [...evaluation.fairness, ...evaluation.metrics].map((figure) => [figureName(figure), figure.n]),
  );
  return {
    claims: release.claims.map((claim, at) => {
      const alone = evaluation.verdicts[at]?.verdict ?? claim.verdict;
      return { ...claim, n: sizes.get(claim.metric) ?? null, alone: alone === claim.verdict ? null : alone };
    }),
    correction: plan.correction,
    images: sizes.get("accuracy") ?? null,
    ...tried(() => people(view), { persons: null, groups: null }),
    attributes: compared(evaluation.notes),
    attempts: release.attempts,
    base: baseOf(plan),
    order: draw.beacons.length ? "unasked" : "journal",
    withdrawn: target,
    withdrawn_snapshot: snapshot,
    withdrawn_images: tried(() => view.items.filter((row) => images.has(hex(row.sha256))).length, 0),
  };
}

/** Whom the judged images show: persons (null where an image has no subject), and groups. */
function people(view) {
  const subjects = new Set(view.kept.map((row) => view.itemByImage.get(hex(row.sha256)).subject));
  const groups = new Set(view.kept.map((row) => hex(row.group)));
  return { persons: subjects.has(null) || !subjects.size ? null : subjects.size, groups: groups.size };
}

function compared(notes) {
  for (const { code, values } of notes) {
    if (code === "classes_only") return [];
    if (code === "compared") return Array.isArray(values.attributes) ? values.attributes.map(String) : [];
  }
  return null;
}

function baseOf({ base, origin }) {
  if (base === null) return null;
  if (origin === null || origin.seen === null) return "unknown";
  return origin.whole ? "known" : "partly";
}
