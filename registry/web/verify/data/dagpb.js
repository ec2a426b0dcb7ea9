// dag-pb nodes, and the files and directories of UnixFS that they hold.
import { Refusal, textOf } from "../bytes/bytes.js";
import { cidOfBytes, DAG_PB, RAW } from "../bytes/cid.js";
import { readVarint } from "../bytes/varint.js";

const MAX_PARTS = 1_000_000;

/** The fields of a protobuf message: [number, value], a value being bytes or an integer. */
function* messageOf(bytes) {
  for (let at = 0; at < bytes.length;) {
    let tag, value;
    [tag, at] = readVarint(bytes, at);
    [value, at] = readVarint(bytes, at);
    if ((tag & 7) === 2) {
      if (at + value > bytes.length) throw new Refusal("a dag-pb node is cut off");
      yield [tag >>> 3, bytes.subarray(at, at + value)];
      at += value;
    } else if ((tag & 7) === 0) yield [tag >>> 3, value];
    else throw new Refusal("a dag-pb node is not valid");
  }
}

const bytesField = (value) => {
  if (!(value instanceof Uint8Array)) throw new Refusal("a dag-pb node is not valid");
  return value;
};

/** {links: [{cid, name, size}], data}; data is null where there is none. */
export function readNode(block) {
  const links = [];
  let data = null;
  let sides = 0;
  let last = 0;
  for (const [number, value] of messageOf(block)) {
    if (number !== 1 && number !== 2) throw new Refusal("a dag-pb node is not valid");
    if (number !== last) sides += 1;
    last = number;
    if (number === 1) {
      if (data !== null) throw new Refusal("a dag-pb node with data twice");
      data = bytesField(value);
    } else links.push(readLink(bytesField(value)));
  }
  if (sides > 2) throw new Refusal("a dag-pb node with links on both sides of its data");
  return { links, data };
}

function readLink(bytes) {
  const link = { cid: null, name: "", size: null };
  let last = 0;
  for (const [number, value] of messageOf(bytes)) {
    if (number <= last || number > 3) throw new Refusal("a dag-pb link is not valid");
    last = number;
    if (number === 1) link.cid = cidOfBytes(bytesField(value));
    else if (number === 2) link.name = textOf(bytesField(value));
    else link.size = value;
  }
  if (!link.cid) throw new Refusal("a dag-pb link is not valid");
  return link;
}

function readUnixfs(block) {
  const node = readNode(block);
  if (node.data === null) throw new Refusal("a dag-pb node that is no file or directory");
  const found = { type: null, data: new Uint8Array(0), filesize: null, blocksizes: [] };
  for (const [number, value] of messageOf(node.data)) {
    if (number === 1) found.type = value;
    else if (number === 2) found.data = bytesField(value);
    else if (number === 3) found.filesize = value;
    else if (number === 4) {
      if (value instanceof Uint8Array) {
        for (let at = 0, size; at < value.length;) {
          [size, at] = readVarint(value, at);
          found.blocksizes.push(size);
        }
      } else found.blocksizes.push(value);
    }
  }
  return { ...found, links: node.links };
}

/** The bytes of a file, in pieces. At most `most` bytes in all; every part has the size that its parent states. */
export function* pieces(blocks, cid, most, state = { parts: 0 }) {
  if (++state.parts > MAX_PARTS) throw new Refusal("a file has too many parts");
  const block = blocks.get(cid);
  blocks.count(block.length);
  if (cid.codec === RAW) {
    yield block;
    return block.length;
  }
  if (cid.codec !== DAG_PB) throw new Refusal("{cid} is no file", { cid: cid.text });
  const { type, data, filesize, blocksizes, links } = readUnixfs(block);
  if (type !== 2 && type !== 0) throw new Refusal("{cid} is no file", { cid: cid.text });
  const total = data.length + blocksizes.reduce((sum, size) => sum + size, 0);
  if (blocksizes.length !== links.length || (filesize !== null ? filesize !== total : links.length > 0)) {
    throw new Refusal("a file's parts are not as large as it states");
  }
  if (total > most) throw new Refusal("a file is too large");
  if (data.length) yield data;
  for (let i = 0; i < links.length; i++) {
    const size = yield* pieces(blocks, links[i].cid, blocksizes[i], state);
    if (size !== blocksizes[i]) throw new Refusal("a file's parts are not as large as it states");
  }
  return total;
}

/** Files and folders of a directory: Map of name to CID. */
export function entriesOf(blocks, cid, found = new Map(), depth = 0) {
  if (cid.codec !== DAG_PB || depth > 32) throw new Refusal("{cid} is no directory", { cid: cid.text });
  const { type, links, data } = readUnixfs(blocks.get(cid));
  if (type !== 1 && type !== 5) throw new Refusal("{cid} is no directory", { cid: cid.text });
  const width = type === 5 ? Math.max(2, (data.length * 8 - 1).toString(16).length) : 0;
  for (const link of links) {
    if (found.size > 100_000) throw new Refusal("a directory has too many names");
    const name = link.name.slice(width);
    if (type === 5 && name === "") {
      entriesOf(blocks, link.cid, found, depth + 1);
      continue;
    }
    if (name === "" || name === "." || name === ".." || /[/\0]/.test(name) || found.has(name)) {
      throw new Refusal("a directory has a name that none may have, or one twice");
    }
    found.set(name, link.cid);
  }
  return found;
}

export function wholeFile(blocks, cid, most) {
  const parts = [...pieces(blocks, cid, most)];
  if (parts.length === 1) return parts[0];
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
