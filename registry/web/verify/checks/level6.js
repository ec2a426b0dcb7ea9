// Level 6: what is computed again.
import { equal } from "../bytes/equal.js";
import { hex, Refusal } from "../bytes/bytes.js";
import { DAG_PB } from "../bytes/cid.js";
import { entriesOf, wholeFile } from "../data/dagpb.js";
import { checkpointDigest, filesOf, MAX_FILE, readFolder } from "../data/weights.js";
import { Evaluation } from "../figures/evaluation.js";
import { judgementsOf } from "../figures/input.js";
import { corrected } from "../figures/correction.js";
import { figureName } from "../figures/names.js";
import { checkClaim } from "../figures/verdicts.js";
import { checkName } from "./claims.js";
import { each, needingAll, NotChecked, say } from "./outcome.js";

const differ = (what) => {
  throw new Refusal("{what} is not what follows from the predictions", { what });
};

/** Refuses where two lists differ, by the name of the first member that does. */
function same(stated, computed, what) {
  if (equal(stated, computed)) return;
  const at = Array.from({ length: Math.max(stated.length, computed.length) }).findIndex(
    (_, i) => !equal(stated[i], computed[i]),
  );
  const member = stated[at] ?? computed[at];
  const name = member && member.metric && member.of ? figureName(member) : String(at + 1);
  differ(`${what} ${name}`);
}

/** The evaluation, computed again from the records. */
export function evaluate(view, pause) {
  const { settings, snapshot, plan } = view;
  plan.claims.forEach(checkClaim);
  plan.claims.forEach(({ metric }) => checkName(metric));
  const persons = new Map(view.output.map((row) => [hex(row.sha256), hex(row.group)]));
  const attributes = new Map(view.items.map((row) => [hex(row.sha256), row.attributes]));
  const sources = new Map(view.items.map((row) => [hex(row.sha256), row.sources]));
  const judgements = judgementsOf(view.predictions, snapshot.classes.length, persons, settings.k);
  const trainings = view.evaluation.trainings.map((cid) => {
    const { fold, history } = view.record(cid, "training");
    return { fold, history: view.file.rows(history, "training.history") };
  });
  const seen = plan.seen ? view.file.rows(plan.seen, "plan.seen").map((row) => hex(row.sha256)) : [];
  return new Evaluation(
    judgements,
    {
      ...settings,
      names: snapshot.classes,
      seed: plan.seed,
      attributesOf: (image) => attributes.get(image) ?? {},
      sourcesOf: (image) => sources.get(image) ?? {},
      groups: plan.groups,
      claims: plan.claims,
      final: plan.final,
      origin: plan.origin,
      losses: plan.method.losses,
      seen: new Set(seen),
    },
    trainings,
    pause,
  );
}

const computed = (act) => async (audit) => act(audit.evaluation(), audit.view.evaluation, audit.view);

const CHECKED = [
  [
    "6.metrics",
    computed(async (made, stated) => {
      same(stated.metrics, await made.metrics(), "metrics");
      const folds = await made.perFold();
      if (stated.perFold.length !== folds.length) differ("perFold");
      folds.forEach((list, fold) => same(stated.perFold[fold], list, `fold ${fold}:`));
      const [unseen, seen] = await made.seenApart();
      same(stated.unseen, unseen, "unseen");
      same(stated.seen, seen, "seen");
      return say("{count} {count|figure is|figures are} equal, in all and by fold", { count: stated.metrics.length });
    }),
  ],
  [
    "6.thresholds",
    computed((made, stated) => {
      same(stated.thresholds, made.writtenThresholds, "thresholds");
      if (stated.thresholdOfAll !== made.thresholdOfAll) differ("thresholdOfAll");
    }),
  ],
  [
    "6.confusion",
    computed((made, stated) => {
      same(stated.confusion, made.calls.confusion, "confusion");
      same(stated.several, made.calls.several, "several");
    }),
  ],
  ["6.optimistic", computed((made, stated) => same(stated.optimistic, made.optimistic, "optimistic"))],
  [
    "6.repeats",
    computed(async (made, stated) => {
      const repeats = await made.perRepeat();
      if (stated.perRepeat.length !== repeats.length) differ("perRepeat");
      repeats.forEach((list, repeat) => same(stated.perRepeat[repeat], list, `repeat ${repeat}:`));
      same(stated.spread, await made.spread(), "spread");
    }),
  ],
  [
    "6.overfitting",
    computed((made, stated, view) => {
      if (!equal(stated.trainings, view.release.trainings))
        throw new Refusal("the evaluation's trainings are not the release's");
      same(stated.overfitting, made.overfitting, "overfitting");
    }),
  ],
  [
    "6.curves",
    computed((made, stated, view) => {
      const rows = new Map(view.file.rows(stated.curves, "evaluation.curves").map((row) => [row.name, row.points]));
      const curves = made.curves;
      for (const name of new Set([...rows.keys(), ...curves.keys()])) {
        if (!equal(rows.get(name), curves.get(name))) differ(`curve ${name}`);
      }
      return say("{count} {count|curve is|curves are} equal", { count: rows.size });
    }),
  ],
  [
    "6.fairness",
    computed(async (made, stated) => {
      same(stated.fairness, await made.fairness(), "fairness");
      same(stated.notes, await made.notes(), "notes");
      return say("{count} {count|figure is|figures are} equal", { count: stated.fairness.length });
    }),
  ],
  ["6.tests", computed((made, stated) => same(stated.tests, made.tests(), "tests"))],
  [
    "6.verdicts",
    computed(async (made, stated, view) => {
      same(stated.verdicts, await made.verdicts(), "verdicts");
      const figures = [...stated.fairness, ...stated.metrics];
      const { count } = view.release.attempts;
      if (!equal(view.release.claims, corrected(stated.verdicts, view.plan.correction, count, figures)))
        throw new Refusal("the release states other verdicts than its evaluation");
    }),
  ],
  [
    "6.card",
    () => {
      throw new NotChecked("the card is made from a template that this page does not have");
    },
  ],
  ["6.weights", ({ view, pause }) => weights(view, pause)],
  [
    "6.base",
    ({ view }) => {
      const { base } = view.plan;
      if (base === null) return say("no base weights");
      readFolder(filesOf(view.file.blocks, base, 2 * MAX_FILE));
      return say("base weights are a folder of weights");
    },
  ],
];

export const level6 = CHECKED.map(needingAll);

/** Checks that only some releases have. */
export function furtherChecks(view) {
  const found = [];
  const { trainings, release } = view;
  if (trainings.some((training) => training.checkpoints.length)) {
    found.push(["6.checkpoints", ({ pause }) => checkpoints(view, pause)]);
  }
  if (release.weights.some((of) => of.format === "onnx")) {
    found.push([
      "6.onnx",
      () => {
        throw new NotChecked("no digest of tensors can be taken of an ONNX");
      },
    ]);
  }
  return found;
}

async function weights(view, pause) {
  const { release, snapshot, plan, trainings } = view;
  const own = release.weights.filter((of) => of.format !== "onnx");
  const lineOf = ({ fold, cid, tensors }) => [String(fold), cid.text, tensors].join(" ");
  const wanted = trainings.map(({ fold, weights: cid, tensors }) => ({ fold, cid, tensors }));
  if (!equal(own.map(lineOf).sort(), wanted.map(lineOf).sort())) {
    throw new Refusal("the weights are not those of the trainings, one each");
  }
  for (const of of own) {
    const { digest, classes, format } = readFolder(filesOf(view.file.blocks, of.cid, 2 * MAX_FILE));
    if (digest !== of.tensors)
      throw new Refusal("weights of fold {fold} have another digest", { fold: of.fold ?? "-" });
    if (!equal(classes, snapshot.classes))
      throw new Refusal("weights of fold {fold} have other classes", { fold: of.fold ?? "-" });
    if ((of.format === "safetensors") !== (format === "safetensors")) throw new Refusal("weights of another format");
    await pause();
  }
  each(
    release.weights.filter((of) => of.format === "onnx"),
    (of) => checkOnnx(view, of, wanted),
  );
  const final = plan.final === "refit" ? null : Number(plan.final.slice("fold:".length));
  if (!own.some((of) => of.fold === final)) throw new Refusal("the weights that the plan publishes are not there");
  return say("{count} {count|folder of weights has the digest of its training|folders of weights have the digests of their trainings}", { count: own.length });
}

function checkOnnx({ file }, { fold, tensors, cid }, wanted) {
  const isOf = wanted.some((of) => of.fold === fold && of.tensors === tensors);
  const names = cid.codec === DAG_PB ? entriesOf(file.blocks, cid) : new Map();
  if (!isOf || names.size !== 1 || !names.has("model.onnx")) throw new Refusal("the ONNX file belongs to no training");
  if (wholeFile(file.blocks, names.get("model.onnx"), MAX_FILE)[0] !== 8)
    throw new Refusal("the ONNX file is not valid");
}

async function checkpoints(view, pause) {
  let count = 0;
  for (const training of view.trainings) {
    const history = new Map(view.file.rows(training.history, "training.history").map((row) => [row.epoch, row.state]));
    for (const { epoch, cid, state } of training.checkpoints) {
      if (checkpointDigest(filesOf(view.file.blocks, cid, 2 * MAX_FILE)) !== state || history.get(epoch) !== state) {
        throw new Refusal("the state after epoch {epoch} has another digest", { epoch });
      }
      count += 1;
      await pause();
    }
  }
  return say("{count} {count|state has its digest|states have their digests}", { count });
}
