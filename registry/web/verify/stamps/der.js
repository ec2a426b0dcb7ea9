// The DER (X.690) of timestamps and certificates, as far as they need it.
import { Refusal } from "../bytes/bytes.js";
import { numberOf } from "../bytes/numbers.js";

const bad = () => new Refusal("these bytes are no timestamp");

/** The elements that fill these bytes: {tag, whole, body}, the last two views into them. */
export function elements(bytes) {
  const found = [];
  for (let at = 0; at < bytes.length; ) {
    let length = bytes[at + 1];
    let body = at + 2;
    if (length & 0x80) {
      const size = length & 0x7f;
      if (size < 1 || size > 4) throw bad();
      length = Number(numberOf(bytes.subarray(body, body + size)));
      body += size;
    }
    if (!(body + length <= bytes.length)) throw bad();
    found.push({ tag: bytes[at], whole: bytes.subarray(at, body + length), body: bytes.subarray(body, body + length) });
    at = body + length;
  }
  return found;
}

/** The members of an element of this tag. */
export function members(element, tag = 0x30) {
  if (element?.tag !== tag) throw bad();
  return elements(element.body);
}

/** The only element of these bytes. */
export function only(bytes) {
  const found = elements(bytes);
  if (found.length !== 1) throw bad();
  return found[0];
}

export function oid(element) {
  if (element?.tag !== 6 || !element.body.length) throw bad();
  const parts = [];
  let value = 0n;
  for (const byte of element.body) {
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte & 0x80) continue;
    parts.push(value);
    value = 0n;
  }
  const first = parts[0] < 80n ? parts[0] / 40n : 2n;
  return [first, parts[0] - 40n * first, ...parts.slice(1)].join(".");
}

/** An integer that is not negative. */
export function natural(element) {
  if (element?.tag !== 2 || !element.body.length || element.body[0] & 0x80) throw bad();
  return numberOf(element.body);
}

/** The milliseconds of a UTCTime or GeneralizedTime. */
export function timeIn(element) {
  const text = String.fromCharCode(...(element?.body ?? []));
  const short = element?.tag === 0x17;
  const found = (short ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)()Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d+))?Z$/).exec(text);
  if (!found || (!short && element.tag !== 0x18)) throw bad();
  const [, year, month, day, hour, minute, second, part] = found;
  const whole = short ? (Number(year) < 50 ? `20${year}` : `19${year}`) : year;
  const time = Date.parse(`${whole}-${month}-${day}T${hour}:${minute}:${second}Z`);
  if (Number.isNaN(time)) throw bad();
  return time + Number(`0.${part || 0}`) * 1000;
}
