// Bytes and texts. Texts compare by code point, which is the order of their UTF-8 bytes and not that of UTF-16.

/** What this verifier refuses. `template` holds {names} of `values`; both languages say it by the template. */
export class Refusal extends Error {
  constructor(template, values = {}) {
    super(fillIn(template, values));
    this.template = template;
    this.values = values;
  }
}

/** Neither right nor wrong: written by a newer program than this one knows. */
export class Newer extends Refusal {}

/** A block that is needed is not in the file, which says nothing against who signed it. */
export class Missing extends Refusal {}

/** No whole file to audit. `file` says which kind: other (no CAR), cut (off), untargeted; `kind` what another one is. */
export class Unusable extends Refusal {
  constructor(file, template, kind = null) {
    super(template);
    this.file = file;
    this.kind = kind;
  }
}

export const cutOff = () => new Unusable("cut", "the file is cut off: download it again");

/** `{name}` is a value, `{name|one|many}` the words that go with the number `name`. */
export function fillIn(template, values) {
  return template.replace(/\{([a-zA-Z]+)(?:\|([^{}|]*)\|([^{}|]*))?\}/g, (whole, name, one, many) => {
    if (!(name in values)) return whole;
    const value = String(values[name]);
    return one === undefined ? value : value === "1" ? one : many;
  });
}

export function refuse(template, values) {
  throw new Refusal(template, values);
}

const encoder = new TextEncoder();

export function utf8(text) {
  return encoder.encode(text);
}

/** The text that these bytes are in UTF-8; throws where they are none. A byte order mark is a character like others. */
export function textOf(bytes) {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

export function hex(bytes) {
  let text = "";
  for (const byte of bytes) text += HEX[byte];
  return text;
}

export function unhex(text) {
  if (!/^([0-9a-f]{2})*$/.test(text)) throw new Refusal("no hex digits");
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

export function compareBytes(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return a[i] - b[i];
  return a.length - b.length;
}

export function sameBytes(a, b) {
  return a.length === b.length && compareBytes(a, b) === 0;
}

// A UTF-16 unit by the place that its code point has: surrogates (above U+FFFF) lie behind U+E000 to U+FFFF.
const place = (unit) => (unit < 0xd800 ? unit : unit >= 0xe000 ? unit - 0x800 : unit + 0x2000);

export function compareText(a, b) {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const left = a.charCodeAt(i);
    const right = b.charCodeAt(i);
    if (left !== right) return place(left) - place(right);
  }
  return a.length - b.length;
}

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether the text holds a half of a surrogate pair, which no UTF-8 can say. */
export function hasLoneSurrogate(text) {
  return /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}
