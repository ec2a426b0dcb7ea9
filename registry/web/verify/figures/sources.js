// Where attributes come from: counted for each group (docs/format/figures.md, notes).
import { groupName, quoted } from "./names.js";

const SOURCES = ["self", "perceived", "inferred"];
const imagesOf = (part) => [...new Set(part.judgements.map((judgement) => judgement.image))];

/** The attributes that a program inferred of any judged image. */
export function inferredOf(part) {
  const { groups, attributesOf, sourcesOf } = part.setup;
  const isInferred = (image, name) =>
    Object.hasOwn(attributesOf(image), name) && sourcesOf(image)[name] === "inferred";
  const images = imagesOf(part);
  return new Set(groups.filter((name) => images.some((image) => isInferred(image, name))));
}

/** The note `sources` of an attribute's groups, or none where no source is given. */
export function sourcesNote(part, { of: [name], groups }) {
  const { attributesOf, sourcesOf } = part.setup;
  const images = imagesOf(part).filter((image) => Object.hasOwn(attributesOf(image), name));
  const sourceOf = (image) => (SOURCES.includes(sourcesOf(image)[name]) ? sourcesOf(image)[name] : "unstated");
  if (images.every((image) => sourceOf(image) === "unstated")) return [];
  const values = { attribute: quoted(name), groups: groups.map((group) => groupName(group.name)) };
  for (const source of [...SOURCES, "unstated"]) {
    const isOf = (group) => (image) => attributesOf(image)[name] === group.name[name] && sourceOf(image) === source;
    values[source] = groups.map((group) => images.filter(isOf(group)).length);
  }
  return [{ code: "sources", values }];
}
