import { verdictDocument, verdictOf } from "./verdict/verdict.js";
import { summaryOf } from "./verdict/summary.js";
import { varint } from "./bytes/varint.js";
import { verify } from "./checks/run.js";
import { isGenuine, QUICKNET, timeOf } from "./drand/networks.js";
import { verifyAny } from "./proofs/files.js";
import { nobody, takeTrust } from "./proofs/trust.js";
import { NotChecked } from "./checks/outcome.js";
import { verifyOts } from "./stamps/opentimestamps.js";
import { verifyStamp } from "./stamps/rfc3161.js";
import { verifyEquivocation } from "./tlog/equivocation.js";
import { checkInclusion, leafHash } from "./tlog/merkle.js";
import { cosigners, readKey, readNote, readProof, signedCheckpoint } from "./tlog/note.js";
import { verifyProof } from "./proofs/picture.js";
import { parseJson } from "./data/json.js";
import { equal } from "./bytes/equal.js";
import { readCar } from "./bytes/car.js";
import { decode, encode } from "./bytes/cbor.js";
import { CID, cidOfBlock, cidOfBytes, cidOfText, hashesTo } from "./bytes/cid.js";
import { TABLES } from "./data/columns.js";
import { build, compareKeys, readRows } from "./data/tables.js";
import { Blocks } from "./data/blocks.js";
import { signedBytes } from "./data/keys.js";
import { checkEntry, checkFollows, walk } from "./data/log.js";
import { normal } from "./data/labels.js";
import { decide } from "./data/snapshot.js";
import { drawFolds, drawSeed, groupNames } from "./data/draw.js";
import { checkpointDigest, readFolder, tensorsDigest } from "./data/weights.js";
import { figureName } from "./figures/names.js";
import { corrected } from "./figures/correction.js";
import { judge } from "./figures/verdicts.js";
import { judgementsOf } from "./figures/input.js";
import { Evaluation } from "./figures/evaluation.js";
import { frac, six } from "./figures/fraction.js";
import { drawRounds, rawNumbers } from "./intervals/philox.js";
import { bootstrapped, significance, wilsonInterval, worth } from "./intervals/intervals.js";
import { gapInterval } from "./intervals/gaps.js";
import { ratioInterval, worstInterval } from "./intervals/worst.js";
import { quantile } from "./intervals/wilson.js";
import { concat, Refusal, Newer, hex, refuse, unhex } from "./bytes/bytes.js";
import { sha256 } from "./bytes/sha256.js";
import { reason, setLanguage } from "./page/words.js";

globalThis.verifier = {
  verdictDocument,
  verdictOf,
  summaryOf,
  readCar,
  decode,
  encode,
  CID,
  cidOfBlock,
  cidOfBytes,
  cidOfText,
  build,
  readRows,
  Blocks,
  checkEntry,
  checkFollows,
  signedBytes,
  normal,
  decide,
  drawFolds,
  drawSeed,
  groupNames,
  checkpointDigest,
  readFolder,
  tensorsDigest,
  figureName,
  judge,
  corrected,
  judgementsOf,
  Evaluation,
  frac,
  six,
  drawRounds,
  rawNumbers,
  bootstrapped,
  significance,
  wilsonInterval,
  worth,
  varint,
  concat,
  verify,
  verifyAny,
  isGenuine,
  QUICKNET,
  timeOf,
  checkInclusion,
  leafHash,
  cosigners,
  readKey,
  readNote,
  readProof,
  signedCheckpoint,
  verifyProof,
  nobody,
  takeTrust,
  NotChecked,
  verifyOts,
  verifyStamp,
  verifyEquivocation,
  unhex,
  TABLES,
  compareKeys,
  walk,
  hashesTo,
  refuse,
  parseJson,
  equal,
  gapInterval,
  ratioInterval,
  worstInterval,
  quantile,
  Refusal,
  Newer,
  hex,
  sha256,
  reason,
  setLanguage,
};
