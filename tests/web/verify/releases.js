// Verifies CAR files and prints a line of JSON for each: what the page shows of it. Called as: node releases.js SCRIPT FILE...
"use strict";
const fs = require("node:fs");
const path = require("node:path");
require(path.resolve(process.argv[2]));
const v = globalThis.verifier;

async function main() {
  for (const file of process.argv.slice(3)) {
    const summary = v.summaryOf(await v.verify(new Uint8Array(fs.readFileSync(file))));
    const { checks, holds, target, type, issuer, entry, verdict } = summary;
    console.log(JSON.stringify({ file: path.basename(file), checks, holds, target, type, issuer, entry, verdict }));
  }
}

main();
