// Sends a folder or files to be checked: what is here already, by its sha256, is not sent again, so an upload that broke
// off goes on where it was. Without this module the same form sends everything at once.
const BATCH_BYTES = 8 << 20;
const BATCH_FILES = 40;
const ASKED = 200;
const HASHED_AT_MOST = 64 << 20;
const SKIPPED = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

const form = document.getElementById("send");
if (form) begin(form);

function begin(form) {
  const drop = form.querySelector("#drop");
  for (const kind of ["dragenter", "dragover"]) {
    drop.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  for (const kind of ["dragleave", "drop"]) drop.addEventListener(kind, () => drop.classList.remove("over"));
  drop.addEventListener("drop", async (event) => {
    event.preventDefault();
    send(form, await dropped(event.dataTransfer));
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form, chosen(form));
  });
}

/** The files of both choices, each with its path. */
function chosen(form) {
  const files = [...form.querySelectorAll("input[type=file]")].flatMap((input) => [...input.files]);
  return files.map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

/** What was dropped, folders gone into. */
async function dropped(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  if (entry.isFile) {
    const file = await new Promise((done, fail) => entry.file(done, fail));
    found.push({ file, path: entry.fullPath.replace(/^\//, "") });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const part = await new Promise((done, fail) => reader.readEntries(done, fail));
    if (!part.length) return;
    for (const one of part) await walk(one, found);
  }
}

async function send(form, given) {
  const named = new Map();
  const twice = []; // of two files with one name the second would take the first one's place
  for (const one of given.filter(({ file }) => !SKIPPED.has(file.name))) {
    if (named.has(one.path)) twice.push({ name: one.path, reason: form.dataset.twice });
    else named.set(one.path, one);
  }
  const files = [...named.values()];
  const shown = show(form);
  if (!files.length) return;
  if (files.length > Number(form.dataset.most)) {
    shown.say(form.dataset.many);
    return;
  }
  const csrf = form.querySelector("[name=csrf]").value;
  form.querySelector("button").disabled = true;
  try {
    const address = form.dataset.upload.replace(/\/files$/, "") || (await open(csrf));
    form.dataset.upload = `${address}/files`; // a second try goes on with the same upload
    const missing = await lacking(form, address, csrf, files, shown);
    const refused = [...twice, ...(await sendAll(form, address, csrf, missing, shown))];
    if (refused.length) shown.refuse(refused, address, form.dataset.on);
    else location.assign(address);
  } catch {
    shown.say(form.dataset.broken);
  } finally {
    form.querySelector("button").disabled = false;
  }
}

/** A new upload without files; its address. */
async function open(csrf) {
  const answer = await post("/register", { csrf });
  const address = new URL(answer.url).pathname;
  if (!/^\/register\/[^/]+$/.test(address)) throw new Error("no upload");
  return address;
}

/** The files whose bytes are not here. */
async function lacking(form, address, csrf, files, shown) {
  if (!crypto.subtle) return files; // without https nothing can be hashed: all is sent
  const missing = [];
  let known = 0;
  for (let from = 0; from < files.length; from += ASKED) {
    const part = files.slice(from, from + ASKED);
    const asked = [];
    for (const one of part) {
      shown.progress(form.dataset.hashing, from + asked.length, files.length);
      asked.push({ path: one.path, sha256: one.file.size <= HASHED_AT_MOST ? await digest(one.file) : "" });
    }
    const answer = await (await post(`${address}/held`, { csrf, files: JSON.stringify(asked) })).json();
    const lacks = new Set(answer.missing);
    for (const one of part) {
      if (lacks.has(one.path)) missing.push(one);
      else known += 1;
    }
  }
  if (known) shown.known(form.dataset.known, known);
  return missing;
}

async function digest(file) {
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  return [...found].map((one) => one.toString(16).padStart(2, "0")).join("");
}

async function sendAll(form, address, csrf, files, shown) {
  const refused = [];
  let done = 0;
  while (done < files.length) {
    const body = new FormData();
    body.append("csrf", csrf);
    let bytes = 0;
    let count = 0;
    while (done + count < files.length && count < BATCH_FILES) {
      const { file, path } = files[done + count];
      if (count && bytes + file.size > BATCH_BYTES) break;
      body.append("path", path);
      body.append("files", file, "file");
      bytes += file.size;
      count += 1;
    }
    shown.progress(form.dataset.sending, done, files.length);
    if (bytes > HASHED_AT_MOST) {
      refused.push({ name: files[done].path, reason: "> 64 MiB" });
    } else {
      const answer = await fetch(`${address}/files`, { method: "POST", body, headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error(`${answer.status}`);
      refused.push(...(await answer.json()).refused);
    }
    done += count;
    shown.progress(form.dataset.sending, done, files.length);
  }
  return refused;
}

async function post(address, fields) {
  const answer = await fetch(address, { method: "POST", body: new URLSearchParams(fields) });
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer;
}

function show(form) {
  const place = form.querySelector(".sending");
  const words = place.querySelector("p");
  const bar = place.querySelector("progress");
  const list = place.querySelector("ul");
  place.hidden = false;
  list.replaceChildren();
  let before = "";
  return {
    progress(text, done, total) {
      bar.max = total;
      bar.value = done;
      words.textContent = `${text.replace("#", done).replace("%", total)} ${before}`;
    },
    known(text, count) {
      before = text.replace("#", count);
    },
    say(text) {
      words.textContent = text;
    },
    refuse(refused, address, on) {
      const link = Object.assign(document.createElement("a"), { className: "button", href: address, textContent: on });
      list.after(link);
      list.replaceChildren(
        ...refused.slice(0, 50).map((one) => {
          const item = document.createElement("li");
          item.textContent = `${one.name.length > 80 ? `${one.name.slice(0, 79)}…` : one.name}: ${one.reason}`;
          return item;
        }),
      );
    },
  };
}
