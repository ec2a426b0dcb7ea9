// What base weights have seen of the judged images, from the records of the trainings that made them.
import { equal } from "../bytes/equal.js";
import { hex, Refusal } from "../bytes/bytes.js";
import { cidOfBytes } from "../bytes/cid.js";
import { filesOf, MAX_FILE, readFolder } from "../data/weights.js";
import { NotChecked, say } from "./outcome.js";
import { drawView } from "./view.js";

const differ = () => {
  throw new Refusal("what the plan states of its base weights does not follow from their trainings");
};

export function checkBase(view) {
  const { base, origin, baseTrainings, seen } = view.plan;
  if (base === null || origin === null) {
    const isFree = base === null && origin === null && seen === null && !baseTrainings.length;
    if (!isFree || view.trainings.some((training) => training.base !== null)) {
      throw new Refusal("the plan states base weights without an origin, or an origin without base weights");
    }
    return say("no base weights: training began from the architecture alone");
  }
  if (digestOf(view, base) !== origin.tensors) throw new Refusal("the base weights have another digest");
  if ((seen === null) !== (origin.seen === null) || Boolean(baseTrainings.length) !== (seen !== null)) differ();
  const how = new Map(seen ? view.file.rows(seen, "plan.seen").map((row) => [hex(row.sha256), row.how]) : []);
  if (origin.seen && !equal(origin.seen, countSeen(how, view))) differ();
  for (const training of view.trainings) {
    if (
      !equal(training.base, {
        tensors: origin.tensors,
        seen: origin.seen && countSeen(inFold(how, training, view), view),
      })
    ) {
      differ();
    }
  }
  return lineage(view, how);
}

// The digest of safetensors; null for what is none.
function digestOf(view, cid) {
  try {
    return readFolder(filesOf(view.file.blocks, cid, 2 * MAX_FILE)).digest;
  } catch (error) {
    if (error instanceof Refusal && error.template.startsWith("the weights folder is not valid")) return null;
    throw error;
  }
}

function inFold(how, { fold }, view) {
  const judged = new Set(view.folds.filter((row) => row.fold === fold).map((row) => hex(row.sha256)));
  return new Map([...how].filter(([image]) => judged.has(image)));
}

/** Images of each kind; persons are the subjects of those that were seen as image or as person. */
function countSeen(how, view) {
  const values = [...how.values()];
  const isPerson = (row) => ["image", "person"].includes(how.get(hex(row.sha256)));
  const persons = new Set(
    view.items
      .filter(isPerson)
      .map((row) => row.subject)
      .filter((subject) => subject !== null),
  );
  const count = (kind) => values.filter((value) => value === kind).length;
  return { images: count("image"), persons: persons.size, nearDuplicates: count("near_duplicate") };
}

function lineage(view, how) {
  const { baseTrainings } = view.plan;
  if (!baseTrainings.length) throw new NotChecked("nobody here knows what the base weights have seen");
  const cids = baseTrainings.map(cidOfBytes);
  if (!cids.every((cid) => view.file.blocks.has(cid))) {
    throw new NotChecked("what the base weights have seen is the issuer's word: their trainings are not in the file");
  }
  const trained = trainedOn(view, cids);
  const found = judgedAndSeen(trained, view);
  const order = (map) => [...map].sort((a, b) => (a[0] < b[0] ? -1 : 1));
  if (!equal(order(how), order(found))) differ();
  return say("{count} of the judged images, or of their persons, {count|was|were} seen by the base weights", { count: found.size });
}

/** What trainings were trained on: {images, subjects, pixels}. */
function trainedOn(view, cids) {
  const found = { images: new Set(), subjects: new Set(), pixels: new Set() };
  for (const cid of cids) {
    const training = view.record(cid, "training");
    const of = drawView(view.file, training.draw);
    const { k } = of.folding;
    const repeat = training.fold === null ? 0 : Math.floor(training.fold / k);
    const own = new Set(
      of.folds.filter((row) => row.repeat === repeat && row.fold !== training.fold).map((row) => hex(row.sha256)),
    );
    for (const image of own) found.images.add(image);
    for (const row of of.items) {
      if (own.has(hex(row.sha256)) && row.subject !== null) found.subjects.add(row.subject);
    }
    for (const row of of.output) if (own.has(hex(row.sha256)) && row.pixels) found.pixels.add(hex(row.pixels));
  }
  return found;
}

/** How each judged image was seen: the same bytes, else the same person, else a near-duplicate. */
function judgedAndSeen(trained, view) {
  const hasPixels = (row) => row.pixels !== null && trained.pixels.has(hex(row.pixels));
  const groups = new Set(
    view.output.filter((row) => trained.images.has(hex(row.sha256)) || hasPixels(row)).map((row) => hex(row.group)),
  );
  const found = new Map();
  for (const row of view.kept) {
    const image = hex(row.sha256);
    const { subject } = view.itemByImage.get(image);
    if (trained.images.has(image)) found.set(image, "image");
    else if (subject !== null && trained.subjects.has(subject)) found.set(image, "person");
    else if (groups.has(hex(row.group)) || hasPixels(row)) found.set(image, "near_duplicate");
  }
  return found;
}
