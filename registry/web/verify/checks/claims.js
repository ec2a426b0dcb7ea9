// Whether a claim is about something that the items have (docs/claims.md).
import { Refusal } from "../bytes/bytes.js";
import { figureName } from "../figures/names.js";

const PLAIN = (
  "accuracy pr_auc map50 map50_95 false_alarm_rate macro_f1 micro_f1 weighted_f1 macro_precision " +
  "micro_precision weighted_precision macro_recall micro_recall weighted_recall"
).split(" ");
const OF_CLASS = ["ap", "ap50", "ap50_95", "f1", "recall", "precision"];
const OF_GROUP = ["f1", "recall", "precision"];
const OF_BOTH = ["selection", "recall", "precision", "fpr"];
const GAPS = [
  "recall_gap",
  "worst_recall",
  ...["demographic_parity", "equal_opportunity", "equalized_odds"].flatMap((name) => [
    `${name}_difference`,
    `${name}_ratio`,
  ]),
];

/** Words and signs of a name: words are {word}, signs texts; null where it is no name. */
function tokensOf(name) {
  const tokens = [];
  const pattern = /"((?:[^"\\\n]|\\.)*)"|([(),=&])|([^"(),=&]+)/gy;
  let at = 0;
  for (const found of name.matchAll(pattern)) {
    if (found.index !== at) return null;
    at += found[0].length;
    if (found[2]) tokens.push(found[2]);
    else if (found[1] === undefined) {
      if (found[3].trim()) tokens.push({ word: found[3].trim() });
    } else {
      try {
        tokens.push({ word: JSON.parse(found[0]) });
      } catch {
        return null;
      }
    }
  }
  return at === name.length ? tokens : null;
}

/** The parts of a figure's name: {metric, of, group, class}; null where it is no name of a figure. */
export function partsOf(name) {
  const tokens = tokensOf(name);
  if (!tokens || !tokens[0]?.word) return null;
  const metric = tokens[0].word;
  if (tokens.length === 1) return { metric, of: [], group: {}, class: null };
  if (tokens[1] !== "(" || tokens[tokens.length - 1] !== ")") return null;
  const inner = tokens.slice(2, -1);
  const comma = inner.indexOf(",");
  const first = comma < 0 ? inner : inner.slice(0, comma);
  const last = comma < 0 ? [] : inner.slice(comma + 1);
  if (last.length > 1 || (comma >= 0 && !last[0]?.word && last[0]?.word !== "")) return null;
  const cls = comma < 0 ? null : last[0].word;
  const parts = [[]];
  for (const token of first) token === "&" ? parts.push([]) : parts[parts.length - 1].push(token);
  if (first.includes("=")) return groupParts(metric, parts, cls);
  if (comma >= 0 || !parts.every((part) => part.length === 1 && part[0].word !== undefined)) return null;
  const words = parts.map(([token]) => token.word);
  if (GAPS.includes(metric)) return { metric, of: words, group: {}, class: null };
  return words.length === 1 ? { metric, of: [], group: {}, class: words[0] } : null;
}

function groupParts(metric, parts, cls) {
  const group = Object.create(null);
  for (const part of parts) {
    if (part.length !== 3 || part[1] !== "=" || part[0].word in group) return null;
    group[part[0].word] = part[2].word;
  }
  return { metric, of: [], group, class: cls };
}

/** Refuses what is not the one name of a figure. */
export function checkName(name) {
  const parts = partsOf(name);
  if (!parts || figureName(parts) !== name) throw new Refusal("the claim is not valid");
}

/** Whether a claim's figure is one that can be, of a class, group or attributes that the items have. */
export function isAboutItems(name, view) {
  const parts = partsOf(name);
  if (!parts || figureName(parts) !== name) return false;
  const { metric, of, group, class: cls } = parts;
  const {
    items,
    snapshot: { classes },
  } = view;
  const names = Object.keys(group);
  if (cls !== null && !classes.includes(cls)) return false;
  if (of.length) {
    if (of.length === 1 && of[0] === "class") return metric === "recall_gap" || metric === "worst_recall";
    return of.length <= 2 && of.every((attribute) => items.some((row) => Object.hasOwn(row.attributes, attribute)));
  }
  if (!names.length) return cls === null ? PLAIN.includes(metric) : OF_CLASS.includes(metric);
  if (!(cls === null ? OF_GROUP : OF_BOTH).includes(metric) || names.length > 2) return false;
  return items.some((row) =>
    names.every((key) => Object.hasOwn(row.attributes, key) && row.attributes[key] === group[key]),
  );
}
