// 3.drand: each round of drand that the draw mixes is genuine, and the first after the plan's anchor.
import { Refusal } from "../bytes/bytes.js";
import { cidOfBytes } from "../bytes/cid.js";
import { isGenuine, roundAfter, timeOf } from "../drand/networks.js";
import { NotChecked, needingAll, say } from "./outcome.js";

const CLOCKS_APART = 60_000; // milliseconds by which the clocks of two authorities may differ
const TIMESTAMP = "rfc3161"; // the kind of evidence whose time counts where no block does

/** The check, where the plan or the draw names drand. */
export function drandChecks(view) {
  const isNamed = view.plan.beacons.some((name) => name.startsWith("drand:"));
  return isNamed || roundsOf(view).length ? [needingAll(["3.drand", check])] : [];
}

const roundsOf = (view) => view.draw.beacons.filter(({ kind }) => kind === "drand");

const networkOf = (trust, { chain }) => trust.networks.find(({ hash }) => hash === chain);

/** When the rounds of networks that are known here are published. */
export function timesOfRounds({ view, trust }) {
  return roundsOf(view)
    .filter((one) => networkOf(trust, one))
    .map((one) => {
      const time = timeOf(networkOf(trust, one), one.round);
      if (time === null) throw new Refusal("no calendar has the time of this round of drand");
      return time;
    });
}

async function check({ file, view, trust, pause }) {
  const rounds = roundsOf(view);
  if (!rounds.length) throw new Refusal("the plan names a round of drand, and the draw mixes none");
  const times = anchorTimes(file, view);
  const knownFirst = [...rounds].sort((a, b) => !networkOf(trust, a) - !networkOf(trust, b));
  for (const one of knownFirst) {
    const network = networkOf(trust, one);
    if (!network) throw new NotChecked("this network of drand is not known here: drop a file with what it says at /info");
    if (!times.length) throw new Refusal("nothing in the file says when the plan was anchored");
    if (!times.some((time) => BigInt(one.round) === BigInt(roundAfter(network, time))))
      throw new Refusal("the round of drand is not the first after the plan's anchor");
    await pause();
    if (!isGenuine(network, one)) throw new Refusal("the signature of a round of drand is wrong");
  }
  const [{ chain, round }] = knownFirst;
  const network = networkOf(trust, { chain });
  return say("round {round} of drand {name}, published at {time}, is genuine", {
    round,
    name: network.name,
    time: timeOf(network, round),
  });
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
