// Pictures that are dropped or chosen: hashed here, and only the digest is asked for. No picture leaves the browser.
import { sha256 } from "./sha256.js";

const LARGEST = 256 * 2 ** 20; // bytes of one file: more than any picture, less than what stops a phone
const MOST = 50; // files at once
const area = document.getElementById("drop");
const list = document.getElementById("drop-found");
const words = area?.dataset ?? {};

if (area && list) {
  document.getElementById("drop-files").addEventListener("change", (event) => look(event.target.files));
  // Anywhere on the page: a picture that misses the frame is looked up too, and not opened in place of the page.
  for (const name of ["dragover", "dragenter"]) document.addEventListener(name, (event) => over(event, true));
  for (const name of ["dragleave", "drop"]) document.addEventListener(name, (event) => over(event, false));
  document.addEventListener("drop", (event) => {
    area.scrollIntoView({ block: "nearest" });
    look(event.dataTransfer.files);
  });
}

function over(event, inside) {
  event.preventDefault();
  area.classList.toggle("over", inside);
}

async function look(files) {
  list.replaceChildren();
  for (const file of [...files].slice(0, MOST)) await lookFor(file);
  if (files.length > MOST) list.append(element("li", words.left.replace("{count}", files.length - MOST)));
}

async function lookFor(file) {
  const row = element("li");
  row.append(element("b", file.name), " ", element("span", words.hashing, "loading"));
  list.append(row);
  try {
    if (file.size > LARGEST) throw new Error(words.large);
    const digest = await sha256(await file.arrayBuffer());
    const answer = await fetch(`/api/v1/search?q=${digest}`, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(words.failed);
    const hit = (await answer.json()).exact.find((one) => one.kind === "image");
    row.replaceChildren(element("b", file.name), ...(hit ? found(hit) : absent(digest)));
  } catch (error) {
    row.replaceChildren(element("b", file.name), " ", element("span", error.message || words.failed, "wrong"));
  }
}

function absent(digest) {
  const code = element("code", digest, "small soft");
  return [" ", element("span", words.absent, "badge"), element("br"), code];
}

function found(hit) {
  const withdrawn = hit.status === "withdrawn";
  const badge = element("span", withdrawn ? words.withdrawn : words.found, `badge ${withdrawn ? "bad" : "good"}`);
  const parts = [" ", badge, " ", link(`/images/${hit.id}`, hit.label ?? hit.id.slice(0, 12))];
  const held = hit.snapshots.filter((one) => !one.excluded);
  parts.push(...uses(words.snapshots, "/snapshots/", held.map((one) => one.snapshot)));
  const trained = hit.releases.filter((one) => one.trained);
  parts.push(...uses(words.releases, "/releases/", trained.map((one) => one.release)));
  const without = hit.releases.filter((one) => !one.trained);
  for (const why of new Set(without.map((one) => one.dropped))) {
    const cids = without.filter((one) => one.dropped === why).map((one) => one.release);
    parts.push(...uses(`${notTrained(why)}:`, "/releases/", cids));
  }
  if (!held.length && !hit.releases.length) parts.push(element("p", words.unused, "small soft"));
  return parts;
}

/** Why a model of a snapshot with the picture was not trained on it; null: not known. */
function notTrained(why) {
  if (why === null) return words.unknown;
  return words.dropped.replace("{reason}", JSON.parse(words.reasons)[why] ?? why);
}

function uses(said, path, cids) {
  if (!cids.length) return [];
  const line = element("p", `${said} `, "small");
  cids.forEach((cid, place) => line.append(place ? ", " : "", link(path + cid, `${cid.slice(0, 10)}…${cid.slice(-8)}`)));
  return [line];
}

function link(address, text) {
  const made = element("a", text);
  made.href = address;
  return made;
}

function element(name, text, kind) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}
