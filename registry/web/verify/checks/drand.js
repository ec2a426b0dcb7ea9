// 3.drand, but for the signature, which needs pairings on BLS12-381: the round is the first after the plan's anchor.
import { Refusal } from "../bytes/bytes.js";
import { cidOfBytes } from "../bytes/cid.js";
import { NotChecked, needingAll } from "./outcome.js";

const CLOCKS_APART = 60_000; // milliseconds by which the clocks of two authorities may differ
const TIMESTAMP = "rfc3161"; // the kind of evidence whose time counts where no block does
// Networks whose clocks are known: the first round's time and the time between two, in seconds.
const CLOCKS = {
  "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971": { genesis: 1692803367, period: 3 },
};

/** The check, where the plan or the draw names drand. */
export function drandChecks(view) {
  const isNamed = view.plan.beacons.some((name) => name.startsWith("drand:"));
  return isNamed || roundsOf(view).length ? [needingAll(["3.drand", check])] : [];
}

const roundsOf = (view) => view.draw.beacons.filter(({ kind }) => kind === "drand");

function check({ file, view }) {
  const rounds = roundsOf(view);
  if (!rounds.length) throw new Refusal("the plan names a round of drand, and the draw mixes none");
  const times = anchorTimes(file, view);
  if (!times.length) throw new Refusal("nothing in the file says when the plan was anchored");
  for (const { chain, round } of rounds) {
    const clock = Object.hasOwn(CLOCKS, chain) ? CLOCKS[chain] : null;
    if (clock && !times.some((time) => BigInt(round) === BigInt(roundAfter(clock, time))))
      throw new Refusal("the round of drand is not the first after the plan's anchor");
  }
  throw new NotChecked("the signature of a drand round is not checked here: emotionet audit does");
}

function anchorTimes(file, view) {
  const blocks = view.draw.beacons.filter(({ kind }) => kind === "evm-block").map(({ time }) => time);
  if (blocks.length) return [blocks.reduce((a, b) => (a > b ? a : b))];
  const stamps = file.evidence
    .map((cid) => file.blocks.record(cid, "evidence"))
    .filter(({ kind, entry }) => kind === TIMESTAMP && cidOfBytes(entry).key === view.release.planEntry.key)
    .map(({ statement }) => statement.time)
    .filter((time) => typeof time === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(time))
    .sort();
  return stamps.filter((time) => Date.parse(time) - Date.parse(stamps[0]) <= CLOCKS_APART);
}

function roundAfter({ genesis, period }, time) {
  const passed = Date.parse(time) / 1000 - genesis;
  return passed < 0 ? 1 : Math.floor(passed / period) + 2;
}
