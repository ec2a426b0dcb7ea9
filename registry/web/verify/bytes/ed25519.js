// Ed25519 signatures (RFC 8032), checked in plain BigInt: a browser has none of its own on a page that came by http.
// The equation is multiplied by the cofactor; a key of small order, and S at or above the order of the group, are refused.
import { concat } from "./bytes.js";
import { sha512 } from "./hashes.js";
import { inverse, littleNumberOf, mod, power } from "./numbers.js";

const P = 2n ** 255n - 19n;
const L = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * inverse(121666n, P), P);
const ZERO = [0n, 1n, 1n, 0n]; // x, y, z and x y, in extended coordinates
const G = at(mod(4n * inverse(5n, P), P), 0n);

/** The point with this y whose x is even or odd; null where there is none. */
function at(y, odd) {
  if (y >= P) return null;
  const square = mod((y * y - 1n) * inverse(D * y * y + 1n, P), P);
  let x = power(square, (P + 3n) / 8n, P);
  if ((x * x) % P !== square) x = (x * power(2n, (P - 1n) / 4n, P)) % P;
  if ((x * x) % P !== square || (x === 0n && odd)) return null;
  if ((x & 1n) !== odd) x = P - x;
  return [x, y, 1n, (x * y) % P];
}

function added(p, q) {
  const a = (p[1] - p[0]) * (q[1] - q[0]);
  const b = (p[1] + p[0]) * (q[1] + q[0]);
  const c = 2n * p[3] * q[3] * D;
  const d = 2n * p[2] * q[2];
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [e * f, g * h, f * g, e * h].map((part) => mod(part, P));
}

function times(k, p) {
  let sum = ZERO;
  for (; k > 0n; k >>= 1n) {
    if (k & 1n) sum = added(sum, p);
    p = added(p, p);
  }
  return sum;
}

const isZero = ([x, y, z]) => x === 0n && y === z;

function pointOf(bytes) {
  const whole = littleNumberOf(bytes);
  return at(whole & (2n ** 255n - 1n), whole >> 255n);
}

/** The key's point; null for bytes that are none of a usable key. */
export function ed25519Key(bytes) {
  const point = bytes.length === 32 ? pointOf(bytes) : null;
  return point && !isZero(times(8n, point)) ? point : null;
}

export function isEd25519Signed(key, signature, message) {
  const point = ed25519Key(key);
  if (!point || signature.length !== 64) return false;
  const r = pointOf(signature.subarray(0, 32));
  const s = littleNumberOf(signature.subarray(32));
  if (!r || s >= L) return false;
  const k = littleNumberOf(sha512(concat(signature.subarray(0, 32), key, message))) % L;
  const [x, y, z, t] = added(r, times(k, point));
  const rest = added(times(s, G), [P - x, y, z, P - t]);
  return isZero(times(8n, rest));
}
