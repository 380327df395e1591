"""Every relative link of the documentation leads to a file, and to a heading in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import join, normpath

import pytest

from tests.docs.written import PAGES, ROOT

_CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"]+)\"")


def links(page: str) -> Iterator[str]:
    """Give the targets of a page's links and pictures, without what stands in its code."""
    for inline, attribute in _LINK.findall(re.sub(r"`[^`\n]*`", "", _CODE.sub("", PAGES[page]))):
        yield inline or attribute


def anchors(page: str) -> set[str]:
    """Return the anchors of a page's headings as GitHub makes them."""
    found: dict[str, int] = {}
    named = set()
    for heading in re.findall(r"^#{1,6} (.+)$", _CODE.sub("", PAGES[page]), re.MULTILINE):
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        named.add(slug if slug not in found else f"{slug}-{found[slug]}")
        found[slug] = found.get(slug, 0) + 1
    return named


RELATIVE = sorted({(page, link) for page in PAGES for link in links(page) if "://" not in link})


@pytest.mark.parametrize(("page", "link"), RELATIVE, ids=[f"{page} to {link}" for page, link in RELATIVE])
def test_a_link_leads_somewhere(page: str, link: str) -> None:
    path, _, anchor = link.partition("#")
    target = normpath(join(page, "..", path)) if path else page

    assert (ROOT / target).exists()
    assert not anchor or anchor in anchors(target)


def test_links_are_found_at_all() -> None:
    assert ("README.md", "docs/faq.md") in RELATIVE
    assert ("README.md", "docs/overview.svg") in RELATIVE
    assert "7-behind-a-corporate-proxy-and-without-the-internet" in anchors("docs/deploy.md")
