// An audit's checks as they are made; when it is over the page is loaded once more, whole.
const under = document.getElementById("under-way");
const live = document.getElementById("live");
const counts = document.getElementById("counts");
if (under && live) follow(new EventSource(under.dataset.events));

function follow(source) {
  const seen = new Set([...document.querySelectorAll("#checks tbody code")].map((one) => one.textContent));
  source.addEventListener("check", (event) => {
    const check = JSON.parse(event.data);
    if (seen.has(check.id)) return;
    seen.add(check.id);
    live.append(row(check));
    if (counts) counts.textContent = String(seen.size);
  });
  source.addEventListener("end", () => {
    source.close();
    location.reload();
  });
}

function row(check) {
  const line = document.createElement("tr");
  const kind = { holds: "good", "does not hold": "bad" }[check.result] ?? "";
  const sign = { holds: "✓", "does not hold": "✗" }[check.result] ?? "–";
  const head = cell("th", "");
  head.scope = "row";
  head.append(element("code", check.id));
  const state = cell("td", "");
  const badge = element("span", check.state);
  badge.className = `badge ${kind}`;
  const mark = element("span", sign);
  mark.setAttribute("aria-hidden", "true");
  badge.prepend(mark);
  state.append(badge);
  const reason = cell("td", check.reason);
  reason.lang = check.reason_language;
  reason.className = "soft";
  line.append(head, state, cell("td", check.title), reason);
  return line;
}

function cell(name, text) {
  return element(name, text);
}

function element(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
