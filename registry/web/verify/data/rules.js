// The rules of a snapshot: which rows of an image vote, what its rights demand (docs/format/data.md).
import { compareText, Refusal } from "../bytes/bytes.js";
import { normal } from "./labels.js";

const RULES = ["majority-v1", "newest-v1", "unanimous-v1", "trusted-v1"];
const NO = "no";
const MEANS = new Map([
  ["c2pa.training-mining", { allowed: "yes", notRead: "not_read" }],
  ["iptc.data-mining", { "DMI-ALLOWED": "yes", "DMI-UNSPECIFIED": "silent" }],
  ["tdm-reservation", { 0: "yes" }],
]);
const REFUSALS = ["no", "none", "refused", "denied", "withdrawn", "revoked", "false", "0"];
const STATED = ["c2pa.training-mining", "iptc.data-mining", "tdm-reservation", "licence-text"];
const PICTURE = "picture.";
export const SIGNALS = [...STATED, ...STATED.map((name) => PICTURE + name)];

export const sorted = (texts) => [...new Set(texts)].sort(compareText);
export const given = (rows, field) => rows.map((row) => row[field]).filter((value) => value !== null);

export function checkRule(rule, trusted) {
  if (!RULES.includes(rule)) throw new Refusal("the snapshot's rule is not known");
  if ((rule === "trusted-v1") !== trusted.length > 0)
    throw new Refusal("the snapshot's rule and the labellers that it trusts do not belong together");
}

export function checkUse(use) {
  if (use === null) return;
  const isBlank = use.override !== null && normal(use.override) === "";
  if (isBlank || use.licences.join("\n") !== sorted(use.licences).join("\n"))
    throw new Refusal("what the snapshot demands of rights says nothing");
}

/** What one value of a signal says of training: no, yes, not_read or silent. */
export function meaningOf(signal, value) {
  const means = MEANS.get(signal.startsWith(PICTURE) ? signal.slice(PICTURE.length) : signal);
  if (!means) return "silent";
  const word = value.slice(value.lastIndexOf("/") + 1);
  return Object.hasOwn(means, word) ? means[word] : NO;
}

/** Every signal that any row gives, with its different values. */
export function rightsOf(rows) {
  const rights = Object.create(null);
  for (const name of sorted(rows.flatMap((row) => Object.keys(row.rights)))) {
    rights[name] = sorted(rows.filter((row) => name in row.rights).map((row) => row.rights[name]));
  }
  return rights;
}

/** [reason, detail] of the first demand that an image does not meet, or null. */
export function unmet(rows, use) {
  if (use === null) return null;
  if (use.override === null) {
    const said = Object.entries(rightsOf(rows)).flatMap(([signal, values]) => values.map((value) => [signal, value]));
    const refusals = said.filter(([signal, value]) => meaningOf(signal, value) === NO);
    if (refusals.length) return ["reserved", refusals.map((pair) => pair.join(" ")).join(", ")];
  }
  const licences = sorted(given(rows, "licence"));
  if (use.licences.length && !(licences.length && licences.every((one) => use.licences.includes(one))))
    return ["licence", licences.join(", ")];
  const consents = sorted(given(rows, "consent"));
  if (consents.some((one) => REFUSALS.includes(normal(one))) || (use.consent && !consents.length))
    return ["no_consent", consents.join(", ")];
  return null;
}

/** The rows that vote. */
export function votersOf(rows, rule, trusted) {
  if (rule === "trusted-v1")
    return rows.filter((row) => trusted.some(([issuer, name]) => issuer === row.issuer && name === row.contributor));
  if (rule !== "newest-v1") return rows;
  return rows.filter((row) => rows.every((other) => other.issuer !== row.issuer || other.place <= row.place));
}

/** [reason, detail] or [null, null, winner] of those that vote; `classOf` gives a row's class or null. */
export function judge(rows, rule, classes, classOf) {
  if (!rows.length) return ["not_trusted", ""];
  const votes = new Map();
  for (const index of rows.map(classOf)) if (index !== null) votes.set(index, (votes.get(index) ?? 0) + 1);
  if (!votes.size) return ["unknown_label", sorted(given(rows, "label")).join(", ")];
  const counts = [...votes.values()];
  const winners = [...votes.keys()].filter((index) => votes.get(index) === Math.max(...counts));
  const strangers = rule === "unanimous-v1" ? rows.length - counts.reduce((a, b) => a + b, 0) : 0;
  if (winners.length === 1 && !strangers && (rule !== "unanimous-v1" || votes.size === 1)) return [null, null, winners[0]];
  const said = [...votes.keys()]
    .sort((a, b) => a - b)
    .map((index) => `${classes[index] ?? "nothing"} ${votes.get(index)}`);
  return ["disagreement", [...said, ...(strangers ? [`no class ${strangers}`] : [])].join(", ")];
}
