// A CAR file (version 1, or version 2 around one): its roots, and its blocks as they stand.
import { cutOff, Refusal, Unusable } from "./bytes.js";
import { decode, MAX_BLOCK } from "./cbor.js";
import { CID, readCid } from "./cid.js";
import { beginsAsCar, kindOf } from "./kind.js";
import { readVarint } from "./varint.js";

const MAX_HEADER = 1024 * 1024;
const MAX_SECTION = MAX_BLOCK + 256;

/**
 * {roots, sections, fault}: each section is [CID, block], in the order of the file, blocks being views into `file`.
 * `fault` is the refusal that ended the reading of sections; null where all were read. A header that is none is thrown.
 */
export function readCar(file) {
  const [header, end] = readHeader(file, 0);
  if (header.version === 2 && Object.keys(header).length === 1) return readCar2(file, end);
  return readCar1(file, header, end);
}

function readHeader(file, at) {
  if (!file.length) throw new Unusable("other", "the file is empty", "empty");
  if (!beginsAsCar(file)) throw noCar(kindOf(file));
  const [length, start] = readVarint(file, at);
  if (length === 0 || length > MAX_HEADER) throw noCar();
  if (start + length > file.length) throw cutOff();
  const header = decodedHeader(file.subarray(start, start + length));
  if (!header || typeof header !== "object" || !("version" in header)) throw noCar();
  return [header, start + length];
}

// What can't be decoded where a header stands is another kind of file, not a damaged block.
function decodedHeader(bytes) {
  try {
    return decode(bytes);
  } catch (error) {
    if (error instanceof Refusal) throw noCar();
    throw error;
  }
}

const noCar = (kind = null) => new Unusable("other", "this is no CAR file, whatever its name says", kind);

function readCar2(file, at) {
  if (file.length < at + 40) throw cutOff();
  const view = new DataView(file.buffer, file.byteOffset + at, 40);
  const offset = Number(view.getBigUint64(16, true));
  const size = Number(view.getBigUint64(24, true));
  if (offset < at + 40 || offset + size > file.length) throw cutOff();
  const inner = file.subarray(offset, offset + size);
  const [header, end] = readHeader(inner, 0);
  return readCar1(inner, header, end);
}

function readCar1(file, header, at) {
  const { roots, version } = header;
  const isWhole = version === 1 && Object.keys(header).length === 2;
  if (!isWhole || !Array.isArray(roots) || !roots.every((root) => root instanceof CID)) {
    throw new Unusable("other", "the CAR file's header is not valid");
  }
  const sections = [];
  let fault = null;
  try {
    readSections(file, at, sections);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    fault = error;
  }
  return { roots, sections, fault };
}

function readSections(file, at, sections) {
  while (at < file.length) {
    const [length, start] = readVarint(file, at);
    if (length === 0) {
      if (file.subarray(start).some((byte) => byte !== 0)) throw new Refusal("bytes follow the padding");
      return;
    }
    if (length > MAX_SECTION) throw new Refusal("a section is too large");
    if (start + length > file.length) throw cutOff();
    const section = file.subarray(start, start + length);
    const [cid, behind] = readCid(section, 0);
    sections.push([cid, section.subarray(behind)]);
    at = start + length;
  }
}
