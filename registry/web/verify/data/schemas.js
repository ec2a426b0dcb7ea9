// The fields of every record, in the words of docs/format/records.md.
import {
  anyMap,
  bool,
  bytes,
  bytesOf,
  different,
  fields,
  file,
  integer,
  list,
  mapOf,
  mapWith,
  maybe,
  named,
  natural,
  oneOf,
  record,
  table,
  target,
  tensors,
  text,
  time,
  tuple,
  unsigned,
} from "./kinds.js";

const byKey = (cid) => cid.key;
const part = { metric: text, of: list(text), group: mapOf(text), class: maybe(text) };
const BLOCK = {
  chain: text,
  contract: text,
  transaction: text,
  blockNumber: integer,
  blockHash: text,
  time,
};
export const blockOfChain = fields(BLOCK);
const evmBlock = fields({ kind: oneOf("evm-block"), ...BLOCK });
const drandRound = fields({ kind: oneOf("drand"), chain: text, round: integer, signature: bytes });
const beacon = (value, where, links) => (value && value.kind === "drand" ? drandRound : evmBlock)(value, where, links);

const seen = fields({ images: integer, persons: integer, nearDuplicates: integer });
const origin = fields({ tensors: maybe(text), whole: bool, seen: maybe(seen) });
const baseSeen = fields({ tensors: maybe(text), seen: maybe(seen) });
const claim = fields({ metric: text, comparator: text, threshold: text, proof: text });
const method = fields({
  id: text,
  version: text,
  licence: text,
  library: maybe(text),
  task: text,
  losses: fields({ training: list(text), validation: list(text) }),
});
const metric = fields({
  ...part,
  value: maybe(text),
  low: maybe(text),
  high: maybe(text),
  n: integer,
  reason: maybe(text),
});
const spread = fields({ ...part, mean: text, lowest: text, highest: text, deviation: text });
const optimistic = fields({ ...part, value: text, threshold: text });
const groupTest = fields({
  ...part,
  difference: text,
  low: text,
  high: text,
  p: text,
  corrected: text,
  n: integer,
});
const overfitting = fields({
  name: text,
  epochs: maybe(integer),
  bestEpoch: maybe(integer),
  lastTrain: maybe(text),
  lastVal: maybe(text),
  lastGap: maybe(text),
  bestTrain: maybe(text),
  bestVal: maybe(text),
  bestGap: maybe(text),
});
const verdict = fields({
  metric: text,
  comparator: text,
  threshold: text,
  value: maybe(text),
  low: maybe(text),
  high: maybe(text),
  verdict: text,
  needed: maybe(integer),
  reason: maybe(text),
});
const note = fields({ code: text, values: anyMap });
const checkpoint = fields({ epoch: integer, cid: file, state: tensors });
const weights = fields({ fold: maybe(integer), format: text, cid: file, tensors: tensors });
const attempts = fields({ count: integer, number: integer });
const auditCheck = fields({
  id: text,
  result: oneOf("holds", "does not hold", "not checked"),
  reason: text,
  tolerance: maybe(text),
});

/** What each version of a record type after the first added, with what its absence means. */
export const STEPS = {
  snapshot: [{ trusted: [], use: null }],
  plan: [{ beacons: [], correction: "none" }],
  withdrawal: [{ issuer: null, contributor: null }],
  audit: [{ sample: null }],
  entry: [{ authority: null }],
  keys: [{ recovery: null }],
};

/** Fields by a record's type, beside `type` and `v`, in its newest version. */
export const SCHEMAS = {
  contribution: { issuer: text, rows: table("contribution.rows") },
  snapshot: {
    items: table("snapshot.items"),
    count: integer,
    classes: list(text),
    aliases: mapOf(integer),
    query: mapWith({ images: table("snapshot.query") }),
    rule: text,
    trusted: list(tuple(text, text)),
    use: maybe(fields({ override: maybe(text), licences: list(text), consent: bool })),
    contributions: different(record("contribution"), byKey),
    excluded: table("snapshot.excluded"),
    supersedes: maybe(named),
  },
  preprocessing: { snapshot: record("snapshot"), recipe: record("recipe"), output: table("preprocessing.output") },
  recipe: { name: text, method: text, version: integer, values: anyMap },
  environment: { values: mapOf(text) },
  plan: {
    preprocessing: record("preprocessing"),
    method,
    recipe: record("recipe"),
    code: text,
    environment: record("environment"),
    base: maybe(file),
    origin: maybe(origin),
    baseTrainings: list(named),
    seen: maybe(table("plan.seen")),
    seed: unsigned,
    metrics: list(text),
    groups: list(text),
    claims: list(claim),
    final: text,
    beacons: list(text),
    correction: oneOf("holm", "none"),
  },
  draw: { plan: record("plan"), beacons: list(beacon), seed: bytesOf(32), folds: table("draw.folds") },
  training: {
    draw: record("draw"),
    fold: maybe(integer),
    arguments: anyMap,
    hardware: mapOf(text),
    events: list(anyMap),
    base: maybe(baseSeen),
    weights: file,
    tensors: tensors,
    history: table("training.history"),
    checkpoints: list(checkpoint),
    started: time,
    ended: time,
  },
  evaluation: {
    draw: record("draw"),
    predictions: table("evaluation.predictions"),
    trainings: list(record("training")),
    thresholds: list(text),
    thresholdOfAll: text,
    metrics: list(metric),
    perFold: list(list(metric)),
    perRepeat: list(list(metric)),
    spread: list(spread),
    unseen: list(metric),
    seen: list(metric),
    curves: table("evaluation.curves"),
    confusion: list(list(integer)),
    several: list(integer),
    optimistic: list(optimistic),
    overfitting: list(overfitting),
    fairness: list(metric),
    tests: list(groupTest),
    verdicts: list(verdict),
    notes: list(note),
  },
  release: {
    draw: record("draw"),
    planEntry: record("entry"),
    trainings: different(record("training"), byKey),
    evaluation: record("evaluation"),
    weights: list(weights),
    card: file,
    licence: text,
    claims: list(verdict),
    attempts,
    supersedes: maybe(named),
  },
  withdrawal: {
    target: maybe(target),
    issuer: maybe(text),
    contributor: maybe(text),
    reason: text,
    remedy: oneOf("notice", "remove_bytes", "retrain"),
    effective: time,
    replacement: maybe(named),
  },
  audit: {
    target,
    levels: list(integer),
    environment: mapOf(text),
    checks: list(auditCheck),
    beacon: maybe(beacon),
    sample: maybe(fields({ count: integer, seed: bytesOf(32) })),
  },
  name: { name: text, target: named },
  profile: { name: text, url: maybe(text), contact: maybe(text) },
  issuer: { chains: list(tuple(text, text)) },
  keys: { successor: maybe(text), proof: maybe(bytes), revokedFrom: maybe(integer), recovery: maybe(text) },
  entry: {
    issuer: text,
    key: bytes,
    authority: maybe(record("entry")),
    seq: natural,
    prev: maybe(named),
    log: maybe(named),
    record: record(),
    issuedAt: time,
    alg: text,
    signature: bytes,
  },
  evidence: {
    entry: named,
    kind: oneOf("evm", "rfc3161", "opentimestamps", "witness"),
    statement: anyMap,
    proof: maybe(bytes),
  },
};

export const CHECKS = Object.fromEntries(Object.entries(SCHEMAS).map(([type, of]) => [type, fields(of)]));
