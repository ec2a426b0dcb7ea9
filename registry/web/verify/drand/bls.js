// BLS signatures on G1 of BLS12-381 under keys on G2, as drand's quicknet makes them (bls-unchained-g1-rfc9380).
// Sources: RFC 9380 (hashing to G1, suite BLS12381G1_XMD:SHA-256_SSWU_RO_), draft-irtf-cfrg-bls-signature. Nothing is
// secret here, so nothing needs to take the same time for all numbers.
import { concat, utf8 } from "../bytes/bytes.js";
import { added, inverse, mod, numberOf, rootOf, times } from "../bytes/numbers.js";
import { sha256 } from "../bytes/sha256.js";
import { finished, minus, ONE, P, plus, product, product12, R, reciprocal, root2, same, X } from "./fields.js";

const G1 = { a: 0n, m: P };
const G2 = [
  [
    BigInt("0x24aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"),
    BigInt("0x13e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"),
  ],
  [
    BigInt("0xce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"),
    BigInt("0x606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"),
  ],
];
const DST = utf8("BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_");

// The curve from which RFC 9380 (8.8.1) maps to G1's by a map of degree 11: y² = x³ + A x + B.
const A = BigInt("0x144698a3b8e9433d693a02c96d4982b0ea985383ee66a8d8e8981aefd881ac98936f8da0e0f97f5cf428082d584c1d");
const B = BigInt("0x12e2908d11688030018b12e8753eee3b2016c1f0f24f4070a0b9c14fcef35ef55a23215a316ceaa5d1cc48e98e172be0");
const Z = 11n;
const KERNEL = BigInt("0x10ef325dd1e98bdf0d97a4c6b7f968ed7f31f2fbff088acb39d5319cfc261ea18773405f325612742f0c5d90634bcf4"); // x of a point of order 11

/** Whether this is the signature of a message; false for whatever is no signature or no key. */
export function isBlsSigned(key, message, signature) {
  const [public_, signed] = [pointOfG2(key), pointOfG1(signature)];
  if (!public_ || !signed) return false;
  const one = product12(miller(public_, hashed(message)), miller(G2, [signed[0], P - signed[1]]));
  return finished(one).every((part, i) => same(part, ONE[i]));
}

// A compressed point's bytes: its x, and whether its y is the larger one; null for infinity and other forms.
function compressed(bytes, size) {
  if (bytes.length !== size || bytes[0] >> 6 !== 2) return null;
  const isLarger = Boolean(bytes[0] & 0x20);
  const whole = Uint8Array.from(bytes);
  whole[0] &= 0x1f;
  const parts = [whole.subarray(0, 48), ...(size > 48 ? [whole.subarray(48)] : [])].map(numberOf);
  return parts.some((part) => part >= P) ? null : { isLarger, parts };
}

function pointOfG1(bytes) {
  const found = compressed(bytes, 48);
  const y = found && rootOf(found.parts[0] ** 3n + 4n, P);
  if (!found || y === null) return null;
  const point = [found.parts[0], y > P - y === found.isLarger ? y : P - y];
  return times(R, point, G1) === null ? point : null;
}

function pointOfG2(bytes) {
  const found = compressed(bytes, 96);
  if (!found) return null;
  const x = [found.parts[1], found.parts[0]];
  const y = root2(plus(product(x, product(x, x)), [4n, 4n]));
  if (!y) return null;
  const other = minus([0n, 0n], y);
  const isLarger = y[1] === other[1] ? y[0] > other[0] : y[1] > other[1];
  const point = [x, isLarger === found.isLarger ? y : other];
  let sum = null;
  for (const bit of R.toString(2)) {
    sum = sum && step(sum, sum).sum;
    if (bit === "1") sum = sum ? step(sum, point).sum : point;
  }
  return sum === null ? point : null;
}

/** Of two points of G2: the slope of the line through them, and their sum (null at infinity). */
function step(p, q) {
  const isDouble = same(p[0], q[0]);
  if (isDouble && same(plus(p[1], q[1]), [0n, 0n])) return { slope: null, sum: null };
  const square = product(p[0], p[0]);
  const slope = isDouble
    ? product(plus(square, plus(square, square)), reciprocal(plus(p[1], p[1])))
    : product(minus(q[1], p[1]), reciprocal(minus(q[0], p[0])));
  const x = minus(product(slope, slope), plus(p[0], q[0]));
  return { slope, sum: [x, minus(product(slope, minus(p[0], x)), p[1])] };
}

/**
 * Miller's loop of the optimal ate pairing, up to factors that the final power takes away: lines are multiplied by w³,
 * and the sign of x, which would only invert the result, is left out.
 */
function miller(q, [x, y]) {
  const zero = [0n, 0n];
  let [f, t] = [ONE, q];
  const line = (to) => {
    const { slope, sum } = step(t, to);
    const constant = minus(product(slope, t[0]), t[1]);
    f = product12(f, [constant, zero, product(slope, [P - x, 0n]), [y, 0n], zero, zero]);
    t = sum;
  };
  for (const bit of X.toString(2).slice(1)) {
    f = product12(f, f);
    line(t);
    if (bit === "1") line(q);
  }
  return f;
}

/** A message's point on G1 (RFC 9380, 3): two fields' elements, mapped, added, and their cofactor cleared. */
function hashed(message) {
  const bytes = expanded(message, 128);
  const [one, other] = [bytes.subarray(0, 64), bytes.subarray(64)].map((part) => mapped(numberOf(part) % P));
  return times(X + 1n, added(one, other, G1), G1);
}

/** expand_message_xmd (RFC 9380, 5.3.1) with sha2-256. */
function expanded(message, length) {
  const dst = concat(DST, Uint8Array.of(DST.length));
  const first = sha256(concat(new Uint8Array(64), message, Uint8Array.of(length >> 8, length & 255, 0), dst));
  let last = sha256(concat(first, Uint8Array.of(1), dst));
  const parts = [last];
  for (let i = 2; i <= length / 32; i++) {
    last = sha256(concat(first.map((byte, at) => byte ^ last[at]), Uint8Array.of(i), dst));
    parts.push(last);
  }
  return concat(...parts);
}

/** The simplified SWU map (RFC 9380, 6.6.2), then the map to G1's curve. */
function mapped(u) {
  const uu = mod(Z * u * u, P);
  const tv = mod(uu * uu + uu, P);
  const first = tv === 0n ? B * inverse(Z * A, P) : -B * inverse(A, P) * (1n + inverse(tv, P));
  let x = mod(first, P);
  let y = rootOf(x ** 3n + A * x + B, P);
  if (y === null) {
    x = mod(uu * x, P);
    y = rootOf(x ** 3n + A * x + B, P);
  }
  return toG1([x, (y & 1n) === (u & 1n) ? y : P - y]);
}

/** That map by Vélu's formulas (1971) from its kernel, then by 1 / 11: the same that RFC 9380, E.2 writes out. */
function toG1([x, y]) {
  const curve = { a: A, m: P };
  const generator = [KERNEL, rootOf(KERNEL ** 3n + A * KERNEL + B, P)];
  let [to, rise] = [x, 1n];
  for (let k = 1n; k <= 5n; k++) {
    const [at] = times(k, generator, curve);
    const v = 2n * (3n * at * at + A);
    const w = 4n * (at ** 3n + A * at + B);
    const i = inverse(x - at, P);
    to += v * i + w * i * i;
    rise -= v * i * i + 2n * w * i ** 3n;
  }
  const scale = inverse(11n, P);
  return [mod(to * scale ** 2n, P), mod(y * rise * scale ** 3n, P)];
}
