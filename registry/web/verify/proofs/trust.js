// What the reader trusts, from files of their own and never from the file that is verified: lines and certificates.
import { Refusal, unhex } from "../bytes/bytes.js";
import { readKey, unbase64 } from "../tlog/note.js";
import { networksOf, QUICKNET } from "../drand/networks.js";

const PEM = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/g;
const HEADER = /^(\d{1,9}) ([0-9a-f]{160})$/;

/** Nobody but drand's quicknet. */
export const nobody = () => ({ certificates: [], headers: new Map(), witnesses: [], networks: [QUICKNET] });

/** Whether a file says whom to trust; if so, takes it into `trust`: PEM, `HEIGHT HEADER`, a witness's vkey, drand's /info. */
export function takeTrust(trust, text) {
  const certificates = [...text.matchAll(PEM)].map((found) => unbase64(found[1].replace(/\s/g, "")));
  if (certificates.length) return Boolean(trust.certificates.push(...certificates));
  if (/^\s*[[{]/.test(text)) return isTaken(() => trust.networks.push(...networksOf(text)));
  const lines = text.split(/\s*\n\s*/).filter((line) => line !== "" && !line.startsWith("#"));
  return lines.length > 0 && isTaken(() => lines.forEach((line) => takeLine(trust, line)));
}

function takeLine(trust, line) {
  const header = HEADER.exec(line);
  if (header) trust.headers.set(Number(header[1]), unhex(header[2]));
  else for (const word of line.split(/\s+/)) trust.witnesses.push(readKey(word.split("=")[0]));
}

function isTaken(take) {
  try {
    take();
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}
