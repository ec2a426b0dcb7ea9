// Signatures under certificates: RSA (PKCS #1 v1.5, RFC 8017), ECDSA on P-256 and P-384 (FIPS 186-5), Ed25519.
import { concat, sameBytes, unhex } from "../bytes/bytes.js";
import { isEd25519Signed } from "../bytes/ed25519.js";
import { sha384, sha512 } from "../bytes/hashes.js";
import { added, inverse, mod, numberOf, power, times } from "../bytes/numbers.js";
import { sha256 } from "../bytes/sha256.js";
import { NotChecked } from "../checks/outcome.js";
import { members, natural, oid, only } from "./der.js";

const SHA2 = "2.16.840.1.101.3.4.2.";
export const HASHES = { [SHA2 + 1]: sha256, [SHA2 + 2]: sha384, [SHA2 + 3]: sha512 };
const RSA = "1.2.840.113549.1.1.";
const ECDSA = "1.2.840.10045.4.3.";
const HASH_OF = {
  [RSA + 11]: SHA2 + 1,
  [RSA + 12]: SHA2 + 2,
  [RSA + 13]: SHA2 + 3,
  [ECDSA + 2]: SHA2 + 1,
  [ECDSA + 3]: SHA2 + 2,
  [ECDSA + 4]: SHA2 + 3,
};
const INFO = { [SHA2 + 1]: "3031300d060960864801650304020105000420", [SHA2 + 2]: "3041300d060960864801650304020205000430", [SHA2 + 3]: "3051300d060960864801650304020305000440" };
const MAX_BITS = 8192;

// Of each curve: p, b, the order and the base point (a is -3).
const CURVES = {
  "1.2.840.10045.3.1.7": [
    "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
    "5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b",
    "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
  ],
  "1.3.132.0.34": [
    "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffeffffffff0000000000000000ffffffff",
    "b3312fa7e23ee7e4988e056be3f82d19181d9c6efe8141120314088f5013875ac656398d8a2ed19d2a85c8edd3ec2aef",
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
    "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7",
    "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f",
  ],
};
const unknown = () => new NotChecked("it is signed in a way that this page can't check");

/** Whether a SubjectPublicKeyInfo's key signed these bytes; `hash` is the digest's OID where the algorithm names none. */
export function isSignedUnder(spki, algorithm, signature, message, hash = null) {
  const [kind, bits] = members(spki);
  const [type, parameter] = members(kind);
  const key = bits.body.subarray(1);
  const name = oid(type);
  if (name === "1.3.101.112") return isEd25519Signed(key, signature, message);
  const digest = HASH_OF[algorithm] ?? hash;
  if (!HASHES[digest]) throw unknown();
  const hashed = HASHES[digest](message);
  if (name === RSA + 1 && (algorithm === name || (algorithm in HASH_OF && algorithm.startsWith(RSA)))) return isRsaSigned(key, signature, digest, hashed);
  if (name === "1.2.840.10045.2.1" && Object.hasOwn(CURVES, oid(parameter))) return isEcSigned(CURVES[oid(parameter)], key, signature, hashed);
  throw unknown();
}

function isRsaSigned(key, signature, digest, hashed) {
  const [n, e] = members(only(key)).map(natural);
  const size = Math.ceil(n.toString(2).length / 8);
  if (8 * size > MAX_BITS || e >= 1n << 33n) throw unknown();
  const end = concat(unhex(INFO[digest]), hashed);
  if (signature.length !== size || size < end.length + 11) return false;
  const wanted = concat(Uint8Array.of(0, 1), new Uint8Array(size - end.length - 3).fill(255), Uint8Array.of(0), end);
  const found = power(numberOf(signature), e, n).toString(16).padStart(2 * size, "0");
  return sameBytes(unhex(found), wanted);
}

function isEcSigned(constants, key, signature, hashed) {
  const [m, b, order, ...base] = constants.map((text) => BigInt("0x" + text));
  const curve = { a: -3n, m };
  const size = constants[0].length / 2;
  if (key.length !== 2 * size + 1 || key[0] !== 4) throw unknown();
  const [x, y] = [key.subarray(1, 1 + size), key.subarray(1 + size)].map(numberOf);
  if (x >= m || y >= m || mod(y * y - x ** 3n + 3n * x - b, m) !== 0n) return false;
  const [r, s] = members(only(signature)).map(natural);
  if (r < 1n || r >= order || s < 1n || s >= order) return false;
  const w = inverse(s, order);
  const z = numberOf(hashed.subarray(0, size));
  const point = added(times((z * w) % order, base, curve), times((r * w) % order, [x, y], curve), curve);
  return point !== null && mod(point[0], order) === r;
}
