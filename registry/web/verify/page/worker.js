// Verifies a file: in a worker, or in slices in the page itself where no worker may be started.
import { Refusal } from "../bytes/bytes.js";
import { plainProof, verifyAny } from "../proofs/files.js";
import { nobody, takeTrust } from "../proofs/trust.js";
import { summaryOf } from "../verdict/summary.js";

export const MAX_FILE_SIZE = 1024 * 1024 * 1024;

/**
 * Reads and verifies a File by what the texts beside it say that the reader trusts; `tell` hears {check}, {id} or
 * {done, total}, in the end {summary} or {problem}.
 */
export async function verifyFile(file, texts, tell, pause) {
  try {
    const trust = nobody();
    for (const text of texts) takeTrust(trust, text);
    const bytes = new Uint8Array(await file.arrayBuffer());
    tell({ summary: plain(await verifyAny(bytes, tell, pause, trust)) });
  } catch (error) {
    tell({ problem: error instanceof Refusal ? error.message : `${error.name}: ${error.message}` });
  }
}

function plain({ kind, found, ...result }) {
  if (kind === "record") return { kind, ...summaryOf(result) };
  return { kind, found: kind === "proof" && found ? plainProof(found) : found, ...result };
}

export function startWorker(scope) {
  scope.onmessage = ({ data }) =>
    verifyFile(
      data.file,
      data.texts,
      (event) => scope.postMessage(event),
      async () => {},
    );
}

/** Lets the page draw and listen, but not more often than every 40 ms. */
export function slices() {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < 40) return;
    await new Promise((resolve) => setTimeout(resolve));
    last = performance.now();
  };
}
