"""Signing in with a wallet: the browser's own where there is one, by pasting the signature where there is none."""

from __future__ import annotations

from playwright.sync_api import expect

from registry.catalog import accounts
from tests.support.pages import Site, look
from tests.support.wallets import personal_sign, wallet

STUB = """window.ethereum = { request: ({ method, params }) => method === "eth_requestAccounts"
  ? Promise.resolve([ADDRESS]) : window.signed(method, ...params) };"""


def test_a_wallet_signs_in_by_itself_or_by_hand(site: Site) -> None:
    site.expected += ["401", "403"]
    me = wallet(7)
    asked: list[str] = []

    def signed(method: str, message: str, address: str) -> str:
        assert (method, address) == ("personal_sign", me.address)
        asked.append(bytes.fromhex(message[2:]).decode())
        return personal_sign(me, asked[-1])

    with site.visit(None) as page:
        page.expose_function("signed", signed)
        page.add_init_script(STUB.replace("ADDRESS", repr(me.address)))
        page.goto("/signin?next=/runs")
        page.click("#wallet-ask")
        page.click("#wallet-ask")
        expect(page.locator(".note.bad")).to_contain_text("is no account")  # nobody let it in yet
        look(page)
        with site.home.catalog.write() as db:
            accounts.add(db, me.address, ["runs:write"], site.home.now())
        page.click("#wallet-ask")
        page.wait_for_url("**/runs")
        assert page.locator("header form[action='/signout']").count() == 1
    assert asked[-1].splitlines()[1] == me.address
    assert site.address in asked[-1]
    with site.visit("/signin", script=False) as page:
        page.fill("#address", me.address.lower())
        page.locator("form[action='/signin/wallet'] button").first.click()
        page.fill("#signature", personal_sign(wallet(8), "another text"))
        page.locator("form[action='/signin'] button").first.click()
        expect(page.locator(".note.bad")).to_contain_text("did not sign this message")
        page.fill("#signature", personal_sign(me, page.locator("#message").input_value()))
        page.locator("form[action='/signin'] button").first.click()
        page.wait_for_url("**/")
        assert page.locator("header form[action='/signout']").count() == 1
