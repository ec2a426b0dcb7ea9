// What evidence of timestamps shows: reads a list of {kind, statement, proof, digest, trust: [text]} (bytes as hex) from a
// file and prints for each {time, by}, {open} or {refused}. Called as: node stamps.js SCRIPT FILE
"use strict";
const fs = require("node:fs");
const path = require("node:path");
require(path.resolve(process.argv[2]));
const v = globalThis.verifier;

function shown({ kind, statement, proof, digest, trust: texts }) {
  const trust = v.nobody();
  for (const text of texts) if (!v.takeTrust(trust, text)) throw new Error(`no trust in ${text}`);
  const verify = { rfc3161: v.verifyStamp, opentimestamps: v.verifyOts }[kind];
  const said = Object.assign(Object.create(null), statement);
  try {
    const { time, by } = verify({ statement: said, proof: v.unhex(proof) }, v.unhex(digest), trust);
    return { time, by };
  } catch (error) {
    if (error instanceof v.NotChecked) return { open: error.message };
    if (error instanceof v.Refusal) return { refused: error.message };
    throw error;
  }
}

for (const one of JSON.parse(fs.readFileSync(process.argv[3], "utf-8"))) console.log(JSON.stringify(shown(one)));
