// Timestamps of an authority (RFC 3161, CMS of RFC 5652): an authority signs a digest and its own clock's time.
import { concat, Refusal, sameBytes } from "../bytes/bytes.js";
import { equal } from "../bytes/equal.js";
import { NotChecked } from "../checks/outcome.js";
import { leadsTo, mayStamp, nameOf, readCertificate } from "./certificates.js";
import { elements, members, natural, oid, only, timeIn } from "./der.js";
import { HASHES, isSignedUnder } from "./signatures.js";

const MAX_SIZE = 32 * 1024;
const NAME = 200; // letters of an authority's name
const SHA256 = "2.16.840.1.101.3.4.2.1";
const SIGNED = "1.2.840.113549.1.7.2";
const INFO = "1.2.840.113549.1.9.16.1.4";
const DIGEST = "1.2.840.113549.1.9.4";
const TYPE = "1.2.840.113549.1.9.3";
const wrong = () => new Refusal("the signature of a timestamp is wrong");

/** {by, time, within} of evidence for an entry's digest. Certificates that `trust` holds are the roots. */
export function verifyStamp({ statement, proof }, digest, trust) {
  if (!proof || proof.length > MAX_SIZE) throw new Refusal("these bytes are no timestamp");
  const { content, info, certificates, signer } = readToken(proof);
  const own = certificates.find(({ issuer, serial }) => sameBytes(issuer, signer.issuer) && serial === signer.serial);
  if (!own) throw new Refusal("the signer's certificate is not in the timestamp");
  if (info.hash !== SHA256 || !sameBytes(info.imprint, digest)) throw new Refusal("the timestamp is of something else");
  const name = nameOf(own.subject);
  const { authority, policy, serial, time } = statement;
  const isAsSaid =
    equal([policy, serial, time], [info.policy, info.serial.toString(16), info.time]) && Object.keys(statement).length === 4;
  if (!isAsSaid || (name !== null && authority !== [...name].slice(0, NAME).join("")))
    throw new Refusal("the evidence states something else than its proof");
  checkSigned(signer, content, own);
  if (!mayStamp(own)) throw new Refusal("the certificate of a timestamp is not one for timestamps");
  const roots = trust.certificates.map(readCertificate);
  if (!leadsTo(own, certificates, roots, info.at)) throw new NotChecked("no trust root for {name}", { name: String(authority) });
  return { by: String(authority), time, within: 300 };
}

function readToken(bytes) {
  const [status, token] = members(only(bytes));
  if (natural(members(status)[0]) !== 0n || !token) throw new Refusal("the authority did not grant the timestamp");
  const [kind, wrapped] = members(token);
  const signed = members(only(wrapped?.body ?? Uint8Array.of()));
  const [, digests, encapsulated] = signed;
  const [type, octets] = members(encapsulated);
  const held = signed.find(({ tag }) => tag === 0xa0);
  const signers = elements(signed[signed.length - 1].body);
  const signer = signers.length === 1 ? readSigner(signers[0]) : null;
  const isWhole = oid(kind) === SIGNED && oid(type) === INFO && signer;
  if (!isWhole || !members(digests, 0x31).some((one) => algorithmOf(one) === signer.hash))
    throw new Refusal("these bytes are no timestamp");
  const content = only(octets?.body ?? Uint8Array.of()).body;
  const certificates = held ? elements(held.body).map(({ whole }) => readCertificate(whole)) : [];
  return { content, info: readInfo(content), certificates, signer };
}

function readInfo(content) {
  const [, policy, imprint, serial, time] = members(only(content));
  const [algorithm, hashed] = members(imprint);
  const at = timeIn(time);
  return {
    policy: oid(policy),
    hash: oid(members(algorithm)[0]),
    imprint: hashed?.body ?? Uint8Array.of(),
    serial: natural(serial),
    at,
    time: new Date(Math.ceil(at / 1000) * 1000).toISOString().replace(".000Z", "Z"),
  };
}

/** An algorithm by its OID; of one with other parameters than NULL nothing is known here. */
function algorithmOf(element) {
  const [name, parameter] = members(element);
  const isPlain = !parameter || (parameter.tag === 5 && !parameter.body.length);
  return isPlain ? oid(name) : `${oid(name)} with parameters`;
}

function readSigner(element) {
  const [, sid, digest, ...rest] = members(element);
  const [issuer, serial] = members(sid);
  const attributes = rest[0]?.tag === 0xa0 ? rest.shift() : null;
  const [algorithm, signature] = rest;
  return {
    issuer: issuer.whole,
    serial: natural(serial),
    hash: algorithmOf(digest),
    attributes,
    algorithm: algorithmOf(algorithm),
    signature: signature?.body ?? Uint8Array.of(),
  };
}

/** Checks that what the signer signed is this content, and that this certificate's key signed it. */
function checkSigned({ hash, attributes, algorithm, signature }, content, { spki }) {
  if (!attributes) throw wrong();
  if (!Object.hasOwn(HASHES, hash)) throw new NotChecked("it is signed in a way that this page can't check");
  const values = new Map(elements(attributes.body).map((one) => members(one)).map(([type, set]) => [oid(type), only(set.body)]));
  const digest = values.get(DIGEST)?.body ?? Uint8Array.of();
  if (!values.has(TYPE) || oid(values.get(TYPE)) !== INFO || !sameBytes(digest, HASHES[hash](content))) throw wrong();
  const message = concat(Uint8Array.of(0x31), attributes.whole.subarray(1));
  if (!isSignedUnder(spki, algorithm, signature, message, hash)) throw wrong();
}
