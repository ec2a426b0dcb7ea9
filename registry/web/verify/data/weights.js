// Weights: safetensors, folders of them, and the digests by which they are known (docs/format/weights.md).
import { Refusal, compareText, hasLoneSurrogate, hex, textOf, utf8 } from "../bytes/bytes.js";
import { Sha256, sha256 } from "../bytes/sha256.js";
import { parseJson } from "./json.js";
import { entriesOf, wholeFile } from "./dagpb.js";

const MIB = 1024 * 1024;
export const MAX_FILE = 512 * MIB;
const DTYPES = {
  F64: ["float64", 8],
  F32: ["float32", 4],
  F16: ["float16", 2],
  BF16: ["bfloat16", 2],
  I64: ["int64", 8],
  I32: ["int32", 4],
  U8: ["uint8", 1],
};
const hostile = (why) => {
  throw new Refusal("the weights folder is not valid: {why}", { why });
};

/** Tensors of a safetensors file by rising name: [{name, dtype, shape, bytes}]. */
export function tensorsOf(file) {
  if (file.length <= 8 || file.length > MAX_FILE) hostile("the size of the file");
  const length = Number(new DataView(file.buffer, file.byteOffset, 8).getBigUint64(0, true));
  if (length < 2 || length > Math.min(MIB, file.length - 8)) hostile("the size of the header");
  const header = json(file.subarray(8, 8 + length));
  const names = Object.keys(header).filter((name) => name !== "__metadata__");
  if (Object.keys(header).length > 5000) hostile("too many tensors");
  const data = file.subarray(8 + length);
  const tensors = names.map((name) => tensorOf(name, header[name], data));
  let end = 0;
  for (const tensor of [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (tensor.begin !== end) hostile("tensors that overlap, or a gap");
    end = tensor.end;
  }
  if (end !== data.length) hostile("bytes that no tensor names");
  return tensors.sort((a, b) => compareText(a.name, b.name));
}

function json(bytes) {
  let value;
  try {
    value = parseJson(textOf(bytes));
  } catch (error) {
    if (error instanceof Refusal || error instanceof TypeError) hostile("the header is not JSON");
    throw error;
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) hostile("the header is not a map");
  return value;
}

const isSize = (value) => typeof value === "bigint" && value >= 0n && value <= BigInt(MAX_FILE);

function tensorOf(name, of, data) {
  const keys = of && typeof of === "object" && !Array.isArray(of) ? Object.keys(of).sort().join() : "";
  if (keys !== "data_offsets,dtype,shape" || [...name].length > 200) hostile("a tensor's entry in the header");
  const { shape, data_offsets: offsets } = of;
  const dtype =
    typeof of.dtype === "string" && Object.hasOwn(DTYPES, of.dtype) ? DTYPES[of.dtype] : hostile("an unknown dtype");
  const isShaped =
    Array.isArray(shape) &&
    shape.length <= 8 &&
    shape.every(isSize) &&
    Array.isArray(offsets) &&
    offsets.length === 2 &&
    offsets.every(isSize);
  if (!isShaped) hostile("a tensor's shape");
  const [begin, end] = offsets.map(Number);
  if (end < begin || end > data.length) hostile("a tensor's place");
  if (shape.reduce((product, size) => product * size, BigInt(dtype[1])) !== BigInt(end - begin))
    hostile("a tensor's size");
  return { name, dtype: dtype[0], shape, begin, end, bytes: data.subarray(begin, end) };
}

const escaped = (text) =>
  JSON.stringify(text).replace(/[\u007f-\uffff]/g, (unit) => "\\u" + unit.charCodeAt(0).toString(16).padStart(4, "0"));

export function tensorsDigest(file) {
  const hash = new Sha256();
  for (const { name, dtype, shape, bytes } of tensorsOf(file)) {
    if (hasLoneSurrogate(name)) hostile("a name that is no text");
    hash.update(utf8(`[${escaped(name)},"${dtype}",[${shape.join(",")}]]\n`)).update(bytes);
  }
  return "sha256:" + hex(hash.digest());
}

/** Classes' names of a model.json. */
export function classNames(file) {
  if (file.length > MIB) hostile("model.json is too large");
  const { names } = json(file);
  const isNames =
    Array.isArray(names) &&
    names.length >= 1 &&
    names.length <= 1000 &&
    names.every((name) => typeof name === "string" && [...name].length <= 200) &&
    new Set(names).size === names.length;
  if (!isNames) hostile("model.json without classes");
  return names;
}

/** {digest, classes} of a folder of weights, given as Map of name to bytes. */
export function readFolder(files) {
  const model = files.get("model.json");
  if (!model) hostile("no model.json");
  const classes = classNames(model);
  if (files.has("weights.safetensors")) {
    if (files.size !== 2) hostile("a further file");
    return { classes, format: "safetensors", digest: tensorsDigest(files.get("weights.safetensors")) };
  }
  if (files.size < 2 || files.size > 16) hostile("no weights, or too many files");
  const hash = new Sha256();
  for (const name of [...files.keys()].filter((name) => name !== "model.json").sort(compareText)) {
    hash.update(utf8(`[${escaped(name)},${files.get(name).length}]\n`)).update(files.get(name));
  }
  return { classes, format: null, digest: "files-sha256:" + hex(hash.digest()) };
}

export function checkpointDigest(files) {
  const [state, numbers] = [files.get("state.safetensors"), files.get("state.json")];
  if (files.size !== 2 || !state || !numbers) hostile("a checkpoint is two files");
  return "sha256:" + hex(sha256(utf8(tensorsDigest(state) + "\n"), numbers));
}

/** Files of a folder by name, read whole; `room` bounds their bytes together. */
export function filesOf(blocks, cid, room) {
  const names = entriesOf(blocks, cid);
  if (names.size > 16) hostile("too many files");
  const files = new Map();
  for (const [name, file] of names) {
    files.set(name, wholeFile(blocks, file, Math.min(MAX_FILE, room)));
    room -= files.get(name).length;
  }
  return files;
}
