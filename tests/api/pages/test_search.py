"""The search: what a CID, a digest, an id or a word finds."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.conftest import Client, Resting

HTML = {"accept": "text/html"}


@pytest.fixture
def client(resting: Resting) -> Client:
    return resting.client


def find(client: Client, text: str) -> dict[str, Any]:
    answer = client.get("/api/v1/search", params={"q": text})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_image_is_found_by_digest_by_cid_and_by_their_beginning(client: Client, resting: Resting) -> None:
    cid = str(resting.images[0])
    digest = resting.images[0].digest.hex()
    for text in (cid, digest, digest.upper(), f"sha256:{digest}", digest[:12], cid[:20], f"ipfs://{cid}", f" {cid} "):
        (hit,) = find(client, text)["exact"]
        assert (hit["kind"], hit["id"], hit["label"]) == ("image", digest, "triste"), text
        assert [one["snapshot"] for one in hit["snapshots"]] == [resting.snapshot]
        assert hit["releases"] == []


def test_what_means_one_thing_leads_to_its_page(client: Client, resting: Resting) -> None:
    answer = client.get("/search", params={"q": resting.snapshot}, headers=HTML, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, f"/snapshots/{resting.snapshot}")


def test_words_find_labels_and_contributors(client: Client) -> None:
    assert [(one["kind"], one["id"], one["images"]) for one in find(client, "FEL")["words"]] == [("label", "feliz", 1)]
    assert [(one["kind"], one["id"], one["images"]) for one in find(client, "nn")["words"]] == [
        ("contributor", "anna", 4)
    ]
    page = client.get("/search?q=nn", headers=HTML).text
    assert 'href="/images?contributor=anna"' in page


@pytest.mark.parametrize(
    "text", ["", "  ", "%", "_", "\x00", "a\nb", "zzzzzz", "latest", "bafyrei", "0", "'; --", "../.."]
)
def test_what_means_nothing_finds_nothing(client: Client, text: str) -> None:
    found = find(client, text)
    assert found["exact"] == []
    assert found["words"] == []
    assert client.get("/search", params={"q": text}, headers=HTML).status_code == 200


def test_a_text_that_is_too_long_is_refused(client: Client) -> None:
    assert client.get("/api/v1/search", params={"q": "a" * 257}).status_code == 400


def test_hostile_text_stays_text(client: Client) -> None:
    page = client.get("/search", params={"q": '"><script>alert(1)</script>'}, headers=HTML).text
    assert "<script>alert" not in page
