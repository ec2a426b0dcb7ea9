// Unsigned varints in their shortest form, up to 2^53.
import { Refusal } from "./bytes.js";

/** [number, place behind it]. */
export function readVarint(bytes, at) {
  let value = 0;
  let scale = 1;
  for (let i = at; i < bytes.length && i < at + 8; i++) {
    value += (bytes[i] & 0x7f) * scale;
    scale *= 128;
    if (bytes[i] < 0x80) {
      if (bytes[i] === 0 && i > at) throw new Refusal("a number is not written in its shortest form");
      if (value > Number.MAX_SAFE_INTEGER) throw new Refusal("a number is too large");
      return [value, i + 1];
    }
  }
  throw new Refusal(at + 8 <= bytes.length ? "a number is too large" : "the file is cut off: download it again");
}

export function varint(value) {
  const out = [];
  for (; value >= 128; value = Math.floor(value / 128)) out.push((value % 128) | 0x80);
  return Uint8Array.from([...out, value]);
}
