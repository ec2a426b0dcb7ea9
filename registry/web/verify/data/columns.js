// Every table's columns and key, and what a cell of each column may hold (docs/format/records.md, tables).
import {
  digestText,
  file,
  integer,
  list,
  mapOf,
  maybe,
  named,
  natural,
  sized,
  sortedTexts,
  text,
  tuple,
} from "./kinds.js";

const digest = sized(32);
const boxes = list(tuple(integer, integer, integer, integer));
const texts = mapOf(text);

function point(value, where) {
  list(text)(value, where);
  if (value.length !== 2) tuple(text, text, text)(value, where);
}

const columns = (key, cells) => ({ key, columns: Object.keys(cells), cells: Object.values(cells) });

export const TABLES = {
  "contribution.rows": columns(["sha256", "contributor"], {
    sha256: digest,
    contributor: text,
    cid: named,
    size: natural,
    label: text,
    boxes,
    attributes: texts,
    sources: texts,
    subject: maybe(text),
    licence: maybe(text),
    consent: maybe(text),
    rights: texts,
    replaces: maybe(named),
    signature: maybe(sized(65)),
  }),
  "snapshot.items": columns(["sha256"], {
    sha256: digest,
    image: file,
    size: natural,
    label: maybe(text),
    contributors: sortedTexts,
    subject: maybe(text),
    attributes: texts,
    licence: maybe(text),
    boxes,
    sources: texts,
    rights: mapOf(sortedTexts),
  }),
  "snapshot.query": columns(["sha256"], { sha256: digest }),
  "snapshot.excluded": columns(["sha256"], { sha256: digest, reason: text, detail: text }),
  "preprocessing.output": {
    ...columns(["sha256"], {
      sha256: digest,
      width: natural,
      height: natural,
      pixels: maybe(digest),
      boxes,
      box_source: text,
      group: digest,
      reason: maybe(text),
      measured: maybe(text),
    }),
    isWhole: ([, , , pixels, , , , reason]) => (pixels === null) !== (reason === null),
  },
  "plan.seen": columns(["sha256"], { sha256: digest, how: text }),
  "draw.folds": columns(["sha256", "repeat"], { sha256: digest, repeat: natural, fold: natural }),
  "training.history": columns(["epoch"], { epoch: natural, values: texts, state: maybe(digestText) }),
  "evaluation.predictions": columns(["sha256", "fold"], {
    sha256: digest,
    fold: natural,
    truth: maybe(natural),
    boxes,
    detections: list(tuple(integer, integer, integer, integer, integer, integer)),
  }),
  "evaluation.curves": columns(["name"], { name: text, points: list(point) }),
};
