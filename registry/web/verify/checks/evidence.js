// 3.evidence and 3.stamped: proofs of authorities, of Bitcoin and of chains are not verified here, and that is said.
import { NotChecked } from "./outcome.js";

/** 3.evidence where the file holds a proof, 3.stamped where it holds evidence of another kind than a chain's. */
export function evidenceChecks(file) {
  const all = file.evidence.map((cid) => file.blocks.record(cid, "evidence"));
  const others = all.some(({ kind }) => kind !== "evm" && kind !== "witness");
  const proofs = others || all.some(({ kind, proof }) => kind === "evm" && proof?.length);
  return [...(proofs ? [["3.evidence", open]] : []), ...(others ? [["3.stamped", open]] : [])];
}

function open() {
  throw new NotChecked("timestamps are not verified here: emotionet audit does");
}
