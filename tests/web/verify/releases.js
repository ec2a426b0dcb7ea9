// Verifies files and prints a line of JSON for each: what the page shows of it. Called as:
// node releases.js SCRIPT [--trust=FILE...] FILE...
"use strict";
const fs = require("node:fs");
const path = require("node:path");
require(path.resolve(process.argv[2]));
const v = globalThis.verifier;

async function main() {
  const given = process.argv.slice(3);
  const trust = v.nobody();
  for (const one of given.filter((name) => name.startsWith("--trust="))) {
    if (!v.takeTrust(trust, fs.readFileSync(one.slice(8), "utf-8"))) throw new Error(`no trust in ${one}`);
  }
  for (const file of given.filter((name) => !name.startsWith("--trust="))) {
    const found = await v.verifyAny(new Uint8Array(fs.readFileSync(file)), undefined, undefined, trust);
    const summary = found.kind === "record" ? v.summaryOf(found) : found;
    const { checks, holds, target, type, issuer, entry, verdict } = summary;
    console.log(JSON.stringify({ file: path.basename(file), checks, holds, target, type, issuer, entry, verdict }));
  }
}

main();
