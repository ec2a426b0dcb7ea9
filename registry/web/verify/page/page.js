// The page: takes a file, shows each check as it runs, and the verdict in the end. Nothing leaves it.
import { element, fill } from "./dom.js";
import { aboutCard, checkRow, checksCard, figuresCard, limitsCard, size, verdictCard } from "./result.js";
import { besides } from "./given.js";
import { forkCards, proofCards } from "./proof.js";
import { chooseLanguage, language, setLanguage, t, title } from "./words.js";
import { MAX_FILE_SIZE, slices, verifyFile } from "./worker.js";

const EXPECTED_CHECKS = 50; // of a release, for the bar alone

const state = { file: null, texts: [], pictures: [], summary: null, problem: null, checks: [], current: null, read: 0, stop: () => {} };
const byId = (id) => document.getElementById(id);

export function startPage() {
  chooseLanguage(location.search, navigator.languages ?? []);
  byId("choose").addEventListener("change", ({ target }) => give([...target.files]));
  byId("language").addEventListener("click", () => {
    setLanguage(language() === "en" ? "es" : "en");
    drawWords();
    draw();
  });
  const isServed = location.protocol.startsWith("http");
  byId("save").hidden = !isServed;
  byId("home").hidden = !isServed;
  takeDrops();
  drawWords();
}

// A file may be dropped anywhere on the page; nothing dropped is ever opened in its place.
function takeDrops() {
  const zone = byId("drop");
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle("over", kind === "dragenter" || kind === "dragover");
      if (kind === "drop" && event.dataTransfer) give([...event.dataTransfer.files]);
    });
  }
}

function drawWords() {
  document.documentElement.lang = language();
  document.title = `${t("title")} · Emotionet`;
  for (const one of document.querySelectorAll("[data-t]")) one.textContent = t(one.dataset.t);
  byId("language").lang = language() === "en" ? "es" : "en";
}

/** Takes files: one to verify, and beside it what says whom the reader trusts, or a picture that a proof may be about. */
async function give(files) {
  const { main, texts, pictures } = await besides(files, state.summary?.kind === "proof");
  state.texts.push(...texts);
  state.pictures.push(...pictures);
  const fresh = main ?? (state.file || texts.length ? null : files[0]);
  if (main && !pictures.length) state.pictures = [];
  if (fresh || (texts.length && state.file)) begin(fresh ?? state.file);
  else draw();
}

function begin(file) {
  state.stop();
  Object.assign(state, { file, summary: null, problem: null, checks: [], current: null, read: 0 });
  if (file.size > MAX_FILE_SIZE) {
    state.problem = t("too_large", { size: size(file.size) });
    draw();
    return;
  }
  draw();
  state.stop = run(file);
}

/** Starts a worker made of this very script, or works in slices where none may be made. Returns how to stop. */
function run(file) {
  let isStopped = false;
  const hear = (event) => {
    if (!isStopped) take(event);
  };
  const inSlices = () => {
    state.checks = [];
    verifyFile(file, state.texts, hear, slices());
  };
  try {
    const address = URL.createObjectURL(new Blob([byId("verifier").textContent], { type: "text/javascript" }));
    const worker = new Worker(address);
    worker.onmessage = ({ data }) => hear(data);
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      if (!isStopped) inSlices();
    };
    worker.postMessage({ file, texts: state.texts });
    return () => {
      isStopped = true;
      worker.terminate();
      URL.revokeObjectURL(address);
    };
  } catch {
    inSlices();
    return () => {
      isStopped = true;
    };
  }
}

function take(event) {
  if (event.summary || event.problem) {
    Object.assign(state, {
      summary: event.summary ?? null,
      problem: event.problem ? t("broke_off", { why: event.problem }) : null,
    });
    draw();
    const verdict = byId("verdict");
    if (verdict) verdict.focus();
    return;
  }
  if (event.total) state.read = event.done / event.total;
  else if (event.result) {
    state.checks.push(event);
    byId("running").append(checkRow(event));
  } else state.current = event.id;
  drawProgress();
}

function drawProgress() {
  const share = Math.min((state.checks.length + state.read) / EXPECTED_CHECKS, 1);
  byId("bar").value = share;
  byId("now").textContent = state.current ? `${state.current} ${title(state.current)}` : t("reading");
}

function draw() {
  const { file, summary, problem } = state;
  byId("work").hidden = !file || Boolean(summary || problem);
  fill(byId("running"), ...state.checks.map(checkRow));
  if (file) byId("name").textContent = `${file.name} (${size(file.size)})`;
  drawProgress();
  byId("intro").classList.toggle("small-drop", Boolean(file));
  byId("trusted").hidden = !state.texts.length;
  byId("trusted").textContent = t("trusted", { count: state.texts.length });
  fill(byId("result"), ...cardsOf(state));
}

function cardsOf({ file, pictures, summary, problem }) {
  if (problem) {
    const card = { class: "card verdict bad" };
    return [element("section", card, element("h2", {}, t("problem")), element("p", { class: "headline" }, problem))];
  }
  if (!summary) return [];
  if (summary.kind === "proof") return proofCards(summary, file, pictures);
  if (summary.kind === "fork") return forkCards(summary, file);
  return [verdictCard(summary), aboutCard(summary, file), figuresCard(summary), checksCard(summary), limitsCard()];
}
