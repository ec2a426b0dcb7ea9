// Keccak-f[1600] on 32-bit halves: keccak-256 (original padding) for addresses, SHA-3 for blocks of strangers.

const ROTATIONS = [];
const LANES = [];
const ROUND = [];

(function constants() {
  let x = 1;
  let y = 0;
  for (let t = 0; t < 24; t++) {
    LANES.push(x + 5 * y);
    ROTATIONS.push((((t + 1) * (t + 2)) / 2) % 64);
    [x, y] = [y, (2 * x + 3 * y) % 5];
  }
  let lfsr = 1;
  for (let round = 0; round < 24; round++) {
    let low = 0;
    let high = 0;
    for (let j = 0; j < 7; j++) {
      const bit = 2 ** j - 1;
      if (lfsr & 1) bit < 32 ? (low |= 1 << bit) : (high |= 1 << (bit - 32));
      lfsr = (lfsr << 1) ^ (lfsr & 0x80 ? 0x171 : 0);
    }
    ROUND.push([low, high]);
  }
})();

function rotate(low, high, by) {
  if (by >= 32) [low, high, by] = [high, low, by - 32];
  if (by === 0) return [low, high];
  return [(low << by) | (high >>> (32 - by)), (high << by) | (low >>> (32 - by))];
}

function permute(s) {
  for (const [low, high] of ROUND) {
    const c = new Int32Array(10);
    for (let i = 0; i < 50; i++) c[i % 10] ^= s[i];
    for (let x = 0; x < 5; x++) {
      const [l, h] = rotate(c[2 * ((x + 1) % 5)], c[2 * ((x + 1) % 5) + 1], 1);
      const before = 2 * ((x + 4) % 5);
      for (let y = 0; y < 5; y++) {
        s[2 * (x + 5 * y)] ^= c[before] ^ l;
        s[2 * (x + 5 * y) + 1] ^= c[before + 1] ^ h;
      }
    }
    let moved = [s[2], s[3]];
    for (let t = 0; t < 24; t++) {
      const [x, y] = [LANES[t] % 5, Math.floor(LANES[t] / 5)];
      const to = 2 * (y + 5 * ((2 * x + 3 * y) % 5));
      const next = [s[to], s[to + 1]];
      [s[to], s[to + 1]] = rotate(moved[0], moved[1], ROTATIONS[t]);
      moved = next;
    }
    for (let row = 0; row < 50; row += 10) {
      const r = s.slice(row, row + 10);
      for (let i = 0; i < 10; i++) s[row + i] = r[i] ^ (~r[(i + 2) % 10] & r[(i + 4) % 10]);
    }
    s[0] ^= low;
    s[1] ^= high;
  }
}

function sponge(bytes, length, suffix) {
  const rate = 200 - 2 * length;
  const padded = new Uint8Array(Math.floor(bytes.length / rate + 1) * rate);
  padded.set(bytes);
  padded[bytes.length] = suffix;
  padded[padded.length - 1] |= 0x80;
  const state = new Int32Array(50);
  const words = new DataView(padded.buffer);
  for (let at = 0; at < padded.length; at += rate) {
    for (let i = 0; i < rate / 4; i++) state[i] ^= words.getInt32(at + 4 * i, true);
    permute(state);
  }
  const out = new DataView(new ArrayBuffer(200));
  state.forEach((word, i) => out.setInt32(4 * i, word, true));
  return new Uint8Array(out.buffer, 0, length).slice();
}

export function keccak256(bytes) {
  return sponge(bytes, 32, 0x01);
}

/** SHA-3 with a digest of `length` bytes. */
export function sha3(bytes, length) {
  return sponge(bytes, length, 0x06);
}
