// All checks, one after the other; one that fails stops no other.
import { fillIn, Missing, Newer, Refusal, Unusable } from "../bytes/bytes.js";
import { level5, level7, level8 } from "./deep.js";
import { drandChecks } from "./drand.js";
import { evidenceChecks } from "./evidence.js";
import { ReleaseFile } from "./file.js";
import { evaluate, furtherChecks, level6 } from "./level6.js";
import { level1 } from "./level1.js";
import { level2 } from "./level2.js";
import { level3 } from "./level3.js";
import { level4 } from "./level4.js";
import { NotChecked } from "./outcome.js";
import { View } from "./view.js";
import { witnessedChecks } from "./witnessed.js";
import { nobody } from "../proofs/trust.js";

export const HOLDS = "holds";
export const FAILS = "does not hold";
export const OPEN = "not checked";

// Checks of levels 1 and 2 that may be open: images are left out on purpose, nobody signed a row, the whole log is needed.
export const MAY_BE_OPEN = ["1.images", "2.labels", "2.query"];
const ALWAYS = [...level1, ...level2];

/**
 * Verifies a file: {checks, holds, target, type, issuer, entry, view}. `tell` hears of each check as it begins ({id}) and
 * as it ends (the check), and of blocks read ({done, total} in bytes). `pause` is awaited now and then, so that a page
 * that runs this stays live. `trust`: whom the reader trusts, beside what the file says.
 */
export async function verify(bytes, tell = () => {}, pause = async () => {}, trust = nobody()) {
  const checks = [];
  let file;
  tell({ id: "1.file" });
  try {
    file = new ReleaseFile(bytes);
    await file.open(pause, (done) => tell({ done, total: bytes.length }));
    void file.targetCid;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const check = outcomeOf("1.file", error);
    tell(check);
    const nothing = { target: null, type: null, issuer: null, entry: null, view: null };
    return { checks: [check], holds: false, ...nothing, unusable: unusable(error) };
  }
  const audit = auditOf(file, pause, trust);
  for (const [id, make] of listOf(audit)) {
    tell({ id });
    await pause();
    const check = await oneCheck(id, make, audit);
    checks.push(check);
    tell(check);
  }
  const { cid, type, entry } = file.target;
  const found = { target: cid, type, issuer: file.issuer, entry, view: audit.view };
  return { checks, holds: isHolding(checks), ...found, unusable: unusable(file.fault) };
}

// Facts of a file that is no release, or not the whole of one.
const unusable = (error) => (error instanceof Unusable ? { file: error.file, kind: error.kind } : null);

function auditOf(file, pause, trust) {
  const view = new View(file);
  let made = null;
  return { file, view, pause, trust, evaluation: () => (made ??= evaluate(view, pause)) };
}

function listOf(audit) {
  const { file, view } = audit;
  const trees = witnessedChecks(audit);
  if (file.target.type === "snapshot") return [...ALWAYS, ...trees, level4[0]];
  if (file.target.type !== "release") return [...ALWAYS, ...trees];
  let further = [];
  try {
    further = [...drandChecks(view), ...evidenceChecks(audit), ...furtherChecks(view)];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  return [...ALWAYS, ...level3, ...trees, ...level4, ...level5, ...level6, ...further, ...level7, ...level8];
}

async function oneCheck(id, make, audit) {
  try {
    const found = await make(audit);
    return { id, result: HOLDS, template: "", values: {}, reason: "", ...(found ? spoken(found) : {}) };
  } catch (error) {
    return outcomeOf(id, error);
  }
}

const spoken = ({ template, values }) => ({ template, values, reason: fillIn(template, values) });

// A refusal says why. Anything else that goes wrong while a stranger's bytes are read is a refusal too: never a pass.
function outcomeOf(id, error) {
  const isRefusal = error instanceof Refusal;
  const isLacking = error instanceof Missing;
  const isNewer = error instanceof Newer;
  const isOpen = isLacking || isNewer || error instanceof NotChecked;
  const found = isRefusal ? error : { template: "the check broke off: {why}", values: { why: String(error.message) } };
  return { id, result: isOpen ? OPEN : FAILS, isNewer, isLacking, ...spoken(found) };
}

function isHolding(checks) {
  return checks.every(
    ({ id, result, isLacking }) =>
      result === HOLDS || (result === OPEN && !isLacking && (!/^[12]\./.test(id) || MAY_BE_OPEN.includes(id))),
  );
}
