// Tables that state more rows than what they are about can have: known from their headers, before a row is read. Each
// image that cleaning kept is drawn once a repeat, and judged once for each row of folds; a few
// rows too many are read, and other checks say which.
import { readHeader } from "../data/tables.js";

const BOUNDS = [
  ["evaluation", "predictions", ["draw", "folds"], 1],
  ["draw", "folds", ["plan", "preprocessing", "output"], 100],
  ["preprocessing", "output", ["snapshot", "items"], 1],
];

/** The keys of these tables. */
export function outnumbering(file) {
  const { blocks } = file;
  const found = new Set();
  const at = (cid, name) => (cid && blocks.has(cid) ? blocks.checked(cid).value?.[name] : null);
  for (const [type, table, way, times] of BOUNDS) {
    for (const cid of file.ofType(type)) {
      const [many, most] = [at(cid, table), way.reduce(at, cid)].map((one) => stated(blocks, one));
      if (many > times * most + 10_000) found.add(at(cid, table).key);
    }
  }
  return found;
}

// NaN, which is not more than anything, where a header can't be read: other checks say so.
function stated(blocks, cid) {
  try {
    return Number(readHeader(blocks.get(cid)).count);
  } catch {
    return NaN;
  }
}
