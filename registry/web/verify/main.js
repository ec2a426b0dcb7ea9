// Where the page begins: in a page it draws the page, in a worker that the page starts it verifies what it is sent.
import { startPage } from "./page/page.js";
import { startWorker } from "./page/worker.js";

if (typeof document === "undefined") startWorker(globalThis);
else startPage(document);
