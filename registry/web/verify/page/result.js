// What is shown of a verified file: the verdict, what it rests on, every check, and what this does not show.
import { claimText, figureText, plain } from "../verdict/text.js";
import { stateOf } from "../verdict/verdict.js";
import { element, shortened } from "./dom.js";
import { at, number, reason, t, title, whole } from "./words.js";

const MARKS = { holds: "good", "does not hold": "bad", "not checked": "open" };
const KIND_OF_STATE = {
  supported: "good",
  refuted: "bad",
  undecided: "open",
  seen: "open",
  mixed: "open",
  none: "open",
  stated: "open",
  broken: "bad",
  unusable: "bad",
};

const TYPES = ["release", "snapshot"]; // that have words
const FIRST = 3; // failing checks that are named beside the verdict

/** The verdict, big; then the sentences that belong to it, or the first checks that do not hold. */
export function verdictCard({ verdict, parts, head, checks }) {
  const { state, records } = verdict;
  const { count, claims } = refutedOf(parts);
  const hides = state === "mixed" && count > 0; // of several claims, one that is refuted is what must be seen
  const kind = hides ? "bad" : KIND_OF_STATE[state];
  const ofRecords = records === "consistent" ? "good" : records === "broken" ? "bad" : "open";
  const badges = element(
    "p",
    { class: "badges" },
    element("span", { class: `badge ${kind}` }, hides ? t("refuted_of", { count, claims }) : t(`state_${state}`)),
    records === "unusable" ? null : element("span", { class: `badge ${ofRecords}` }, t(`records_${records}`)),
  );
  const first = parts.slice(0, head).map(({ texts }) => element("p", { class: "headline" }, at(texts)));
  const rest = parts.slice(head).map(({ texts }) => element("li", {}, at(texts)));
  const failing = checks.filter(({ result }) => result === "does not hold").slice(0, FIRST);
  const why = failing.map((check) =>
    element(
      "li",
      {},
      element("code", {}, check.id),
      ` ${title(check.id)}: `,
      element("b", {}, t("bad")),
      `. ${reason(check)}`,
    ),
  );
  return element(
    "section",
    { class: `card verdict ${kind}`, "aria-labelledby": "verdict" },
    element("h2", { id: "verdict", tabindex: "-1" }, t("verdict")),
    badges,
    ...first,
    rest.length || why.length ? element("ul", {}, ...rest, ...why) : null,
  );
}

// How many of several claims are refuted, and of how many, by the codes of the verdict's parts.
function refutedOf(parts) {
  const codes = parts.map(({ code }) => code);
  const isClaim = (code) => ["supported", "seen", "refuted", "undecided", "no_figure", "inferred"].includes(code);
  const each = codes.slice(codes.indexOf("several") + 1);
  const end = each.findIndex((code) => !isClaim(code));
  const claims = end < 0 ? each : each.slice(0, end);
  return { count: claims.filter((code) => code === "refuted").length, claims: claims.length };
}

/** What was verified: target, signer, and of a release what it is. */
export function aboutCard({ target, type, issuer, release }, file) {
  const rows = [[t("file"), `${plain(file.name)} (${size(file.size)})`]];
  if (type) rows.push([t("type"), TYPES.includes(type) ? t(`type_${type}`) : plain(type)]);
  if (target) rows.push([t("target"), shortened(target)]);
  if (target) rows.push([t("issuer"), issuer ? shortened(issuer) : t("nobody")]);
  if (release) {
    rows.push([t("method"), `${plain(release.method)}, ${plain(release.recipe)}`]);
    rows.push([t("images"), t("images_said", { items: whole(release.items), kept: whole(release.kept) })]);
    rows.push([t("licence"), plain(release.licence)]);
  }
  const list = rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]);
  return element(
    "section",
    { class: "card" },
    element("h2", {}, t("about")),
    element("dl", {}, ...list),
    issuer ? element("p", { class: "soft small" }, t("issuer_said")) : null,
  );
}

export const size = (bytes) =>
  bytes < 1e5 ? t("bytes", { n: number(String(bytes)) }) : t("megabytes", { n: number((bytes / 1e6).toFixed(1)) });

function table(head, rows, caption) {
  const line = (cells, cell) =>
    element("tr", {}, ...cells.map((one, i) => element(i ? cell : "th", i ? {} : { scope: "row" }, one)));
  return element(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    element(
      "table",
      {},
      element("caption", { class: "unseen" }, caption),
      element("thead", {}, element("tr", {}, ...head.map((one) => element("th", { scope: "col" }, one)))),
      element("tbody", {}, ...rows.map((cells) => line(cells, "td"))),
    ),
  );
}

/** Claims and figures, as published and as computed again: they are equal, or nothing of this is shown. */
export function figuresCard({ release }) {
  if (!release) return null;
  const value = (figure) => (figure.value === null ? "–" : number(figure.value));
  const ends = ({ low, high }) => (low === null ? "–" : `${number(low)}\u00a0– ${number(high)}`);
  const claims = release.claims.map((claim) => [
    claimText(claim),
    claim.value === null ? "–" : at(figureText(claim, claim.threshold)),
    t(`state_${stateOf(claim)}`),
  ]);
  const figures = release.figures.map((figure) => [plain(figure.name), value(figure), ends(figure), whole(figure.n)]);
  const names = [...release.classes.map(plain), t("nothing")];
  const matrix = release.confusion.map((row, i) => [names[i], ...row.map(whole)]);
  return element(
    "section",
    { class: "card" },
    element("h2", {}, t("figures")),
    element("p", { class: "soft" }, t("figures_said")),
    claims.length ? table([t("claim"), t("value"), t("claim_verdict")], claims, t("claims")) : null,
    element("h3", {}, t("computed")),
    table([t("figure"), t("value"), t("interval"), t("count")], figures, t("computed")),
    element("h3", {}, t("confusion")),
    table([t("truth"), ...names], matrix, t("confusion")),
  );
}

export function checkRow(check) {
  const kind = MARKS[check.result];
  return element(
    "li",
    { class: `check ${kind ?? "running"}` },
    element("span", { class: "mark", "aria-hidden": "true" }),
    element("code", {}, check.id),
    element(
      "span",
      {},
      element("span", { class: "name" }, title(check.id)),
      " ",
      element("b", {}, kind ? t(kind) : t("running")),
      check.template ? element("span", { class: "why" }, reason(check)) : null,
    ),
  );
}

/** Every check by level, those that fail first to be seen: levels with one are open. */
export function checksCard({ checks }) {
  const levels = [...new Set(checks.map(({ id }) => id[0]))].sort();
  const parts = levels.map((level) => {
    const own = checks.filter(({ id }) => id[0] === level);
    const count = (result) => own.filter((check) => check.result === result).length;
    const said = t("counts", { holds: count("holds"), fails: count("does not hold"), open: count("not checked") });
    return element(
      "details",
      count("does not hold") ? { open: "" } : {},
      element("summary", {}, element("b", {}, t(`level_${level}`)), " ", element("span", { class: "soft" }, said)),
      element("ol", { class: "checks" }, ...own.map(checkRow)),
    );
  });
  return element("section", { class: "card" }, element("h2", {}, t("checks")), ...parts);
}

const LIMITS = [
  "limit_chain",
  "limit_card",
  "limit_pixels",
  "limit_weights",
  "limit_truth",
  "limit_who",
  "limit_later",
  "limit_page",
];

export function limitsCard() {
  return element(
    "section",
    { class: "card" },
    element("h2", {}, t("limits")),
    element("ul", {}, ...LIMITS.map((key) => element("li", {}, t(key)))),
  );
}
