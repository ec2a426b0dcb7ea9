// 3.evidence and 3.stamped: proofs of authorities and of Bitcoin are not verified here, and that is said.
import { NotChecked } from "./outcome.js";

/** Both checks, where the file holds evidence of another kind than a chain's. */
export function evidenceChecks(file) {
  const others = file.evidence.map((cid) => file.blocks.record(cid, "evidence")).filter(({ kind }) => kind !== "evm");
  return others.length ? ["3.evidence", "3.stamped"].map((id) => [id, open]) : [];
}

function open() {
  throw new NotChecked("timestamps are not verified here: emotionet audit does");
}
