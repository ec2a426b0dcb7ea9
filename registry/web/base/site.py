"""The pages of the service: one layout, one set of macros, and what each page knows of who reads it.

Invariants: everything is escaped but the mark, which is ours; a name that a template uses and nobody gave is an error;
a page refers to no address outside this service.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from markupsafe import Markup

from registry.web.base import static
from registry.web.base.page import MARKS, environment
from registry.web.base.words import Words

SECTIONS = ("images", "snapshots", "runs", "releases", "audits", "issuers", "register")


class Account(Protocol):
    """Who is signed in: the id of a token, and what it may do."""

    @property
    def token(self) -> str: ...
    @property
    def scopes(self) -> tuple[str, ...]: ...
    def may(self, scope: str) -> bool:
        """Whether it has this scope."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """What the layout needs to know of the request.

    ``asked``: whether it is known who is signed in. ``said``: a sentence to show once. ``here``: this address as a part
    of a query. ``json``: the same noun's document. ``languages``: this page in each language.
    """

    path: str
    signed_in: Account | None
    asked: bool
    csrf: Callable[[], str]
    said: str | None
    here: str
    json: str
    languages: Mapping[str, str]

    @property
    def section(self) -> str:
        """The first part of the path: which entry of the navigation is current."""
        return self.path.strip("/").partition("/")[0]

    def may(self, scope: str) -> bool:
        """Whether who is signed in may do this."""
        return self.signed_in is not None and self.signed_in.may(scope)


def mark() -> Markup:
    """The mark as SVG that takes its ink from the text around it."""
    return Markup(static.contents()["mark.svg"].decode())  # noqa: S704  a file of ours


def render_site(template: str, t: Words, look: Look, **fields: Any) -> str:
    """A page of ``templates`` that extends ``site.html``."""
    found = environment().get_template(template)
    return found.render(
        t=t, look=look, marks=MARKS, sections=SECTIONS, static=static.address, mark=mark, csrf_value=look.csrf, **fields
    )
