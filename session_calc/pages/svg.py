"""Make a drawing of matplotlib a part of a page: colours that follow the page's, ids that no other drawing has.

The drawing is changed as a tree and never as text, and is written by the XML library, which escapes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from xml.etree import ElementTree as ET

_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_HREF = f"{{{_LINK}}}href"
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT = re.compile(r"font-family:[^;]*;?|font: (?P<size>[0-9.]+px)[^;]*;?")


def to_inline(drawing: bytes, name: str, title: str, colours: Mapping[str, str]) -> str:
    """Give the drawing as an element of HTML.

    Parameters
    ----------
    drawing : bytes
        A whole SVG file, by matplotlib.
    name : str
        Goes before each id; once in a page.
    title : str
        What a screen reader says.
    colours : mapping
        Each colour in the drawing, and what stands for it in the page's style.
    """
    root = ET.fromstring(drawing)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    used = set(_references(root))
    for node in root.iter():
        _adapt(node, name, used, colours)
    for attribute in ("width", "height", "version"):
        root.attrib.pop(attribute, None)
    root.set("role", "img")
    root.set("aria-label", title)
    for prefix, uri in (("", _SVG), ("xlink", _LINK)):
        ET.register_namespace(prefix, uri)
    return ET.tostring(root, encoding="unicode")


def _references(root: ET.Element) -> Iterator[str]:
    for node in root.iter():
        for value in node.attrib.values():
            yield from _REFERENCE.findall(value)
        if _HREF in node.attrib:
            yield node.attrib[_HREF].removeprefix("#")


def _adapt(node: ET.Element, name: str, used: set[str], colours: Mapping[str, str]) -> None:
    its_id = node.attrib.pop("id", None)
    if its_id in used:
        node.set("id", f"{name}-{its_id}")
    if _HREF in node.attrib:
        node.set("href", f"#{name}-{node.attrib.pop(_HREF).removeprefix('#')}")
    for attribute, value in list(node.attrib.items()):
        found = _REFERENCE.sub(rf"url(#{name}-\1)", value)
        if attribute == "style":
            found = _FONT.sub(lambda match: f"font-size: {match['size']};" if match["size"] else "", found)
            for colour, style in colours.items():
                found = found.replace(colour, style)
        node.set(attribute, found)
