// The snapshot's rule: which contributions' rows make which items (docs/format/data.md).
import { equal } from "../bytes/equal.js";
import { Refusal, compareText, hex } from "../bytes/bytes.js";
import { CID, cidOfBytes } from "../bytes/cid.js";
import { isInteger, isMap } from "./kinds.js";
import { normal } from "./labels.js";
import { SIGNALS, checkRule, checkUse, given, judge, rightsOf, sorted, unmet, votersOf } from "./rules.js";

const TEXTS = ["label", "issuer", "contributor", "subject", "licence", "consent"];

export function checkClasses(classes, aliases) {
  if (new Set(classes).size !== classes.length) throw new Refusal("a class stands twice in the snapshot");
  for (const alias in aliases) {
    const index = aliases[alias];
    if (!isInteger(index) || index < -1 || index >= classes.length) throw new Refusal("an alias of no class");
    if (normal(alias) !== alias) throw new Refusal("an alias that is not written as labels are compared");
  }
  classes.forEach((name, index) => {
    if (aliases[normal(name)] !== index) throw new Refusal("a class that is not among its own aliases");
  });
}

const isTextOrTexts = (value) =>
  typeof value === "string" || (Array.isArray(value) && value.every((member) => typeof member === "string"));
const meets = (given, wanted) =>
  typeof given === "string" && (typeof wanted === "string" ? given === wanted : wanted.includes(given));

function checkQuery(query) {
  for (const part in query) {
    const value = query[part];
    const isFine = TEXTS.includes(part)
      ? isTextOrTexts(value)
      : part === "attributes"
        ? isMap(value) && Object.values(value).every(isTextOrTexts)
        : part === "rights"
          ? isMap(value) &&
            Object.keys(value).every((name) => SIGNALS.includes(name)) &&
            Object.values(value).every(isTextOrTexts)
          : part === "speakers"
            ? Array.isArray(value) &&
              value.every(
                (pair) => Array.isArray(pair) && pair.length === 2 && pair.every((name) => typeof name === "string"),
              )
            : part === "images"
              ? value instanceof CID
              : part === "snapshot" && typeof value === "string" && "images" in query;
    if (!isFine) throw new Refusal("the snapshot's query has a part that is not known");
  }
}

function isWanted(query, chosen, row) {
  return Object.keys(query).every((part) => {
    const value = query[part];
    if (part === "images") return chosen.has(hex(row.sha256));
    if (part === "snapshot") return true;
    if (part === "speakers") return value.some(([issuer, name]) => issuer === row.issuer && name === row.contributor);
    if (TEXTS.includes(part)) return meets(row[part], value);
    return Object.keys(value).every((name) => Object.hasOwn(row[part], name) && meets(row[part][name], value[name]));
  });
}

const speakerOf = (row) => [hex(row.sha256), row.issuer, row.contributor].join("\u0000");

/** The newest row of each (image, issuer, contributor); a row that another one names as replaced may not be newest. */
export function newestRows(contributions) {
  const newest = new Map();
  const replaced = new Set();
  for (const [place, { cid, issuer, rows }] of contributions.entries()) {
    for (const row of rows) {
      const speaker = speakerOf({ ...row, issuer });
      if (row.replaces) replaced.add(speaker + "\u0000" + hex(row.replaces));
      newest.set(speaker, { ...row, issuer, place, cidOfContribution: cid });
    }
  }
  for (const [speaker, { cidOfContribution: cid }] of newest) {
    if (cid && replaced.has(speaker + "\u0000" + hex(cid.bytes))) {
      throw new Refusal("a row counts as the newest although a later one corrects it");
    }
  }
  return [...newest.values()];
}

const smallest = (texts) => texts.reduce((a, b) => (a === null || compareText(b, a) < 0 ? b : a), null);

/** {items, excluded}, each sorted, from rows by contribution; `isWithdrawn` and `isMissing` are asked by image, and
 * `chosen` has the sha256s, in hex, of the table that the query's `images` links to. */
export function decide(of) {
  const { classes, aliases, query, chosen = null, rule, trusted = [], use = null } = of;
  const { contributions, isWithdrawn, isMissing } = of;
  checkRule(rule, trusted);
  checkUse(use);
  checkClasses(classes, aliases);
  checkQuery(query);
  const images = new Map();
  const aside = new Map();
  for (const row of newestRows(contributions)) {
    const [name, into] = [hex(row.sha256), isWanted(query, chosen, row) ? images : aside];
    into.set(name, [...(into.get(name) ?? []), row]);
  }
  const items = [];
  const excluded = [];
  for (const name of [...images.keys()].sort()) {
    const rows = images.get(name);
    rows.sort((a, b) => compareText(a.issuer, b.issuer) || compareText(a.contributor, b.contributor));
    const voters = votersOf(rows, rule, trusted);
    const about = use === null ? rows : [...rows, ...(aside.get(name) ?? [])];
    const [reason, detail, winner] =
      (isWithdrawn(rows) ? ["withdrawn", ""] : isMissing(rows) ? ["no_bytes", ""] : unmet(about, use)) ??
      judge(voters, rule, classes, (row) => classOf(row, aliases));
    if (reason) excluded.push({ sha256: rows[0].sha256, reason, detail });
    else items.push({ ...itemOf(voters, winner, classes, aliases), rights: rightsOf(about) });
  }
  return { items, excluded };
}

function classOf(row, aliases) {
  const name = normal(row.label);
  return name in aliases ? aliases[name] : null;
}

function itemOf(rows, winner, classes, aliases) {
  const attributes = Object.create(null);
  const sources = Object.create(null);
  const names = (field) => sorted(rows.flatMap((row) => Object.keys(row[field])));
  for (const name of names("attributes")) {
    const values = rows.filter((row) => name in row.attributes);
    attributes[name] = smallest(values.map((row) => row.attributes[name]));
    const source = smallest(
      values
        .filter((row) => row.attributes[name] === attributes[name] && name in row.sources)
        .map((row) => row.sources[name]),
    );
    if (source !== null) sources[name] = source;
  }
  const boxed = winner === -1 ? undefined : rows.find((row) => classOf(row, aliases) === winner && row.boxes.length);
  return {
    sha256: rows[0].sha256,
    image: cidOfBytes(rows[0].cid),
    size: rows[0].size,
    label: winner === -1 ? null : classes[winner],
    contributors: sorted(given(rows, "contributor")),
    subject: smallest(given(rows, "subject")),
    attributes,
    licence: smallest(given(rows, "licence")),
    boxes: boxed ? boxed.boxes : [],
    sources,
  };
}

/** The first row that differs between what is stated and what follows; null where none does. */
export function firstDifference(stated, computed) {
  const length = Math.max(stated.length, computed.length);
  for (let i = 0; i < length; i++) {
    if (i >= stated.length || i >= computed.length || !equal(stated[i], computed[i])) {
      return hex((stated[i] ?? computed[i]).sha256);
    }
  }
  return null;
}
