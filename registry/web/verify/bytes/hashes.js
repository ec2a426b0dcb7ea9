// sha2-384, sha2-512, BLAKE2b and BLAKE2s in plain BigInt: for blocks of strangers, who may have named them by these,
// and for signatures. Slow.

const MASK = { 64: (1n << 64n) - 1n, 32: (1n << 32n) - 1n };

function primes(count) {
  const found = [];
  for (let n = 2; found.length < count; n++) if (found.every((p) => n % p)) found.push(n);
  return found.map(BigInt);
}

function root(value, power) {
  let low = 0n;
  let high = 1n << 200n;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    middle ** power <= value ? (low = middle) : (high = middle);
  }
  return low;
}

// The first `bits` of the fractional part of the root of a prime.
const fractionOf = (p, power, bits) => root(p << (power * bits), power) & ((1n << bits) - 1n);
const right = (x, by, bits) => ((x >> by) | (x << (bits - by))) & ((1n << bits) - 1n);

function wordsOf(bytes, size, little) {
  const words = [];
  for (let at = 0; at < bytes.length; at += size) {
    let word = 0n;
    for (let i = 0; i < size; i++) word = (word << 8n) | BigInt(bytes[at + (little ? size - 1 - i : i)]);
    words.push(word);
  }
  return words;
}

function bytesOf(words, size, little) {
  const out = new Uint8Array(words.length * size);
  words.forEach((word, n) => {
    for (let i = 0; i < size; i++) {
      out[n * size + (little ? i : size - 1 - i)] = Number((word >> BigInt(8 * i)) & 255n);
    }
  });
  return out;
}

export const sha512 = (bytes) => sha2(bytes, primes(8));
export const sha384 = (bytes) => sha2(bytes, primes(16).slice(8)).subarray(0, 48);

function sha2(bytes, beginning) {
  const k = primes(80).map((p) => fractionOf(p, 3n, 64n));
  let state = beginning.map((p) => fractionOf(p, 2n, 64n));
  const padded = new Uint8Array(Math.ceil((bytes.length + 17) / 128) * 128);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  new DataView(padded.buffer).setBigUint64(padded.length - 8, BigInt(bytes.length) * 8n);
  for (let at = 0; at < padded.length; at += 128) {
    const w = wordsOf(padded.subarray(at, at + 128), 8, false);
    for (let i = 16; i < 80; i++) {
      const s0 = right(w[i - 15], 1n, 64n) ^ right(w[i - 15], 8n, 64n) ^ (w[i - 15] >> 7n);
      const s1 = right(w[i - 2], 19n, 64n) ^ right(w[i - 2], 61n, 64n) ^ (w[i - 2] >> 6n);
      w.push((w[i - 16] + s0 + w[i - 7] + s1) & MASK[64]);
    }
    let [a, b, c, d, e, f, g, h] = state;
    for (let i = 0; i < 80; i++) {
      const s1 = right(e, 14n, 64n) ^ right(e, 18n, 64n) ^ right(e, 41n, 64n);
      const t1 = h + s1 + ((e & f) ^ (~e & MASK[64] & g)) + k[i] + w[i];
      const s0 = right(a, 28n, 64n) ^ right(a, 34n, 64n) ^ right(a, 39n, 64n);
      const t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) & MASK[64], c, b, a, (t1 + t2) & MASK[64]];
    }
    state = [a, b, c, d, e, f, g, h].map((word, i) => (state[i] + word) & MASK[64]);
  }
  return bytesOf(state, 8, false);
}

// The order of the message's words in the ten different rounds of BLAKE2, as hex digits.
const SIGMA = (
  "0123456789abcdef ea489fd61c02b753 b8c052fdae367194 7931dcbe265a40f8 905724afe1bc683d " +
  "2c6a0b834d75fe19 c51fed4a0763928b db7ec13950f4862a 6fe9b308c2d714a5 a2847615fb9e3cd0"
).split(" ");

function blake2(bytes, length, size) {
  const bits = BigInt(8 * size);
  const [rounds, turns] = size === 8 ? [12, [32n, 24n, 16n, 63n]] : [10, [16n, 12n, 8n, 7n]];
  const start = primes(8).map((p) => fractionOf(p, 2n, bits));
  let state = [...start];
  state[0] ^= 0x01010000n ^ BigInt(length);
  const block = 16 * size;
  const count = Math.max(1, Math.ceil(bytes.length / block));
  for (let n = 0; n < count; n++) {
    const piece = new Uint8Array(block);
    piece.set(bytes.subarray(n * block, (n + 1) * block));
    const m = wordsOf(piece, size, true);
    const v = [...state, ...start];
    v[12] ^= BigInt(Math.min((n + 1) * block, bytes.length));
    if (n === count - 1) v[14] ^= MASK[bits];
    for (let round = 0; round < rounds; round++) {
      [...SIGMA[round % 10]].forEach((_, i, order) => {
        if (i % 2) return;
        const g = i / 2;
        const [a, b, c, d] =
          g < 4 ? [g, g + 4, g + 8, g + 12] : [g - 4, 4 + ((g + 1) % 4), 8 + ((g + 2) % 4), 12 + ((g + 3) % 4)];
        mix(v, [a, b, c, d], m[parseInt(order[i], 16)], m[parseInt(order[i + 1], 16)], turns, bits);
      });
    }
    state = state.map((word, i) => word ^ v[i] ^ v[i + 8]);
  }
  return bytesOf(state, size, true).slice(0, length);
}

function mix(v, [a, b, c, d], x, y, turns, bits) {
  v[a] = (v[a] + v[b] + x) & MASK[bits];
  v[d] = right(v[d] ^ v[a], turns[0], bits);
  v[c] = (v[c] + v[d]) & MASK[bits];
  v[b] = right(v[b] ^ v[c], turns[1], bits);
  v[a] = (v[a] + v[b] + y) & MASK[bits];
  v[d] = right(v[d] ^ v[a], turns[2], bits);
  v[c] = (v[c] + v[d]) & MASK[bits];
  v[b] = right(v[b] ^ v[c], turns[3], bits);
}

export function blake2b(bytes, length) {
  return blake2(bytes, length, 8);
}

export function blake2s(bytes, length) {
  return blake2(bytes, length, 4);
}
