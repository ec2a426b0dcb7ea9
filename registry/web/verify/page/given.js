// Which of the files that a reader gives is to be verified, which say whom they trust, and which are pictures.
import { hex } from "../bytes/bytes.js";
import { beginsAsCar, kindOf } from "../bytes/kind.js";
import { sha256 } from "../bytes/sha256.js";
import { nobody, takeTrust } from "../proofs/trust.js";

const MOST_TEXT = 4 * 1024 * 1024;
const MOST_PICTURE = 256 * 1024 * 1024;

/** {main, texts, pictures}: the file to verify (null: none), what says whom to trust, [{name, sha256}]. */
export async function besides(files, hasProof) {
  const found = { main: null, texts: [], pictures: [] };
  for (const file of files) {
    const text = await trustIn(file);
    if (text !== null) found.texts.push(text);
    else if ((hasProof || files.length > 1) && (await isPicture(file))) found.pictures.push(await named(file));
    else found.main = file;
  }
  return found;
}

async function trustIn(file) {
  if (file.size > MOST_TEXT || beginsAsCar(await head(file))) return null;
  const text = await file.text();
  return takeTrust(nobody(), text) ? text : null;
}

const head = async (file) => new Uint8Array(await file.slice(0, 1024).arrayBuffer());

async function isPicture(file) {
  const bytes = await head(file);
  const isOther = beginsAsCar(bytes) || ["html", "pdf", "zip", "gzip"].includes(kindOf(bytes)) || bytes[0] === 0x7b;
  return !isOther && file.size > 0 && file.size <= MOST_PICTURE;
}

async function named(file) {
  return { name: file.name, sha256: hex(sha256(new Uint8Array(await file.arrayBuffer()))) };
}
