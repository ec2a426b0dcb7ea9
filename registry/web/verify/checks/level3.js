// Level 3, as far as the file itself can contradict what it says of chains and times. That it is so shows a chain alone.
import { equal } from "../bytes/equal.js";
import { Refusal } from "../bytes/bytes.js";
import { cidOfBytes } from "../bytes/cid.js";
import { blockOfChain } from "../data/schemas.js";
import { timesOfRounds } from "./drand.js";
import { orderByStamps } from "./evidence.js";
import { NotChecked, needingAll, say } from "./outcome.js";

const SKEW = 300_000; // milliseconds by which clocks may differ
const OWN_CLOCK = "by the issuer's own clock, which proves nothing to others";
export const isBefore = (earlier, later) => Date.parse(later) - Date.parse(earlier) > SKEW;
const noChain = () => {
  throw new NotChecked("no chain was asked");
};

const CHECKED = [
  [
    "3.order",
    (audit) => {
      const { file, view } = audit;
      if (!file.target.entry) throw new NotChecked("the file holds no entry that says its target");
      const numbers = (of) =>
        blocksOf(file)
          .filter(({ entry }) => entry.key === of.key)
          .map(({ block }) => block.blockNumber);
      const plans = [...numbers(view.release.planEntry), ...beaconBlocks(view).map((block) => block.blockNumber)];
      const own = numbers(newestAnchored(file));
      if (plans.length && own.some((number) => plans.some((plan) => plan >= number))) {
        throw new Refusal("the plan's block does not come before the release's");
      }
      return orderByStamps(audit) ?? noChain();
    },
  ],
  [
    "3.beacon",
    ({ file, view }) => {
      const stated = beaconBlocks(view);
      if (!stated.length) noChain();
      const evidence = blocksOf(file).filter(({ entry }) => entry.key === view.release.planEntry.key);
      if (!evidence.length) throw new Refusal("the draw states a block, and no evidence of the plan's anchor is here");
      for (const { kind, ...block } of stated) {
        if (!evidence.every((of) => equal({ ...of.block }, block)))
          throw new Refusal("the draw's block is not the one of the plan's anchor");
      }
      noChain();
    },
  ],
  [
    "3.planned",
    ({ file, view }) => {
      const { plan } = entriesOf(file, view);
      const early = view.trainings.find((training) => isBefore(training.started, plan.issuedAt));
      if (early)
        throw new Refusal("the training of fold {fold} began before its plan was issued", { fold: early.fold ?? "-" });
      return say(OWN_CLOCK);
    },
  ],
  [
    "3.drawn",
    (audit) => {
      const { file, view } = audit;
      entriesOf(file, view);
      const times = [...beaconBlocks(view).map(({ time }) => time), ...timesOfRounds(audit)];
      if (!times.length) throw new NotChecked("the folds were not drawn from a block, so no block gives a time");
      const early = view.trainings.find((training) => times.some((time) => isBefore(training.started, time)));
      if (early)
        throw new Refusal("the training of fold {fold} began before the beacon that drew its folds", {
          fold: early.fold ?? "-",
        });
      return say(OWN_CLOCK);
    },
  ],
  [
    "3.trained",
    ({ file, view }) => {
      entriesOf(file, view);
      const wrong = view.trainings.find((training) => training.ended < training.started);
      if (wrong) throw new Refusal("the training of fold {fold} ended before it began", { fold: wrong.fold ?? "-" });
      return say(OWN_CLOCK);
    },
  ],
  [
    "3.issued",
    ({ file, view }) => {
      const { plan, release } = entriesOf(file, view);
      if (release.issuedAt < plan.issuedAt) throw new Refusal("the release was issued before its plan");
      if (view.trainings.some((training) => isBefore(release.issuedAt, training.ended))) {
        throw new Refusal("the release was issued before its trainings ended");
      }
      return say(OWN_CLOCK);
    },
  ],
  ["3.anchored", ({ file, view }) => anchored(file, view)],
];

export const level3 = [["3.named", (audit) => named(audit)], ...CHECKED.map(needingAll)];

function entriesOf({ blocks, target }, view) {
  if (!target.entry) throw new NotChecked("the file holds no entry that says its target");
  return { plan: blocks.record(view.release.planEntry, "entry"), release: blocks.record(target.entry, "entry") };
}

/** Blocks of a chain that evidence states: [{entry, block}]. */
function blocksOf(file) {
  return file.evidence
    .map((cid) => file.blocks.record(cid, "evidence"))
    .filter(({ kind }) => kind === "evm")
    .map(({ entry, statement }) => {
      blockOfChain(statement, "statement", []);
      return { entry: cidOfBytes(entry), block: statement };
    });
}

const beaconBlocks = (view) => view.draw.beacons.filter(({ kind }) => kind === "evm-block");

function newestAnchored(file) {
  const { entry } = file.target;
  const own = blocksOf(file)
    .map((found) => found.entry)
    .filter((cid) => file.entry(cid)?.issuer === file.issuer);
  return [entry, ...own].reduce((a, b) => (file.entry(b).seq > file.entry(a).seq ? b : a));
}

// Without the log's first entry it is not made, whatever else is missing.
function named({ file, view }) {
  if (!file.target.entry) throw new NotChecked("the file holds no entry that says its target");
  const entry = file.blocks.record(file.target.entry, "entry");
  const firstCid = entry.log === null ? file.target.entry : cidOfBytes(entry.log);
  if (!file.blocks.has(firstCid)) throw new NotChecked("the first entry of the log is not in the file");
  const first = file.blocks.record(firstCid, "entry");
  if (first.issuer !== entry.issuer || first.seq !== 0) throw new Refusal("the log begins with another issuer's entry");
  const { chains } = file.blocks.record(first.record, "issuer");
  view.needAll();
  const stated = [...blocksOf(file).map(({ block }) => block), ...beaconBlocks(view)];
  for (const { chain, contract } of stated) {
    if (!chains.some(([name, at]) => name === chain && at === contract)) {
      throw new Refusal("an anchor is stated on {chain} {contract}, which the issuer's first entry does not name", {
        chain,
        contract,
      });
    }
  }
  if (!stated.length) noChain();
  return say("the issuer's first entry names the chains of the anchors");
}

function anchored(file, view) {
  const { plan } = entriesOf(file, view);
  const found = blocksOf(file);
  const drew = beaconBlocks(view);
  const said = [
    ...found.filter(({ entry }) => file.entry(entry)).map(({ entry, block }) => [file.entry(entry), block.time]),
    ...drew.map((block) => [plan, block.time]),
  ];
  if (!said.length) throw new NotChecked("no anchor is in the file");
  if (said.some(([entry, time]) => isBefore(time, entry.issuedAt)))
    throw new Refusal("an anchor's block is older than the entry in it");
  const blocks = [...found.map(({ block }) => block), ...drew];
  const clash = blocks.some((a) =>
    blocks.some(
      (b) =>
        a.chain === b.chain &&
        ((a.blockNumber < b.blockNumber && b.time < a.time) ||
          (a.blockNumber === b.blockNumber && (a.blockHash !== b.blockHash || a.time !== b.time))),
    ),
  );
  if (clash) throw new Refusal("blocks of one chain contradict each other");
  return say(OWN_CLOCK);
}
