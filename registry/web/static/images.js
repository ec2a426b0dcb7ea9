// The grid scrolls on: pages are fetched as they come near, and those far behind are taken out again, so that however
// far somebody scrolls the document holds a few hundred tiles at most. A page that was taken out leaves its height
// behind, and is fetched again when it comes near. Without this module there is a link to the next page.
const KEPT = 8; // pages in the document
const NEAR = 1200; // pixels

const list = document.getElementById("shots");
const link = document.querySelector(".pager");
if (list && list.dataset.next) begin();

function begin() {
  const pages = [{ address: location.href, items: [...list.children], height: 0, next: list.dataset.next }];
  const above = spacer();
  const below = spacer();
  list.prepend(above);
  list.append(below);
  const said = Object.assign(document.createElement("p"), { className: "loading", hidden: true });
  said.textContent = list.dataset.loading;
  list.after(said);
  let first = 0; // the first page that is in the document
  let last = 0;
  let busy = false;
  link?.remove();

  async function look() {
    if (busy) return;
    busy = true;
    try {
      for (;;) {
        if (below.getBoundingClientRect().top < innerHeight + NEAR && pages[last].next) await forward();
        else if (first > 0 && above.getBoundingClientRect().bottom > -NEAR) await back();
        else return;
      }
    } catch {
      stop();
    } finally {
      busy = false;
    }
  }

  async function forward() {
    const address = pages[last].next;
    said.hidden = false;
    const page = await load(address).finally(() => {
      said.hidden = true;
    });
    last += 1;
    pages[last] = { ...page, address, height: pages[last]?.height ?? 0 };
    below.before(...page.items);
    rest(below, last + 1);
    if (last - first >= KEPT) takeOutFirst();
  }

  function takeOutFirst() {
    const page = pages[first];
    const before = list.getBoundingClientRect().height;
    for (const item of page.items) item.remove();
    page.items = [];
    page.height = before - list.getBoundingClientRect().height;
    first += 1;
    above.style.height = `${sum(0, first)}px`;
  }

  async function back() {
    const page = pages[first - 1];
    page.items = (await load(page.address)).items;
    above.after(...page.items);
    first -= 1;
    above.style.height = `${sum(0, first)}px`;
    if (last - first >= KEPT) {
      const gone = pages[last];
      const before = list.getBoundingClientRect().height;
      for (const item of gone.items) item.remove();
      gone.items = [];
      gone.height = before - list.getBoundingClientRect().height;
      last -= 1;
      rest(below, last + 1);
    }
  }

  function rest(element, from) {
    element.style.height = `${sum(from, pages.length)}px`;
  }

  function sum(from, to) {
    let height = 0;
    for (let at = from; at < to; at += 1) height += pages[at].height;
    return height;
  }

  function stop() {
    removeEventListener("scroll", look);
    if (link && pages[last].next) {
      link.querySelector("a").href = pages[last].next;
      list.after(link);
    }
  }

  addEventListener("scroll", look, { passive: true });
  addEventListener("resize", look, { passive: true });
  look();
}

/** A page's tiles and the address of the page after it. */
async function load(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (!answer.ok) throw new Error(`${answer.status}`);
  const found = new DOMParser().parseFromString(await answer.text(), "text/html");
  const shots = found.getElementById("shots");
  const next = found.querySelector('.pager a[rel="next"]')?.getAttribute("href") ?? "";
  return { items: shots ? [...shots.children].map((one) => document.adoptNode(one)) : [], next };
}

function spacer() {
  const element = document.createElement("li");
  element.className = "spacer";
  element.setAttribute("aria-hidden", "true");
  return element;
}
