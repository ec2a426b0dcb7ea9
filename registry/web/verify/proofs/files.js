// What a file is, and its checks: a release's CAR or another record's, a proof about a picture, two histories of a log.
import { fillIn, hex, Newer, Refusal } from "../bytes/bytes.js";
import { FAILS, HOLDS, OPEN, verify } from "../checks/run.js";
import { equivocationIn, verifyEquivocation } from "../tlog/equivocation.js";
import { isProof, verifyProof } from "./picture.js";
import { nobody } from "./trust.js";

/** As `verify`, with `kind`: record; or proof or fork, of which `found` is what the file shows (null: nothing). */
export async function verifyAny(bytes, tell = () => {}, pause = async () => {}, trust = nobody()) {
  const fork = equivocationIn(bytes);
  if (fork) return alone("fork", tell, () => verifyEquivocation(fork));
  if (isProof(bytes)) return alone("proof", tell, () => verifyProof(bytes));
  return { kind: "record", ...(await verify(bytes, tell, pause, trust)) };
}

// A file of which one check decides.
function alone(id, tell, read) {
  tell({ id });
  let found = null;
  let said = { template: "", values: {} };
  try {
    found = read();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    said = error;
  }
  const { template, values } = said;
  const result = found ? HOLDS : said instanceof Newer ? OPEN : FAILS;
  const check = { id, result, template, values, reason: fillIn(template, values) };
  tell(check);
  return { kind: id, found, checks: [check], holds: found !== null };
}

/** What a proof shows as plain values, which can be sent from a worker. */
export const plainProof = ({ image, uses }) => ({
  image: hex(image),
  uses: uses.map(({ entry, record, snapshot, ...rest }) => ({
    ...rest,
    entry: entry.text,
    record: record.text,
    snapshot: snapshot.text,
  })),
});
