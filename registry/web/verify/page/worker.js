// Verifies a file: in a worker, or in slices in the page itself where no worker may be started.
import { Refusal } from "../bytes/bytes.js";
import { verify } from "../checks/run.js";
import { summaryOf } from "../verdict/summary.js";

export const MAX_FILE_SIZE = 1024 * 1024 * 1024;

/** Reads and verifies a File; `tell` hears {check}, {id} or {done, total}, in the end {summary} or {problem}. */
export async function verifyFile(file, tell, pause) {
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    tell({ summary: summaryOf(await verify(bytes, tell, pause)) });
  } catch (error) {
    tell({ problem: error instanceof Refusal ? error.message : `${error.name}: ${error.message}` });
  }
}

export function startWorker(scope) {
  scope.onmessage = ({ data }) =>
    verifyFile(
      data.file,
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
