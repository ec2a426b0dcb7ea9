// Certificates (X.509, RFC 5280), as far as a timestamp's chain needs them.
import { Refusal, sameBytes, textOf } from "../bytes/bytes.js";
import { elements, members, natural, oid, only, timeIn } from "./der.js";
import { isSignedUnder } from "./signatures.js";

const USAGE = "2.5.29.37";
const BASIC = "2.5.29.19";
const STAMPING = "1.3.6.1.5.5.7.3.8";
const MOST = 10; // certificates of a chain
const NAMES = {
  "2.5.4.3": "CN",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.6": "C",
  "2.5.4.9": "STREET",
  "0.9.2342.19200300.100.1.25": "DC",
  "0.9.2342.19200300.100.1.1": "UID",
};

export function readCertificate(bytes) {
  const [tbs, algorithm, signature] = members(only(bytes));
  const parts = members(tbs);
  if (parts[0]?.tag === 0xa0) parts.shift();
  const [serial, , issuer, validity, subject, spki, ...rest] = parts;
  const [from, to] = members(validity).map(timeIn);
  const extensions = new Map();
  const listed = rest.find(({ tag }) => tag === 0xa3);
  for (const one of listed ? members(only(listed.body)) : []) {
    const fields = members(one);
    const value = fields[fields.length - 1].body;
    extensions.set(oid(fields[0]), { isCritical: fields.length === 3 && fields[1].body[0] !== 0, value });
  }
  return {
    bytes,
    tbs: tbs.whole,
    algorithm: oid(members(algorithm)[0]),
    signature: signature.body.subarray(1),
    serial: natural(serial),
    issuer: issuer.whole,
    subject,
    spki,
    from,
    to,
    extensions,
  };
}

/** As RFC 4514 writes a name, the last part first; null where that takes more than this knows. */
export function nameOf(subject) {
  const parts = elements(subject.body).map((rdn) => members(rdn, 0x31).map((one) => attribute(members(one))));
  return parts.flat().includes(null) ? null : parts.reverse().map((rdn) => rdn.join("+")).join(",");
}

function attribute([type, value]) {
  const name = NAMES[oid(type)] ?? oid(type);
  if (![0x0c, 0x13, 0x16].includes(value.tag)) return null;
  const text = textOf(value.body).replace(/[\\"+,;<>]/g, "\\$&").replaceAll("\0", "\\00");
  return `${name}=${text.replace(/^(#| (?=.))/s, "\\$1").replace(/ $/, "\\ ")}`;
}

export function mayStamp({ extensions }) {
  const usage = extensions.get(USAGE);
  return Boolean(usage) && usage.isCritical && members(only(usage.value)).some((one) => oid(one) === STAMPING);
}

function isAuthority({ extensions }) {
  const basic = extensions.get(BASIC);
  const [first] = basic ? members(only(basic.value)) : [];
  return first?.tag === 1 && first.body[0] !== 0;
}

/** Whether a certificate leads to one that is trusted, by others given with it; refused where a link does not hold. */
export function leadsTo(certificate, others, trusted, time) {
  let at = certificate;
  for (let i = 0; i < MOST; i++) {
    if (time < at.from || time > at.to) throw new Refusal("a certificate was not valid at the time of the stamp");
    if (trusted.some(({ bytes }) => sameBytes(bytes, at.bytes))) return true;
    const isAbove = ({ subject }) => sameBytes(subject.whole, at.issuer);
    const above = trusted.find(isAbove) ?? others.find(isAbove);
    if (!above) return false;
    const isSigned = isAuthority(above) && isSignedUnder(above.spki, at.algorithm, at.signature, at.tbs);
    if (!isSigned) throw new Refusal("a certificate is not signed by the one above it");
    if (sameBytes(above.bytes, at.bytes)) return false;
    at = above;
  }
  return false;
}
