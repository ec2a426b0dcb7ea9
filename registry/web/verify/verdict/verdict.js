// The verdict in a sentence: the rules of docs/claims.md, "The verdict in a sentence", and the words of verdict.toml.
import { fillIn } from "../bytes/bytes.js";
import { WORDS } from "../words.js";
import { both, claimText, counted, figureText, joined, LANGUAGES, part, plain } from "./text.js";

const STATES = ["supported", "seen", "refuted", "undecided"];
const OF_WORD = { supported: "supported", "supported on seen images": "seen", refuted: "refuted" };
const INFERRED = "inferred_attribute";
const SUPPORTS = ["supported", "seen"];
const MAX_CHECKS = 5;
const MAX_AGES = 10;
const MAX_NAMED = 3;

export function stateOf(claim) {
  return claim.value === null ? "undecided" : (OF_WORD[claim.verdict] ?? "undecided");
}

function claimPart(claim) {
  const text = claimText(claim);
  if (claim.value === null) {
    const reason = claim.reason ?? "not_compared";
    const why = Object.hasOwn(WORDS.why, reason) ? WORDS.why[reason] : both(reason);
    return part("headline", "no_figure", { claim: text, reason: why.map(plain) });
  }
  const images = claim.n === null ? "–" : counted("images", claim.n);
  if (claim.reason === INFERRED && stateOf(claim) === "undecided") {
    const of = { figure: figureText(claim, claim.threshold), images, reason: WORDS.why[INFERRED].map(plain) };
    return part("headline", "inferred", { claim: text, ...of });
  }
  const key = isCorrected(claim) ? "corrected" : stateOf(claim);
  return part("headline", key, { claim: text, figure: figureText(claim, claim.threshold), images });
}

// Undecided by the correction for the number of tests alone.
const isCorrected = (claim) => stateOf(claim) === "undecided" && SUPPORTS.includes(OF_WORD[claim.alone]);

/** Where a claim is supported, or would be: whether that is corrected for attempts, claims of one plan, or both. */
function correctionPart({ claims, attempts, correction }) {
  if (!correction || !(claims ?? []).some((claim) => SUPPORTS.includes(stateOf(claim)) || isCorrected(claim))) return [];
  if (!attempts) return correction === "none" ? [] : [part("part", "correction_open")];
  if (attempts.count <= 1 && claims.length <= 1) return [];
  const [times, each] = [counted("attempts", attempts.count), counted("claims", claims.length)];
  const both = times.map((text, at) => `${text} × ${each[at]}`);
  const tests = claims.length === 1 ? times : attempts.count === 1 ? each : both;
  return [part("part", correction === "none" ? "correction_none" : "correction_holm", { tests })];
}

function headline(facts) {
  const { claims, failed } = facts;
  if (facts.records === "broken") {
    const checks = failed.slice(0, MAX_CHECKS).join(", ") + (failed.length > MAX_CHECKS ? ", …" : "");
    return part("headline", facts.type === "release" ? "broken" : "broken_other", { checks });
  }
  if (claims === null) return recordsPart(facts);
  if (claims.length === 1) return claimPart(claims[0]);
  if (!claims.length) return part("headline", "none");
  const each = STATES.map((state) => [state, claims.filter((claim) => stateOf(claim) === state)])
    .filter(([, found]) => found.length)
    .map(([state, found]) => {
      const named = claims.length <= MAX_NAMED ? ` (${found.map(claimText).join(", ")})` : "";
      return counted(state, found.length).map((text) => text + named);
    });
  return part("headline", "several", { count: counted("claims", claims.length), each: joined(each) });
}

function recordsPart(facts) {
  const levels = { levels: facts.levels.join(", ") };
  if (isUnsigned(facts)) return part("part", "unsigned", levels);
  return facts.records === "consistent" ? part("part", "consistent", levels) : part("part", facts.records);
}

// An audit looked at the records and was not asked for their signatures.
const isUnsigned = ({ records, levels }) => records === "unchecked" && levels.length > 0;

const isAudited = ({ records, levels }) => records === "consistent" && levels.includes(6);

/** Whether claims are no more than what somebody states. */
function isStated(facts) {
  if (facts.records === "undecided") return Boolean(facts.claims && facts.claims.length);
  return !facts.local && facts.claims !== null && facts.records !== "broken" && !isAudited(facts);
}

/** What must be said before any claim. */
function caveat(facts) {
  if (!isStated(facts)) return [];
  return [facts.records === "undecided" ? recordsPart(facts) : part("headline", "stated")];
}

function attemptPart({ attempts, claims, attempts_stated }) {
  const form = attempts.count === 1 ? "only" : "several";
  const key = form + (claims && !claims.length ? "_without" : "") + (attempts_stated ? "_stated" : "");
  return { code: "attempt", texts: WORDS.attempts[key].map((text) => fillIn(text, attempts)) };
}

function basis({ images, persons, groups, attributes }) {
  const found = [];
  if (images !== null) {
    const of = { images: counted("images", images) };
    if (persons !== null) found.push(part("part", "rests_on_persons", { ...of, persons: counted("persons", persons) }));
    else if (groups !== null) found.push(part("part", "rests_on_groups", { ...of, groups: counted("groups", groups) }));
    else found.push(part("part", "rests_on", of));
  }
  if (attributes === null) return found;
  const quoted = attributes.map((name) => `«${name}»`); // the record's own words, among Spanish ones
  const named = [attributes, quoted].map((names) => plain(names.join(", ")));
  if (attributes.length) found.push(part("part", "compared", { attributes: named }));
  else found.push(part("part", "classes_only"));
  return found;
}

function more(facts) {
  const claims = facts.claims ?? [];
  const found = claims.length > 1 ? claims.map(claimPart) : [];
  for (const claim of claims) {
    if (claim.needed === null || stateOf(claim) !== "undecided") continue;
    found.push(part("part", "needed", { count: String(claim.needed), claim: claimText(claim) }));
  }
  found.push(...correctionPart(facts), ...basis(facts));
  const hasClaims = facts.claims !== null;
  const isConsistent = facts.records === "consistent";
  if (hasClaims && (isConsistent || isUnsigned(facts) || !isStated(facts))) found.push(recordsPart(facts));
  if (facts.images_open && isConsistent) found.push(part("part", "images_open"));
  if ((isConsistent || isUnsigned(facts)) && hasClaims && !facts.levels.includes(6))
    found.push(part("part", "not_recomputed"));
  if (["proven", "stamped", "journal", "unasked"].includes(facts.order)) found.push(part("part", `order_${facts.order}`));
  if (["unknown", "partly"].includes(facts.base)) found.push(part("part", `base_${facts.base}`));
  if (facts.withdrawn_snapshot) found.push(part("part", "withdrawn_snapshot"));
  if (facts.withdrawn_images) found.push(part("part", "withdrawn_images", { count: String(facts.withdrawn_images) }));
  if (facts.attempts) found.push(attemptPart(facts));
  const { abandoned } = facts;
  if (facts.attempts && abandoned.length && !facts.attempts_stated) {
    const days = abandoned.slice(0, MAX_AGES).join(", ") + (abandoned.length > MAX_AGES ? ", …" : "");
    found.push(part("part", "abandoned", { plans: counted("earlier", abandoned.length), days }));
  }
  return found;
}

// What a file is, where it is not a whole release: then nothing is said of any record.
function partOfFile({ file, kind }) {
  if (file !== "other") return part("headline", file);
  const named = Object.hasOwn(WORDS.kind, kind ?? "") ? WORDS.kind[kind] : null;
  return named ? part("headline", "other", { kind: named }) : part("headline", "other_unknown");
}

function stateOfAll(facts) {
  if (facts.file !== null) return "unusable";
  if (facts.records === "broken") return "broken";
  if (isStated(facts)) return "stated";
  const states = new Set((facts.claims ?? []).map(stateOf));
  return states.size > 1 ? "mixed" : states.size ? [...states][0] : "none";
}

const NO_CLAIM = { value: null, low: null, high: null, needed: null, reason: null, n: null, alone: null };
const NOTHING = {
  type: "release",
  file: null,
  kind: null,
  claims: null,
  images: null,
  persons: null,
  groups: null,
  attributes: null,
  attempts: null,
  correction: null,
  abandoned: [],
  attempts_stated: false,
  base: null,
  order: null,
  records: "unchecked",
  failed: [],
  levels: [],
  images_open: false,
  local: true,
  withdrawn: false,
  withdrawn_snapshot: false,
  withdrawn_images: 0,
};

/** {state, records, parts: [{code, texts}], head}: `head` of the parts are the short form. */
export function verdictOf(given) {
  const facts = { ...NOTHING, ...given };
  if (facts.claims) facts.claims = facts.claims.map((claim) => ({ ...NO_CLAIM, ...claim }));
  const withdrawn = facts.withdrawn ? [part("headline", "withdrawn")] : [];
  const head = facts.file !== null ? [partOfFile(facts)] : [...withdrawn, ...caveat(facts), headline(facts)];
  const isEnd = facts.file !== null || head[head.length - 1].code.startsWith("broken");
  const parts = [...head, ...(isEnd ? [] : more(facts))];
  return { state: stateOfAll(facts), records: facts.records, parts, head: head.length };
}

/** The document that `emotionet audit --json` has under `verdict`. */
export function verdictDocument(verdict) {
  const said = (parts) =>
    Object.fromEntries(LANGUAGES.map((language, at) => [language, parts.map(({ texts }) => texts[at]).join(" ")]));
  return {
    state: verdict.state,
    records: verdict.records,
    ...said(verdict.parts),
    short: said(verdict.parts.slice(0, verdict.head)),
    parts: verdict.parts.map((one) => ({ code: one.code, ...said([one]) })),
  };
}
