// A run that is under way: its events say when to fetch the part of the page that changes. The server draws all of it.
const SECOND = 1000;

function follow(part) {
  const address = location.pathname.replace(/\/$/, "");
  const source = new EventSource(`/api/v1${address}/events?after=${part.dataset.seq}`);
  let timer = null;

  async function fetchPart() {
    timer = null;
    const answer = await fetch(`${address}/live`, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    if (!found) return;
    const open = [...document.querySelectorAll("#live details")].map((one) => one.open);
    document.getElementById("live").replaceWith(found);
    found.querySelectorAll("details").forEach((one, index) => (one.open = open[index] ?? false));
    if (found.dataset.live !== "yes") {
      source.close();
      location.reload(); // claims, figures and buttons stand around the part
    }
  }

  const soon = () => (timer ??= setTimeout(fetchPart, SECOND));
  for (const kind of ["step", "progress", "fold", "again", "warning", "completed", "failed", "cancelled", "resumed", "left"]) {
    source.addEventListener(kind, soon);
  }
}

const part = document.getElementById("live");
if (part && part.dataset.live === "yes") follow(part);
