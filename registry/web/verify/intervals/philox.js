// Philox 4x64-10: the upper halves of its raw numbers, which are all that the format uses; and who is drawn in which
// round of a bootstrap.

const M0 = [0xd2e7470e, 0xe14c6c93];
const M1 = [0xca5a8263, 0x95121157];
const BUMP0 = [0x9e3779b9, 0x7f4a7c15];
const BUMP1 = [0xbb67ae85, 0x84caa73b];
const MAX_BAGS = 1024;

let high = 0;
let low = 0;

// Sets `high` and `low` to the halves of the product of two 32-bit numbers.
function multiply(a, b) {
  const al = a & 0xffff,
    ah = a >>> 16,
    bl = b & 0xffff,
    bh = b >>> 16;
  const ll = al * bl,
    lh = al * bh,
    hl = ah * bl;
  const middle = (ll >>> 16) + (lh & 0xffff) + (hl & 0xffff);
  low = ((middle << 16) | (ll & 0xffff)) >>> 0;
  high = ah * bh + (lh >>> 16) + (hl >>> 16) + (middle >>> 16);
}

const product = new Uint32Array(4);

// The 128 bits of m times x, words from the highest.
function wide(m, xh, xl) {
  multiply(m[1], xl);
  const p3 = low;
  let carry = high;
  multiply(m[0], xl);
  let sum = carry + low;
  let upper = high + (sum > 0xffffffff ? 1 : 0);
  sum >>>= 0;
  multiply(m[1], xh);
  const sum2 = sum + low;
  const p2 = sum2 >>> 0;
  let p1 = upper + high + (sum2 > 0xffffffff ? 1 : 0);
  let p0 = p1 > 0xffffffff ? 1 : 0;
  p1 >>>= 0;
  multiply(m[0], xh);
  const sum3 = p1 + low;
  product[3] = p3;
  product[2] = p2;
  product[1] = sum3 >>> 0;
  product[0] = p0 + high + (sum3 > 0xffffffff ? 1 : 0);
}

const x = new Uint32Array(8);

/** Block number `counter` of the stream: eight 32-bit words, each raw number's upper half first. */
function block(counter, seed, which) {
  x.fill(0);
  x[0] = Math.floor(counter / 2 ** 32);
  x[1] = counter >>> 0;
  let k0h = Number(seed >> 32n),
    k0l = Number(seed & 0xffffffffn),
    k1h = 0,
    k1l = which;
  for (let round = 0; round < 10; round++) {
    wide(M0, x[0], x[1]);
    const [h0h, h0l, l0h, l0l] = product;
    wide(M1, x[4], x[5]);
    const [h1h, h1l, l1h, l1l] = product;
    x[0] = h1h ^ x[2] ^ k0h;
    x[1] = h1l ^ x[3] ^ k0l;
    x[4] = h0h ^ x[6] ^ k1h;
    x[5] = h0l ^ x[7] ^ k1l;
    x[2] = l1h;
    x[3] = l1l;
    x[6] = l0h;
    x[7] = l0l;
    k0l += BUMP0[1];
    k0h = (k0h + BUMP0[0] + (k0l > 0xffffffff ? 1 : 0)) >>> 0;
    k0l >>>= 0;
    k1l += BUMP1[1];
    k1h = (k1h + BUMP1[0] + (k1l > 0xffffffff ? 1 : 0)) >>> 0;
    k1l >>>= 0;
  }
  return x;
}

/** The first raw numbers of 64 bits, as hex. */
export function rawNumbers(seed, which, count) {
  const found = [];
  for (let counter = 1; found.length < count; counter++) {
    const words = Array.from(block(counter, BigInt(seed), which), (word) => word.toString(16).padStart(8, "0"));
    for (let i = 0; i < 8; i += 2) found.push(words[i] + words[i + 1]);
  }
  return found.slice(0, count);
}

const streams = new Map();

/** The upper halves of the first `count` raw numbers of key (seed, which). What was computed once is kept. */
export function upperHalves(seed, which, count) {
  const name = `${seed}/${which}`;
  let stream = streams.get(name) ?? new Uint32Array(0);
  if (stream.length < count) {
    const longer = new Uint32Array(Math.ceil(count / 4) * 4);
    longer.set(stream);
    for (let at = stream.length; at < longer.length; at += 4) {
      const words = block(at / 4 + 1, BigInt(seed), which);
      for (let i = 0; i < 4; i++) longer[at + i] = words[2 * i];
    }
    stream = longer;
    streams.clear();
    streams.set(name, stream);
  }
  return stream.subarray(0, count);
}

/** How often each person counts in each round: {bags, bagOf, rounds, weights}; weights by round, then bag. */
export function drawRounds(persons, rounds, seed) {
  const bags = Math.min(persons, MAX_BAGS);
  const weights = new Uint16Array(rounds * bags);
  if (bags) {
    const stream = upperHalves(seed, 0, rounds * bags);
    for (let i = 0; i < stream.length; i++) {
      const bag = Math.floor((stream[i] * bags) / 2 ** 32);
      weights[Math.floor(i / bags) * bags + bag] += 1;
    }
  }
  return { bags, rounds, weights };
}
