// The draw: its seed, and the folds that follow from seed, groups and classes (docs/format/draw.md).
import { Refusal, compareBytes, concat, hex, unhex, utf8 } from "../bytes/bytes.js";
import { sha256 } from "../bytes/sha256.js";

export function eightBytes(number) {
  const bytes = new Uint8Array(8);
  const value = BigInt(number);
  if (value < 0n || value >= 1n << 64n) throw new Refusal("a seed that does not fit into 8 bytes");
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

/** How a plan names a beacon. */
export const nameOf = (beacon) => (beacon.kind === "drand" ? `drand:${beacon.chain}` : beacon.kind);

/** The 32 bytes by which a beacon enters the seed. */
export function beaconValue(beacon) {
  if (beacon.kind === "drand") return sha256(beacon.signature);
  if (!/^0x[0-9a-f]{64}$/.test(beacon.blockHash)) throw new Refusal("the beacon's block hash is not valid");
  return unhex(beacon.blockHash.slice(2));
}

export function drawSeed(planCid, seed, values) {
  if (planCid.length !== 36 || hex(planCid.subarray(0, 4)) !== "01711220")
    throw new Refusal("the plan's CID is not valid");
  if (values.some((value) => value.length !== 32)) throw new Refusal("a beacon's value that is not 32 bytes");
  return sha256(utf8("emotionet draw 1\n"), planCid, eightBytes(seed), ...values);
}

/** Fold by image (hex of its sha256), of images [{name, sha256, group, cls}]. */
function drawOnce(images, k, seed) {
  const groups = new Map();
  for (const image of images) {
    if (!groups.has(image.group)) groups.set(image.group, []);
    groups.get(image.group).push(image);
  }
  if (k < 2 || groups.size < k) throw new Refusal("fewer groups than folds");
  const queue = [...groups.values()].map((members) => {
    const least = members.reduce((a, b) => (compareBytes(b.sha256, a.sha256) < 0 ? b : a));
    return { members, order: sha256(seed, least.sha256) };
  });
  queue.sort((a, b) => b.members.length - a.members.length || compareBytes(a.order, b.order));
  const totals = new Map();
  for (const { cls } of images) totals.set(cls, (totals.get(cls) ?? 0) + 1);
  const folds = Array.from({ length: k }, () => ({ count: new Map(), sum: 0 }));
  const drawn = new Map();
  for (const { members } of queue) {
    const fold = cheapest(folds, members, totals, k);
    for (const { name, cls } of members) {
      drawn.set(name, fold);
      folds[fold].count.set(cls, (folds[fold].count.get(cls) ?? 0) + 1);
      folds[fold].sum += 1;
    }
  }
  if (folds.some((fold) => fold.sum === 0)) throw new Refusal("a fold without an image");
  return drawn;
}

function cheapest(folds, members, totals, k) {
  const added = new Map();
  for (const { cls } of members) added.set(cls, (added.get(cls) ?? 0) + 1);
  let best = 0;
  let least = null;
  folds.forEach((fold, f) => {
    let cost = 0n;
    for (const [cls, more] of added) {
      const has = fold.count.get(cls) ?? 0;
      const total = totals.get(cls);
      cost += BigInt(k * (has + more) - total) ** 2n - BigInt(k * has - total) ** 2n;
    }
    if (least === null || cost < least.cost || (cost === least.cost && fold.sum < least.sum)) {
      least = { cost, sum: fold.sum };
      best = f;
    }
  });
  return best;
}

/** Rows of draw.folds, sorted: of kept images [{sha256, group (hex), cls}], `repeats` times `k` folds. */
export function drawFolds(images, k, repeats, seed) {
  const named = images.map((image) => ({ ...image, name: hex(image.sha256) }));
  named.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  const rounds = [];
  for (let repeat = 0; repeat < repeats; repeat++) {
    rounds.push(drawOnce(named, k, repeat === 0 ? seed : sha256(seed, eightBytes(repeat))));
  }
  return named.flatMap(({ name, sha256: image }) =>
    rounds.map((drawn, repeat) => ({ sha256: image, repeat, fold: repeat * k + drawn.get(name) })),
  );
}

/** Name of each member's group, the smallest member; `pairs` belong together. Members are hex. */
export function groupNames(members, pairs) {
  const parent = new Map(members.map((member) => [member, member]));
  const find = (member) => {
    while (parent.get(member) !== member) {
      parent.set(member, parent.get(parent.get(member)));
      member = parent.get(member);
    }
    return member;
  };
  for (const [a, b] of pairs) {
    if (!parent.has(a) || !parent.has(b)) throw new Refusal("a pair with somebody who is no member");
    const [x, y] = [find(a), find(b)];
    if (x < y) parent.set(y, x);
    else parent.set(x, y);
  }
  return new Map(members.map((member) => [member, find(member)]));
}
