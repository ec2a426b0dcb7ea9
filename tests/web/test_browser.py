"""The page in a real browser: nothing is refused by its policy, nothing is loaded, no word leaves its figure."""

from __future__ import annotations

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from registry.web.report.report import render_report
from registry.web.verify.verify import verify_page
from tests.web.example import data

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--enable-logging=stderr"),
    *("--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND"),
)
# The page itself runs no script: its policy forbids it. A frame beside it looks at it from outside.
LOOK = """<!doctype html><iframe id="f" style="width:WIDTHpx;height:900px"></iframe><pre id="out"></pre><script>
const f = document.getElementById("f");
f.onload = () => {
  const d = f.contentDocument, w = f.contentWindow, bad = [];
  const details = [...d.querySelectorAll("details")], closed = details.every(one => !one.open);
  for (const one of details) one.open = true;
  for (const svg of d.querySelectorAll("svg")) {
    const box = svg.getBoundingClientRect();
    for (const one of svg.querySelectorAll("text")) {
      const r = one.getBoundingClientRect();
      if (r.left < box.left - 1 || r.right > box.right + 1 || r.top < box.top - 1 || r.bottom > box.bottom + 1)
        bad.push(svg.querySelector("title").textContent + ": " + one.textContent);
    }
  }
  const names = w.performance.getEntriesByType("resource").map(one => one.name);
  const loaded = names.filter(one => !one.startsWith("data:"));
  document.getElementById("out").textContent = JSON.stringify({
    bad, loaded, wide: d.documentElement.scrollWidth > w.innerWidth, svgs: d.querySelectorAll("svg").length,
    closed, tables: d.querySelectorAll(".by-group tbody tr").length,
    lang: d.documentElement.lang, image: d.querySelector("img").naturalWidth,
    font: w.getComputedStyle(d.querySelector("h1")).fontSize,
    ran: "ran" in w });
};
f.srcdoc = PAGE;
</script>"""


def browse(program: str, folder: Path, page: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [program, *FLAGS, f"--user-data-dir={folder / 'profile'}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(("language", "width"), [("en", 1100), ("es", 1100), ("es", 390)])
def test_the_page_in_a_browser(chromium: str, tmp_path: Path, language: str, width: int) -> None:
    page = render_report(data(language=language))
    outer = tmp_path / "look.html"
    look = LOOK.replace("WIDTH", str(width)).replace("PAGE", json.dumps(page).replace("</", "<\\/"))
    outer.write_text(look, encoding="utf-8")
    done = browse(chromium, tmp_path, outer, "--dump-dom", "--virtual-time-budget=4000")
    assert "CONSOLE" not in done.stderr, done.stderr[-2000:]
    found = json.loads(html.unescape(re.findall(r'<pre id="out">(.*?)</pre>', done.stdout, re.DOTALL)[0]))
    font = "36px" if width > 1000 else f"{19.2 + 0.019 * width:g}px"
    assert found["bad"] == []
    assert found["loaded"] == []
    assert (found["wide"], found["lang"], found["image"], found["font"], found["ran"]) == (
        False,
        language,
        48,
        font,
        False,
    )
    assert found["svgs"] > 12
    assert (found["closed"], found["tables"]) == (True, 4 * 4)  # of four kinds, a row a group


def test_the_policy_stops_a_script_and_a_foreign_picture(chromium: str, tmp_path: Path) -> None:
    """What the page could never hold, were it put in: the browser refuses it by the page's own policy."""
    page = tmp_path / "page.html"
    evil = '<script>window.ran = 1</script><img src="https://evil.example/x.png"></main>'
    page.write_text(render_report(data()).replace("</main>", evil), encoding="utf-8")
    done = browse(chromium, tmp_path, page, "--dump-dom", "--virtual-time-budget=2000")
    assert done.stderr.count("Content Security Policy") >= 2, done.stderr[-2000:]


def test_it_prints_with_its_closed_tables(chromium: str, tmp_path: Path) -> None:
    def printed(text: str) -> bytes:
        page, paper = tmp_path / "page.html", tmp_path / "page.pdf"
        page.write_text(text, encoding="utf-8")
        browse(chromium, tmp_path, page, f"--print-to-pdf={paper}", "--no-pdf-header-footer")
        return paper.read_bytes()

    closed = render_report(data(language="es"))
    opened = closed.replace('<details class="open by-group">', '<details class="open by-group" open>')
    assert opened != closed
    as_it_is, all_open = printed(closed), printed(opened)
    assert as_it_is.startswith(b"%PDF-")
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", as_it_is)) <= 15
    cells = len(re.findall(rb"/S\s*/TD\b", all_open))  # the PDF's own tags
    assert len(re.findall(rb"/S\s*/TD\b", as_it_is)) == cells > 0


def test_axe_finds_nothing_by_day_or_night_and_the_verifier_can_be_saved(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    looks: list[tuple[str, int, Literal["light", "dark"]]] = [("en", 1280, "light"), ("es", 390, "dark")]
    for language, width, scheme in looks:
        page.write_text(render_report(data(language=language)), encoding="utf-8")
        # axe is a script, which the page's own policy refuses
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        shown = context.new_page()
        shown.goto(page.as_uri())
        found = Axe().run(shown).response["violations"]
        with shown.expect_download() as saved:
            shown.locator("a[download]").click()
        assert saved.value.path().read_text(encoding="utf-8") == verify_page()
        assert [(one["id"], [node["html"][:200] for node in one["nodes"][:2]]) for one in found] == []
        context.close()
        plain = browser.new_page()
        plain.goto(page.as_uri())
        with plain.expect_download():  # under the page's own policy too
            plain.locator("a[download]").click()
        plain.close()
