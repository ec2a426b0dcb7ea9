// The cards of a proof about one picture, and of two histories of a log.
import { plain } from "../verdict/text.js";
import { element, shortened } from "./dom.js";
import { checkRow, size } from "./result.js";
import { t } from "./words.js";

const card = (attributes, ...children) => element("section", { class: "card", ...attributes }, ...children.filter((child) => child !== null));
const list = (keys) => element("ul", {}, ...keys.map((key) => element("li", {}, t(key))));

/** The answer first: one that holds, or why the file shows nothing. */
function answerCard(kind, lines, check) {
  return card(
    { class: `card verdict ${kind}`, "aria-labelledby": "verdict" },
    element("h2", { id: "verdict", tabindex: "-1" }, t("verdict")),
    ...lines.map((line) => element("p", { class: "headline" }, line)),
    check.template ? element("ol", { class: "checks" }, checkRow(check)) : null,
  );
}

/** Cards of a verified proof; `pictures` are other files that were given: {name, sha256}. */
export function proofCards({ checks: [check], found }, file, pictures) {
  if (!found) return [answerCard(check.result === "not checked" ? "open" : "bad", [t("proof_nothing")], check)];
  const uses = found.uses.map(useCard);
  const isIn = found.uses.filter((use) => use.included).length;
  const of = found.uses.length;
  const answer = of > 1 ? t("proof_answer", { in: isIn, of }) : t(isIn ? "proof_in" : "proof_out");
  const isOther = pictures.length > 0 && !pictures.some(({ sha256 }) => sha256 === found.image);
  const lines = pictureLines(found, pictures);
  const first = answerCard(isOther ? "bad" : "good", isOther ? [...lines, answer] : [answer, ...lines], check);
  return [first, pictureCard(found, file, pictures), ...uses, endCard()];
}

function pictureLines({ image }, pictures) {
  return pictures.map(({ name, sha256 }) => t(sha256 === image ? "proof_same" : "proof_other", { name: plain(name) }));
}

function pictureCard({ image }, file, pictures) {
  const rows = [
    [t("file"), `${plain(file.name)} (${size(file.size)})`],
    [t("picture"), element("code", {}, image)],
  ];
  const ask = pictures.length ? null : element("p", { class: "soft" }, t("proof_ask"));
  return card({}, element("h2", {}, t("about")), definitions(rows), ask);
}

const definitions = (rows) =>
  element("dl", {}, ...rows.flatMap(([name, value]) => [element("dt", {}, name), element("dd", {}, value)]));

function useCard(use) {
  const rows = [
    [t("target"), shortened(use.record)],
    [t("issuer"), element("code", {}, plain(use.issuer))],
    [t("issued"), plain(use.issuedAt)],
  ];
  if (use.kind === "release") rows.push([t("type_snapshot"), shortened(use.snapshot)]);
  const kind = use.included && use.dropped === null ? "good" : "open";
  return card(
    {},
    element("h2", {}, t(`type_${use.kind}`)),
    element("p", {}, element("span", { class: `badge ${kind}` }, t(use.included ? "picture_in" : "picture_out"))),
    ...sentencesOf(use).map((line) => element("p", {}, line)),
    definitions(rows),
  );
}

function sentencesOf(use) {
  if (!use.included) return use.excluded === null ? [t("use_out")] : [t("use_out"), t("use_why", { why: plain(use.excluded) })];
  const said = [use.label === null ? t("use_unlabelled") : t("use_labelled", { label: plain(use.label) })];
  if (use.dropped !== null) said.push(t("use_dropped", { why: plain(use.dropped) }));
  for (const { judged, trained } of use.repeats) said.push(t("use_trained", { judged, trained: trained.join(", ") }));
  if (use.refit) said.push(t("use_refit"));
  if (use.seen !== null) said.push(t("use_seen", { how: plain(use.seen) }));
  return said;
}

function endCard() {
  return card(
    {},
    element("h2", {}, t("proof_checked")),
    list(["proof_blocks", "proof_signed", "proof_way", "proof_whole"]),
    element("h2", {}, t("limits")),
    list(["proof_absent", "proof_saved", "proof_deeper", "limit_who", "limit_page"]),
  );
}

/** Two things that an issuer signed and that exclude each other, both shown; or why the file accuses nobody. */
export function forkCards({ checks: [check], found }, file) {
  if (!found) return [answerCard("bad", [t("fork_nothing")], check)];
  const halves = found.halves.map((half, i) =>
    card(
      {},
      element("h2", {}, t("half", { number: i + 1 })),
      definitions(half.map(([name, value]) => [t(name), element("code", {}, plain(value))])),
    ),
  );
  const rows = [
    [t("file"), `${plain(file.name)} (${size(file.size)})`],
    [t("issuer"), element("code", {}, found.issuer)],
  ];
    return [
    answerCard("bad", [t(`fork_${found.what}`)], check),
    card({}, element("h2", {}, t("about")), definitions(rows), element("p", { class: "soft small" }, t("issuer_said"))),
    ...halves,
    card({}, element("h2", {}, t("limits")), list(["fork_which", "limit_who", "limit_page"])),
  ];
}
