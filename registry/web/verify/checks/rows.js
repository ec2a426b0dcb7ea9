// Rows that their contributor signs: EIP-712 typed data (docs/labels.md).
import { compareText, concat, utf8 } from "../bytes/bytes.js";
import { keccak256 } from "../bytes/keccak.js";
import { addressOf, signerOf } from "../bytes/secp256k1.js";

const BOX = "Box(int64 x,int64 y,int64 width,int64 height)";
const TEXT = "Text(string name,string value)";
const ROW =
  "LabeledRow(bytes32 sha256,string contributor,bytes cid,uint64 size,string label,Box[] boxes,Text[] attributes," +
  "Text[] sources,string subject,string licence,string consent,Text[] rights,bytes replaces)";
const hashOf = (text) => keccak256(utf8(text));

function word(number) {
  let value = BigInt.asUintN(256, BigInt(number));
  const bytes = new Uint8Array(32);
  for (let i = 31; i >= 0; i--, value >>= 8n) bytes[i] = Number(value & 255n);
  return bytes;
}

const domain = () =>
  keccak256(concat(hashOf("EIP712Domain(string name,string version)"), hashOf("Emotionet"), hashOf("1")));
const texts = (map) =>
  keccak256(
    concat(
      ...Object.keys(map)
        .sort(compareText)
        .map((name) => keccak256(concat(hashOf(TEXT), hashOf(name), hashOf(map[name])))),
    ),
  );

function structOf(row) {
  const boxes = row.boxes.map((box) => keccak256(concat(hashOf(BOX), ...box.map(word))));
  return keccak256(
    concat(
      hashOf(ROW + BOX + TEXT),
      row.sha256,
      hashOf(row.contributor),
      keccak256(row.cid),
      word(row.size),
      hashOf(row.label),
      keccak256(concat(...boxes)),
      texts(row.attributes),
      texts(row.sources),
      hashOf(row.subject ?? ""),
      hashOf(row.licence ?? ""),
      hashOf(row.consent ?? ""),
      texts(row.rights),
      keccak256(row.replaces ?? new Uint8Array(0)),
    ),
  );
}

/** The DID of whoever signed this row. */
export function signerOfRow(row) {
  const digest = keccak256(concat(Uint8Array.of(0x19, 0x01), domain(), structOf(row)));
  return "did:pkh:eip155:1:" + addressOf(signerOf(digest, row.signature));
}
