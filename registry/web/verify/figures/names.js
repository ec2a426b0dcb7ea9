// Names of figures: METRIC, METRIC(CLASS), METRIC(ATTR=VALUE & ..., CLASS).
import { compareText } from "../bytes/bytes.js";

const INVISIBLE = "\\u0000-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff\\ud800-\\udfff";
const QUOTED = new RegExp(`[()=&,<>"\\\\]|[${INVISIBLE}]|^ | $|^$`, "u");
const ESCAPED = new RegExp(`[${INVISIBLE}]`, "gu");
const SHORT = { "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A word as it stands in a name: bare, or as a string of JSON. */
export function quoted(word) {
  if (!QUOTED.test(word)) return word;
  const inner = word
    .replace(/["\\]/g, "\\$&")
    .replace(ESCAPED, (sign) => SHORT[sign] ?? "\\u" + sign.charCodeAt(0).toString(16).padStart(4, "0"));
  return `"${inner}"`;
}

export function groupName(group) {
  return Object.keys(group)
    .sort(compareText)
    .map((name) => `${quoted(name)}=${quoted(group[name])}`)
    .join(" & ");
}

export function figureName({ metric, of, group, class: cls }) {
  const parts = of.length ? [of.map(quoted).join(" & ")] : [];
  if (Object.keys(group).length) parts.push(groupName(group));
  if (cls !== null) parts.push(quoted(cls));
  return parts.length ? `${metric}(${parts.join(", ")})` : metric;
}
