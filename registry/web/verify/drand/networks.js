// Networks of drand whose keys are known: when their rounds are, and whether one is genuine. A network's hash covers its
// key, period, genesis, group and name (chain.Info.Hash of drand): whoever names the hash names the key.
import { concat, hex, Refusal, unhex, utf8 } from "../bytes/bytes.js";
import { sha256 } from "../bytes/sha256.js";
import { isBlsSigned } from "./bls.js";

const SCHEME = "bls-unchained-g1-rfc9380";

function bigEndian(value, size) {
  const bytes = new Uint8Array(size);
  for (let i = size - 1, rest = BigInt(value); i >= 0; i--, rest >>= 8n) bytes[i] = Number(rest & 255n);
  return bytes;
}

function network({ key, period, genesis, group, name }) {
  const known = name === "default" ? "" : name;
  const head = concat(bigEndian(period, 4), bigEndian(genesis, 8), key, group, utf8(known));
  return { key, period, genesis, name, hash: hex(sha256(head)) };
}

export const QUICKNET = network({
  key: unhex(
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451" +
      "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a",
  ),
  period: 3,
  genesis: 1692803367,
  group: unhex("f477d5c89f21a17c863a7f937c6a6d15859414d2be09cd448d4279af331c5d3e"),
  name: "quicknet",
});

/** Networks that relays describe at /info, each checked against its own hash; anything else is refused. */
export function networksOf(text) {
  const bad = new Refusal("this describes no drand network");
  try {
    const told = JSON.parse(text);
    return (Array.isArray(told) ? told : [told]).map((one) => {
      const { public_key: key, period, genesis_time: genesis, hash, groupHash, schemeID, metadata } = one;
      const isWhole = schemeID === SCHEME && Number.isInteger(period) && period >= 1 && Number.isInteger(genesis);
      if (!isWhole) throw bad;
      const name = metadata?.beaconID ?? "";
      const found = network({ key: unhex(key), period, genesis, group: unhex(groupHash), name });
      if (found.hash !== hash) throw bad;
      return found;
    });
  } catch {
    throw bad;
  }
}

/** The first round that is later than a time of a record. */
export function roundAfter({ genesis, period }, time) {
  const passed = Date.parse(time) / 1000 - genesis;
  return passed < 0 ? 1 : Math.floor(passed / period) + 2;
}

/** When a round is published, as records write times; null where no calendar has it. */
export function timeOf({ genesis, period }, round) {
  const at = new Date((genesis + (Number(round) - 1) * period) * 1000);
  return at.getTime() >= -62135596800000 && at.getTime() < 253402300800000 ? at.toISOString().replace(".000Z", "Z") : null;
}

export function isGenuine({ key }, { round, signature }) {
  const number = BigInt(round);
  return 1n <= number && number < 1n << 64n && isBlsSigned(key, sha256(bigEndian(number, 8)), signature);
}
