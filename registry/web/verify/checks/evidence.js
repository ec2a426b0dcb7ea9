// 3.evidence and 3.stamped: proofs of authorities and of Bitcoin, by the roots that the reader gives. Proofs of a chain's
// state are not verified here, and that is said.
import { Refusal } from "../bytes/bytes.js";
import { cidOfBytes } from "../bytes/cid.js";
import { verifyOts } from "../stamps/opentimestamps.js";
import { verifyStamp } from "../stamps/rfc3161.js";
import { NotChecked, say } from "./outcome.js";

const MOST = 64; // pieces that are looked at
const STAMP = "rfc3161";
const KINDS = { [STAMP]: verifyStamp, opentimestamps: verifyOts };
const seconds = (earlier, later) => (Date.parse(later) - Date.parse(earlier)) / 1000;
const certain = ({ time, within }) => Date.parse(time) + within * 1000;

/** Evidence as [{entry, kind, statement, proof}]. */
const all = (file) =>
  file.evidence.map((cid) => file.blocks.record(cid, "evidence")).map((one) => ({ ...one, entry: cidOfBytes(one.entry) }));
const isStamp = ({ kind }) => kind !== "evm" && kind !== "witness";
const isProof = (one) => isStamp(one) || (one.kind === "evm" && Boolean(one.proof?.length));

/** 3.evidence where the file holds a proof, 3.stamped where it holds evidence of another kind than a chain's. */
export function evidenceChecks({ file }) {
  const found = all(file);
  const checks = found.some(isProof) ? [["3.evidence", evidence]] : [];
  return found.some(isStamp) ? [...checks, ["3.stamped", stamped]] : checks;
}

function shownBy(one, trust) {
  if (one.kind === "evm") throw new NotChecked("proofs of a chain's state are not verified here: emotionet audit does");
  if (!Object.hasOwn(KINDS, one.kind))
    throw new NotChecked("evidence of kind {kind} is not known here", { kind: one.kind.slice(0, 40) });
  return { ...KINDS[one.kind](one, one.entry.digest, trust), entry: one.entry, kind: one.kind };
}

/** What the evidence that verifies shows: [{entry, kind, by, time, within}]. */
function shown({ file, trust }) {
  const pieces = all(file).filter(isStamp).slice(0, MOST);
  return pieces.flatMap((one) => {
    try {
      return [shownBy(one, trust)];
    } catch (error) {
      if (error instanceof Refusal) return []; // 3.evidence says so
      throw error;
    }
  });
}

async function evidence({ file, trust, pause }) {
  const pieces = all(file).filter(isProof);
  let open = null;
  const held = [];
  for (const one of pieces.slice(0, MOST)) {
    await pause();
    try {
      held.push(shownBy(one, trust));
    } catch (error) {
      if (!(error instanceof NotChecked)) throw error;
      open ??= error;
      continue;
    }
    const { time, within } = held[held.length - 1];
    const entry = file.entry(one.entry);
    if (entry && seconds(time, entry.issuedAt) > within)
      throw new Refusal("a timestamp is older than the entry in it");
  }
  if (!held.length) throw open;
  const [{ by, time }] = held;
  return say("{count} of {of} {of|piece|pieces} of evidence {count|holds|hold}: first {by}, {time}", {
    count: held.length,
    of: pieces.length,
    by,
    time,
  });
}

const earliest = (found) => found.reduce((a, b) => (a && certain(a) <= certain(b) ? a : b), null);

function stamped(audit) {
  const { file, view } = audit;
  if (file.target.type !== "release") throw new NotChecked("only a release has a plan and trainings");
  const plan = earliest(shown(audit).filter(({ entry }) => entry.key === view.release.planEntry.key));
  if (!plan) throw new NotChecked("no evidence that verifies here shows when the plan was there");
  const early = view.trainings.find(({ started }) => seconds(started, plan.time) > plan.within);
  if (early && (plan.kind !== STAMP || view.draw.beacons.some(({ kind }) => kind === "evm-block")))
    throw new NotChecked("the plan is shown only after trainings had begun: another anchor counted");
  if (early) throw new Refusal("the training of fold {fold} began before its plan was stamped", { fold: early.fold ?? "-" });
  return say("the plan was there at {time}, by {by}; trainings by the issuer's own clock", {
    time: plan.time,
    by: plan.by,
  });
}

/** What stamps show of the order of plan and release; null where they show none. Refuses where they show the contrary. */
export function orderByStamps(audit) {
  const { file, view } = audit;
  const own = file.entry(file.target.entry);
  const isFrom = (entry) => entry && entry.issuer === file.issuer && BigInt(entry.seq) >= BigInt(own.seq);
  const found = shown(audit);
  const first = earliest(found.filter(({ entry }) => entry.key === view.release.planEntry.key));
  const last = earliest(found.filter(({ entry }) => isFrom(file.entry(entry))));
  if (!first || !last) return null;
  const isOneClock = first.kind === STAMP && last.kind === STAMP && first.by === last.by;
  if (seconds(last.time, first.time) > (isOneClock ? 0 : Math.max(first.within, last.within)))
    throw new Refusal("timestamps show the plan only after the release");
  if (first.time >= last.time) return null;
  return say("plan at {plan} by {by}, release at {release}; an earlier, secret training this can't exclude", {
    plan: first.time,
    by: first.by,
    release: last.time,
  });
}
