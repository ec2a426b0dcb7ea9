// Level 4's check of attempts: counts the issuer's similar plans again where the file has the records of its whole log.
import { cidOfBytes } from "../bytes/cid.js";
import { hex, Refusal } from "../bytes/bytes.js";
import { walk } from "../data/log.js";
import { isBefore } from "./level3.js";
import { NotChecked, say } from "./outcome.js";

export function attempts({ file, view }) {
  const stated = view.release.attempts;
  const { count, number } = stated;
  if (!(number >= 1 && number <= count)) throw new Refusal("attempt {number} of {count} is impossible", stated);
  const plans = plansOf(file, view);
  const found = plans && similar(file, view, plans);
  if (!found)
    throw new NotChecked("attempt {number} of {count} is the issuer's word: it shows only in the whole log", stated);
  const place = found.findIndex(({ record }) => record.key === view.draw.plan.key) + 1;
  const least = found.filter(({ isEarly }) => isEarly).length;
  if (number !== place || count < least || count > found.length)
    throw new Refusal("attempt {number} of {count} is not what the log gives", stated);
  return say("plan {number} of {count}, counted in the whole log", { number: place, count: found.length });
}

/** The log's plans before the release, one an entry, in its order; null where a record of the log is not in the file. */
function plansOf(file, view) {
  const newest = file.target.entry;
  if (!newest) return null;
  for (let cid = newest; cid !== null; ) {
    const entry = file.blocks.has(cid) ? file.entry(cid) : null;
    if (!entry || file.readableType(entry.record) === null) return null;
    cid = entry.prev === null ? null : cidOfBytes(entry.prev);
  }
  const { log, issuedAt } = file.entry(newest);
  const way = walk(file.blocks, newest, log === null ? newest : cidOfBytes(log)).reverse();
  const found = [];
  for (const entry of way) {
    const { record } = entry;
    if (file.readableType(record) !== "plan") continue;
    const isOwn = record.key === view.draw.plan.key;
    found.push({ record, isEarly: isOwn || isBefore(entry.issuedAt, issuedAt) });
  }
  if (!found.some(({ record }) => record.key === view.draw.plan.key)) throw new Refusal("no entry of the log signs the release's plan");
  return found;
}

/** Those that attempt the same as the release's plan; null where their images are not in the file. */
function similar(file, view, plans) {
  const own = view.draw.plan.key;
  try {
    return plans.filter(({ record }) => {
      if (record.key === own) return true;
      const plan = file.blocks.record(record, "plan");
      return sharesClaim(plan, view.plan) && sharesImages(file, view, plan);
    });
  } catch (error) {
    if (error instanceof Refusal) return null;
    throw error;
  }
}

function sharesClaim(one, other) {
  const [mine, theirs] = [one, other].map(
    ({ claims }) => new Set(claims.map(({ metric, comparator }) => JSON.stringify([metric, comparator]))),
  );
  return [...mine].some((claim) => theirs.has(claim)) || !(mine.size || theirs.size);
}

function sharesImages(file, view, plan) {
  const { snapshot } = file.blocks.record(plan.preprocessing, "preprocessing");
  if (snapshot.key === view.preprocessing.snapshot.key) return true;
  const items = file.blocks.record(snapshot, "snapshot").items;
  const [mine, theirs] = [view.items, file.rows(items, "snapshot.items")].map(
    (rows) => new Set(rows.map((row) => hex(row.sha256))),
  );
  const shared = [...mine].filter((image) => theirs.has(image)).length;
  return 2 * shared > Math.min(mine.size, theirs.size);
}
