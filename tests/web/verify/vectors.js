// Runs the verifier on the vectors of tests/vectors/format-1 (FOLDER), and on those of the verdict's sentences beside it. Prints a line of JSON for each that it answers otherwise,
// and one with the number of vectors for each family. Called as: node vectors.js SCRIPT FOLDER [FAMILY...]
"use strict";
const fs = require("node:fs");
const path = require("node:path");
require(path.resolve(process.argv[2]));
const v = globalThis.verifier;

const narrow = (n) => (n <= BigInt(Number.MAX_SAFE_INTEGER) && n >= BigInt(Number.MIN_SAFE_INTEGER) ? Number(n) : n);

/** DAG-JSON as the verifier's own values. */
function value(json) {
  if (typeof json === "bigint") return narrow(json);
  if (Array.isArray(json)) return json.map(value);
  if (json === null || typeof json !== "object") return json;
  const link = json["/"];
  if (typeof link === "string") return v.cidOfText(link);
  if (link) return Uint8Array.from(Buffer.from(link.bytes, "base64"));
  const map = Object.create(null);
  for (const key in json) map[key] = value(json[key]);
  return map;
}

const plain = (of) =>
  JSON.stringify(of, (_, x) =>
    x instanceof v.CID
      ? { "/": x.text }
      : x instanceof Uint8Array
        ? { "/": { bytes: Buffer.from(x).toString("base64").replace(/=+$/, "") } }
        : typeof x === "bigint"
          ? String(x)
          : x,
  );

function blocksOf(list) {
  const blocks = new v.Blocks();
  for (const block of list) blocks.put(v.cidOfBlock(block), block);
  return blocks;
}

const fractions = (row) => row.map(([a, b, c, d]) => ({ value: v.frac(a, b), worth: v.frac(c, d) }));
const at = (columns, row) => columns.map((name) => row[name]);
const SENTENCES = "sentences";

const FAMILIES = {
  "car-files": ({ file }) => {
    const { roots, sections, fault } = v.readCar(file);
    if (fault) throw fault;
    for (const [cid, block] of sections) if (!v.hashesTo(cid, block)) v.refuse("a block does not hash to its CID");
    return { roots, blocks: sections };
  },
  cbor: ({ block }) => {
    const found = v.decode(block);
    if (plain(v.encode(found)) !== plain(block)) throw new Error("not written as it was read");
    return found;
  },
  cids: ({ text, bytes }) => {
    const cid = text === undefined ? v.cidOfBytes(bytes) : v.cidOfText(text);
    return {
      version: cid.version,
      codec: cid.codec,
      hash: cid.hash,
      digest: cid.digest,
      bytes: cid.bytes,
      text: cid.text,
    };
  },
  entries: ({ block }) => {
    const cid = v.cidOfBlock(block);
    const entry = blocksOf([block]).record(cid, "entry");
    v.checkEntry(entry, blocksOf([block]));
    const signed = v.signedBytes(entry);
    return { entry: cid, issuer: entry.issuer, signed, digest: v.sha256(signed) };
  },
  logs: ({ blocks, newest, until }) => v.walk(blocksOf(blocks), newest, until).map((entry) => entry.seq),
  handovers: ({ blocks, newest, until }) => v.walk(blocksOf(blocks), newest, until).map((entry) => entry.seq),
  tables: makeTable,
  "table-blocks": ({ blocks, table }) => v.readRows(blocksOf(blocks), table),
  labels: ({ label }) => v.normal(label),
  snapshots: (input) => {
    const taken = (list) => (rows) =>
      list.some((name) => rows.some((row) => v.equal(row.sha256, name) || v.equal(row.cid, name)));
    const decided = v.decide({ ...input, isWithdrawn: taken(input.withdrawn), isMissing: taken(input.missing) });
    const columns = (kind) => v.TABLES[kind].columns;
    return {
      items: decided.items.map((row) => at(columns("snapshot.items"), row)),
      excluded: decided.excluded.map((row) => at(columns("snapshot.excluded"), row)),
    };
  },
  seeds: ({ plan, seed, values }) => v.drawSeed(plan, seed, values),
  groups: ({ members, pairs }) => {
    const names = v.groupNames(
      members.map(v.hex),
      pairs.map((pair) => pair.map(v.hex)),
    );
    return [...names]
      .map((pair) => pair.map((x) => Uint8Array.from(Buffer.from(x, "hex"))))
      .sort((a, b) => Buffer.compare(a[0], b[0]));
  },
  folds: ({ images, k, repeats, seed }) =>
    v
      .drawFolds(
        images.map(([sha256, group, cls]) => ({ sha256, group: v.hex(group), cls })),
        k,
        repeats,
        seed,
      )
      .map(({ sha256, repeat, fold }) => [sha256, repeat, fold]),
  tensors: ({ file, folder, checkpoint }) => {
    if (file) return v.tensorsDigest(file);
    return folder
      ? v.readFolder(new Map(Object.entries(folder))).digest
      : v.checkpointDigest(new Map(Object.entries(checkpoint)));
  },
  "figure-names": v.figureName,
  verdicts: ({ claim, figure }) => v.judge(claim, figure),
  corrections: ({ verdicts, correction, attempts, figures: of }) => v.corrected(verdicts, correction, attempts, of),
  intervals: interval,
  releases: release,
  proofs: proof,
  inclusions: ({ proof: bytes, entry }) => {
    const { index, hashes, note } = v.readProof(bytes);
    const { issuer, size, root } = v.signedCheckpoint(note, (did, address) => did.endsWith(address));
    v.checkInclusion(v.leafHash(entry.bytes), index, size, root, hashes);
    return { index: Number(index), issuer, root, size: Number(size) };
  },
  cosignatures: ({ note, witnesses }) =>
    [...v.cosigners(v.readNote(note), witnesses.map(v.readKey))].map(([key, time]) => [key, Number(time)]),
  forks: (document) => {
    const { issuer, what } = v.verifyEquivocation(document);
    return { issuer, kind: what };
  },
  rounds: (one) => (v.isGenuine(v.QUICKNET, one) ? v.timeOf(v.QUICKNET, one.round) : v.refuse("not genuine")),
  [SENTENCES]: (facts) => v.verdictDocument(v.verdictOf(facts)),
  figures,
};

function makeTable({ columns, key, kind, rows, generated, long }) {
  const list =
    rows ??
    Array.from({ length: generated }, (_, i) => [v.sha256(Buffer.from(String(i))), long ? "x".repeat(long) : i % 5]);
  const places = key.map((name) => columns.indexOf(name));
  const keyOf = (row) => places.map((place) => row[place]);
  list.sort((a, b) => v.compareKeys(keyOf(a), keyOf(b)));
  const blocks = new v.Blocks();
  const { cid: root, levels } = v.build(list, places, (cid, block) => blocks.put(cid, block));
  const header = v.encode({ v: 1, type: "table", kind, columnsVersion: 1, columns, key, count: list.length, root });
  const table = v.cidOfBlock(header);
  blocks.put(table, header);
  v.readRows(blocks, table);
  const bytes = [...blocks.byKey.values()].reduce((sum, block) => sum + block.length, 0);
  return { table, root, levels: levels.reverse(), bytes };
}

async function interval(input) {
  const [kind] = Object.keys(input);
  const of = input[kind];
  if (kind === "philox") return v.rawNumbers(of.key[0], of.key[1], of.count);
  if (input.draws) {
    const { bags, weights } = v.drawRounds(input.draws, input.rounds, input.seed);
    return Array.from({ length: input.rounds }, (_, i) => [...weights.subarray(i * bags, (i + 1) * bags)]);
  }
  if (kind === "worth") {
    const counts = new Map();
    of.persons.forEach((person, i) => {
      const [n, h] = counts.get(person) ?? [0, 0];
      counts.set(person, [n + 1, h + of.right[i]]);
    });
    const list = [...counts.values()];
    const found = v.worth(
      list.map((c) => c[0]),
      list.map((c) => c[1]),
      v.frac(of.repeats),
    );
    return reduced(found);
  }
  if (kind === "wilson") return v.wilsonInterval(v.frac(of[0], of[1]), v.frac(of[2], of[3]));
  if (kind === "bootstrapped") return v.bootstrapped(v.frac(of[0], of[1]), of[2], of[3]);
  if (input.gap) return v.gapInterval(input.gap.map(fractions), input.rounds, input.seed, async () => {});
  if (kind === "worst") return v.worstInterval(fractions(of));
  if (kind === "ratio") return v.ratioInterval(of.map(fractions));
  if (kind === "quantile") return String(v.quantile(v.frac(of[0], of[1])) / 10n ** 45n).replace(/(\d{15})$/, ".$1");
  if (kind === "significance") {
    const { p, low, high } = v.significance(of);
    return [p, low, high].map(v.six);
  }
  return v.six(v.frac(of[0], of[1]));
}

function reduced({ n, d }) {
  const gcd = (a, b) => (b ? gcd(b, a % b) : a);
  const by = gcd(n, d);
  return [Number(n / by), Number(d / by)];
}

async function figures({ classes, curves, images, plan, predictions, recipe, seen, trainings }) {
  const { threshold: rule } = recipe;
  const persons = new Map(images.map((image) => [v.hex(image.sha256), v.hex(image.group)]));
  const attributes = new Map(images.map((image) => [v.hex(image.sha256), image.attributes]));
  const sources = new Map(images.map((image) => [v.hex(image.sha256), image.sources ?? {}]));
  const repeats = Math.max(1, ...predictions.map((row) => Math.floor(row.fold / rule.k) + 1));
  const judgements = v.judgementsOf(predictions, classes.length, persons, rule.k);
  const claims = plan.claims.map((claim) => {
    const [metric, comparator, number] = claim.split(/ (>=|<=) /);
    return {
      metric,
      comparator,
      threshold: v.six({ n: BigInt(Math.round(Number(number) * 1e6)), d: 1000000n }),
      proof: "interval",
    };
  });
  const e = new v.Evaluation(
    judgements,
    {
      names: classes,
      seed: plan.seed,
      rounds: recipe.rounds,
      minGroup: recipe.min_group,
      rule,
      repeats,
      groups: plan.groups,
      attributesOf: (image) => attributes.get(image) ?? {},
      sourcesOf: (image) => sources.get(image) ?? {},
      claims,
      final: plan.final,
      origin: plan.origin,
      losses: plan.losses,
      seen: new Set(seen.map(v.hex)),
    },
    trainings,
  );
  const [unseen, wereSeen] = await e.seenApart();
  return {
    ...e.calls,
    curves: curves ? Object.fromEntries(e.curves) : null,
    fairness: await e.fairness(),
    metrics: await e.metrics(),
    notes: await e.notes(),
    optimistic: e.optimistic,
    overfitting: e.overfitting,
    per_fold: await e.perFold(),
    per_repeat: await e.perRepeat(),
    seen: wereSeen,
    spread: await e.spread(),
    tests: e.tests(),
    threshold_of_all: e.thresholdOfAll,
    thresholds: e.writtenThresholds,
    unseen,
    verdicts: await e.verdicts(),
  };
}

function honestSections() {
  const folder = process.argv[3];
  return v.readCar(new Uint8Array(fs.readFileSync(path.join(folder, "..", "release-1", "release.car")))).sections;
}

function carOf(roots, sections) {
  const header = v.encode({ roots, version: 1 });
  const parts = [v.varint(header.length), header];
  for (const [cid, block] of sections) parts.push(v.varint(cid.bytes.length + block.length), cid.bytes, block);
  return v.concat(...parts);
}

/** The honest release's file, changed as a vector says. */
function changed({ roots, without, blocks }) {
  const left = new Set(without.map((cid) => cid.key));
  return carOf(roots, [...honestSections().filter(([cid]) => !left.has(cid.key)), ...blocks]);
}

/** What a proof shows, whose file is these blocks and those of the honest release that a vector names. */
function proof({ roots, of, blocks }) {
  const honest = new Map(honestSections().map(([cid, block]) => [cid.key, block]));
  return v.verifyProof(carOf(roots, [...blocks, ...of.map((cid) => [cid, honest.get(cid.key)])]));
}

async function release(input) {
  const { checks, holds } = await v.verify(changed(input));
  return { checks, holds };
}

// Of a release a verifier finds those failures that it looks for; it holds where it finds none.
function releaseDiffers({ checks, holds }, { fails }) {
  const made = checks.filter(({ result }) => result !== "not checked").map(({ id }) => id);
  const found = checks.filter(({ result }) => result === "does not hold").map(({ id }) => id);
  const reasons = checks.filter(({ result }) => result === "does not hold").map(({ id, reason }) => `${id}: ${reason}`);
  const open = new Set(checks.filter(({ result }) => result === "not checked").map(({ id }) => id));
  const wanted = fails.filter((id) => made.includes(id) || (open.has(id) && !NOT_MADE.includes(id)));
  const wrong = [...wanted.filter((id) => !found.includes(id)), ...found.filter((id) => !fails.includes(id))];
  if (wrong.length) return `differs in ${wrong.join(", ")} (${reasons.join("; ")})`;
  return holds === (found.length === 0) ? null : `holds: ${holds}`;
}

const NOT_MADE = ["4.arguments", "4.attempts", "6.card"];

/** Where two values differ first, as a path; null where they are equal. */
function difference(a, b, where = "") {
  if (a && b && typeof a === "object" && typeof b === "object" && !(a instanceof Uint8Array) && !(a instanceof v.CID)) {
    for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
      const found = difference(a[key], b[key], `${where}/${key}`);
      if (found) return found;
    }
    return null;
  }
  return v.equal(a, b) ? null : `${where}: ${plain(a)} for ${plain(b)}`;
}

// The verdict's vectors are a list of their own: the facts, and the document that follows.
function readFamily(folder, family) {
  if (family !== SENTENCES) return v.parseJson(fs.readFileSync(path.join(folder, family + ".json"), "utf-8"));
  const list = v.parseJson(fs.readFileSync(path.join(folder, "..", "verdicts.json"), "utf-8"));
  return { vectors: list.map(({ name, facts, verdict }) => ({ name, input: facts, expected: verdict })) };
}

async function main() {
  const folder = process.argv[3];
  const families = process.argv.slice(4);
  for (const family of families.length ? families : Object.keys(FAMILIES)) {
    const { vectors } = readFamily(folder, family);
    for (const vector of vectors) {
      const wrong = await answer(family, vector);
      if (wrong) console.log(JSON.stringify({ family, name: vector.name, wrong }));
    }
    console.log(JSON.stringify({ family, vectors: vectors.length }));
  }
}

async function answer(family, vector) {
  let found;
  try {
    found = await FAMILIES[family](value(vector.input));
  } catch (error) {
    if (!(error instanceof v.Refusal)) return String(error.stack);
    const kind = error instanceof v.Newer ? "newer_version" : "refused";
    if (!("refused" in vector)) return `refused: ${error.message}`;
    return (vector.refused === "newer_version") === (kind === "newer_version") ? null : `${kind}: ${error.message}`;
  }
  if ("refused" in vector) return `taken, but ${vector.why}`;
  if (family === "releases") return releaseDiffers(found, vector.expected);
  const expected = family === "cbor" ? value(v.parseJson(vector.expected)) : value(vector.expected);
  return difference(found, expected);
}

main();
