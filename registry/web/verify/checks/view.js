// A release's records, from its draw back to its snapshot's contributions, each read once when it is first asked for.
import { hex, Refusal } from "../bytes/bytes.js";
import { readFolds, readRecipe } from "./recipe.js";

export class View {
  /** Of the file's target; with `drawCid` of another draw, down to its snapshot. */
  constructor(file, drawCid = null) {
    Object.assign(this, { file, drawCid, memo: new Map() });
  }

  once(name, make) {
    if (!this.memo.has(name)) this.memo.set(name, make());
    return this.memo.get(name);
  }

  record(cid, type) {
    return this.file.blocks.record(cid, type);
  }

  get release() {
    return this.record(this.file.targetCid, "release");
  }

  get draw() {
    return this.record(this.drawCid ?? this.release.draw, "draw");
  }

  get plan() {
    return this.record(this.draw.plan, "plan");
  }

  get preprocessing() {
    return this.record(this.plan.preprocessing, "preprocessing");
  }

  get snapshotCid() {
    return this.drawCid === null && this.file.target.type === "snapshot"
      ? this.file.targetCid
      : this.preprocessing.snapshot;
  }

  get snapshot() {
    return this.record(this.snapshotCid, "snapshot");
  }

  get recipe() {
    return this.record(this.plan.recipe, "recipe");
  }

  /** {k, repeats} */
  get folding() {
    return this.once("folding", () => readFolds(this.recipe.values));
  }

  get settings() {
    return this.once("settings", () => readRecipe(this.recipe.values));
  }

  get evaluation() {
    return this.record(this.release.evaluation, "evaluation");
  }

  get trainings() {
    return this.release.trainings.map((cid) => ({ ...this.record(cid, "training"), cid }));
  }

  /** Reads the release's records, which all checks of what follows from them need together. */
  needAll() {
    if (this.file.target.type === "release") void [this.recipe, this.snapshot, this.evaluation, this.trainings];
    else void this.snapshot;
  }

  get items() {
    return this.file.rows(this.snapshot.items, "snapshot.items");
  }

  get excluded() {
    return this.file.rows(this.snapshot.excluded, "snapshot.excluded");
  }

  /** The sha256s, in hex, of the images that the snapshot's query lists; null where it lists none. */
  get chosen() {
    const { images } = this.snapshot.query;
    return images ? new Set(this.file.rows(images, "snapshot.query").map((row) => hex(row.sha256))) : null;
  }

  get output() {
    return this.file.rows(this.preprocessing.output, "preprocessing.output");
  }

  get kept() {
    return this.output.filter((row) => row.reason === null);
  }

  get folds() {
    return this.file.rows(this.draw.folds, "draw.folds");
  }

  get predictions() {
    return this.file.rows(this.evaluation.predictions, "evaluation.predictions");
  }

  /** [{cid, issuer, rows}] in the snapshot's order. */
  get contributions() {
    return this.once("contributions", () =>
      this.snapshot.contributions.map((cid) => {
        const { issuer, rows } = this.record(cid, "contribution");
        return { cid, issuer, rows: this.file.rows(rows, "contribution.rows") };
      }),
    );
  }

  /** Map of an image's hex to its item. */
  get itemByImage() {
    return this.once("items", () => new Map(this.items.map((row) => [hex(row.sha256), row])));
  }

  /** The class index of an item's label, null for one that shows nothing. */
  classOf(image) {
    const item = this.itemByImage.get(image);
    if (!item) throw new Refusal("image {image} is no item of the snapshot", { image });
    if (item.label === null) return null;
    const index = this.snapshot.classes.indexOf(item.label);
    if (index < 0) throw new Refusal("image {image} has a label that is no class", { image });
    return index;
  }
}

export const drawView = (file, drawCid) => new View(file, drawCid);
