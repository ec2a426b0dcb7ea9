// Level 2: who says it.
import { compareBytes, hex, Missing, Newer, Refusal } from "../bytes/bytes.js";
import { changesOf, checkChange, revokedBy } from "../data/keys.js";
import { checkEntry, checkFollows, checkHeeds, walk } from "../data/log.js";
import { anchoredEntries } from "./file.js";
import { each, NotChecked, say } from "./outcome.js";
import { signerOfRow } from "./rows.js";
import { withdrawalsOf } from "./withdrawals.js";

const OTHERS = ["contribution", "withdrawal", "audit", "keys"];

export const level2 = [
  [
    "2.signatures",
    ({ file, view }) => {
      if (file.target.entry) issuerOf(file);
      each(file.entries, (cid) => {
        const entry = file.blocks.record(cid, "entry");
        checkEntry(entry, file.blocks);
        checkChange(cid, entry, file.blocks);
      });
      for (const cid of neededEntries(file, view)) file.blocks.record(cid, "entry");
      if (!file.entries.length) throw new NotChecked("the file holds no entry");
      return say("{count} {count|entry is signed by its issuer|entries are signed by their issuers}", { count: file.entries.length });
    },
  ],
  [
    "2.issuer",
    ({ file, view }) => {
      const issuer = issuerOf(file);
      if (file.target.type === "release") {
        view.needAll();
        const entry = file.blocks.record(view.release.planEntry, "entry");
        if (entry.issuer !== issuer) throw new Refusal("the plan is said by somebody else");
        if (entry.record.key !== view.draw.plan.key) throw new Refusal("the plan's entry says another plan");
        const said = file.entries.map((cid) => file.entry(cid) ?? {});
        for (const cid of view.snapshot.contributions) {
          const { issuer: theirs } = view.record(cid, "contribution");
          if (theirs !== issuer && !said.some((one) => one.issuer === theirs && one.record.key === cid.key))
            throw new Refusal("a contribution says to be of {issuer}, and no entry of that issuer says it", { issuer: theirs });
        }
      }
      for (const cid of file.entries) {
        const entry = file.entry(cid);
        if (!entry || entry.issuer === issuer) continue;
        const type = file.blocks.typeOf(entry.record);
        if (!OTHERS.includes(type))
          throw new Refusal("somebody else says a record of type {type} here", { type: type ?? "?" });
      }
      return say("signed by {issuer}", { issuer });
    },
  ],
  ["2.keys", ({ file, view }) => keys(file, view)],
  ["2.log", ({ file, view }) => log(file, view)],
  [
    "2.times",
    ({ file }) => {
      issuerOf(file);
      const own = file.entries.map((cid) => file.entry(cid)).filter((entry) => entry && entry.issuer === file.issuer);
      own.sort((a, b) => (a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : 0));
      own.forEach((entry, i) => {
        if (i && own[i - 1].issuedAt > entry.issuedAt) throw new Refusal("an entry is issued before the one before it");
      });
      return say("entries are issued one after the other, by the issuer's own clock");
    },
  ],
  [
    "2.withdrawals",
    ({ file, view }) => {
      issuerOf(file);
      if (["release", "snapshot"].includes(file.target.type)) view.needAll();
      const { count, without, images } = withdrawalsOf(view);
      return say("{count} {count|withdrawal counts|withdrawals count}, {images} of them of images; {without} {without|has|have} no effect", {
        count,
        images: images.size,
        without,
      });
    },
  ],
  ["2.labels", ({ view, pause }) => labels(view, pause)],
  [
    "2.query",
    () => {
      throw new NotChecked(
        "that the snapshot names all contributions that its query finds rows in shows only in the whole log",
      );
    },
  ],
];

function issuerOf(file) {
  const { error } = file.blocks.checked(file.targetCid);
  if (error instanceof Newer) throw error;
  if (!file.issuer) throw new NotChecked("the file holds no entry that says its target");
  return file.issuer;
}

function neededEntries(file, view) {
  const needed = file.target.entry ? [file.target.entry] : [];
  try {
    if (file.target.type === "release") needed.push(view.release.planEntry);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  return needed;
}

function keys(file, view) {
  const issuer = issuerOf(file);
  const changes = changesOf(file, issuer);
  const cids = file.target.type === "release" ? [view.release.planEntry, file.target.entry] : [file.target.entry];
  for (const cid of cids) {
    const entry = file.blocks.record(cid, "entry");
    if (entry.issuer === issuer && revokedBy(changes, cid, entry))
      throw new Refusal("the key of entry {seq} was revoked by its issuer", { seq: entry.seq });
  }
  if (!changes.length) return say("no change of keys is in the file");
  return say("{count} {count|change|changes} of keys revoke nothing here", { count: changes.length });
}

function log(file, view) {
  const issuer = issuerOf(file);
  oneLog(file);
  if (file.target.type !== "release") return say("no two entries stand in one place");
  const anchored = anchoredEntries(file).filter((cid) => file.entry(cid)?.issuer === issuer);
  const newest = [file.target.entry, ...anchored].reduce((a, b) => (file.entry(b).seq > file.entry(a).seq ? b : a));
  const way = wayBack(file.blocks, newest, view.release.planEntry);
  if (!way.some(({ cid }) => cid.key === file.target.entry.key)) {
    throw new Refusal("the release's entry is not on the way from the newest anchored one to the plan's");
  }
  return say("{count} {count|entry|entries} from the plan's on, without a gap", { count: way.length });
}

// A gap speaks against who signed the log: no link leads to the entry before, so no other check would miss it.
function wayBack(blocks, newest, until) {
  try {
    return walk(blocks, newest, until);
  } catch (error) {
    throw error instanceof Missing ? new Refusal(error.template, error.values) : error;
  }
}

// Of all entries at hand: one log an issuer, one entry in a place, each follows the one before it.
function oneLog(file) {
  const places = new Map();
  const logs = new Map();
  for (const cid of file.entries) {
    const entry = file.entry(cid);
    if (!entry) continue;
    const place = `${entry.issuer} ${entry.seq}`;
    if (places.has(place)) throw new Refusal("two entries stand in one place of a log");
    places.set(place, { entry, cid });
    const first = hex(entry.log ?? cid.bytes);
    if ((logs.get(entry.issuer) ?? first) !== first)
      throw new Refusal("the log forks: entries of one issuer name different first ones");
    logs.set(entry.issuer, first);
  }
  for (const { entry } of places.values()) {
    const before = places.get(`${entry.issuer} ${BigInt(entry.seq) - 1n}`);
    if (!before) continue;
    if (compareBytes(entry.prev, before.cid.bytes))
      throw new Refusal("an entry follows another than the one before it");
    checkFollows(entry, before.entry, before.cid);
    checkHeeds(entry, before.entry, before.cid, file.blocks);
  }
}

function readable(view) {
  try {
    view.needAll();
    return view.contributions;
  } catch (error) {
    if (error instanceof Refusal) throw new NotChecked("the contributions can't be read");
    throw error;
  }
}

async function labels(view, pause) {
  let signed = 0;
  for (const { rows } of readable(view)) {
    for (const row of rows) {
      if (!row.signature) continue;
      if (signerOfRow(row) !== row.contributor)
        throw new Refusal("a row is not signed by its contributor {name}", { name: row.contributor });
      signed += 1;
      if (signed % 20 === 0) await pause();
    }
  }
  if (!signed) throw new NotChecked("no contributor signed a row: who gave a label is the issuer's word");
  return say("{count} {count|row is signed by its contributor|rows are signed by their contributors}", { count: signed });
}
