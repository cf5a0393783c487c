"""Web pages: what a reader of the page would see, with its headings."""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode

from domain.suspect import addresses_machine
from knowledge.reading.shape import Read, row_sentence, table
from knowledge.reading.sniff import decode

_SILENT = frozenset({
    "script", "style", "noscript", "template", "iframe", "object", "embed", "svg", "canvas", "audio", "video", "head",
    "nav", "button", "select", "input", "textarea", "option", "form", "dialog", "math", "map",
})  # fmt: skip
_BLOCKS = frozenset({
    "p", "div", "section", "article", "main", "header", "footer", "aside", "ul", "ol", "li", "dl", "dt", "dd", "table",
    "tr", "blockquote", "pre", "figure", "figcaption", "address", "details", "summary", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "body", "html", "td", "th", "tbody", "thead", "tfoot", "caption", "fieldset", "center",
})  # fmt: skip
_HIDES = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0*\.?0+\s*(?:;|$|!)"
    r"|font-size\s*:\s*0*(?:0|0?\.\d+|[12])(?:\.\d+)?\s*(?:px|pt|em|rem|%)?\s*(?:;|$|!)"
    r"|(?:left|top|right|bottom|text-indent|margin-left|margin-top)\s*:\s*-\d{3,}"
    r"|(?:clip|clip-path)\s*:\s*(?:rect\(\s*0|inset\(\s*(?:50|100)%|polygon\(\s*0)|(?:max-)?(?:height|width)\s*:\s*0(?:px)?\s*(?:;|$|!)"
    r"|transform\s*:\s*scale\(\s*0\s*\)|color\s*:\s*transparent|content-visibility\s*:\s*hidden",
    re.IGNORECASE,
)
_BIG_ENOUGH = re.compile(r"font-size\s*:\s*[12](?:\.\d+)?\s*(?:em|rem)", re.IGNORECASE)
_COLOUR = re.compile(r"(?<![-\w])color\s*:\s*([^;!]+)", re.IGNORECASE)
_BACKGROUND = re.compile(r"background(?:-color)?\s*:\s*([^;!]+)", re.IGNORECASE)
_WHITE = re.compile(
    r"(?:white|snow|ivory|#fff(?:fff)?|#f[a-f]f[a-f]f[a-f]|rgba?\(\s*25[0-5]\s*,\s*25[0-5]\s*,\s*25[0-5][^)]*\))",
    re.I,
)
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_SELECTORS = 200
_DEEPEST = 200


def read(data: bytes) -> Read:
    tree = LexborHTMLParser(decode(data))
    found = Read("html")
    title = tree.css_first("title")
    found.title = " ".join((title.text() if title else "").split())[:200]
    page = Page(found, _hidden_by_sheet(tree))
    body = tree.body or tree.root
    if body is not None:
        page.walk(body, "", 0)
    heading = next((one[2:] for one in page.blocks if one.startswith("# ")), "")
    found.title = heading or found.title
    found.markdown = "\n\n".join(page.blocks)
    return found


def _hidden_by_sheet(tree: LexborHTMLParser) -> frozenset[int]:
    """Elements that the page's own rules hide."""
    hidden, asked = set[int](), 0
    for style in tree.css("style"):
        sheet = re.sub(r"/\*.*?\*/", "", style.text() or "", flags=re.DOTALL)
        for selector, rules in _RULE.findall(sheet):
            if not hides(rules) or "@" in selector or ":" in selector or asked >= _SELECTORS:
                continue
            asked += 1
            try:
                hidden |= {node.mem_id for node in tree.css(selector.strip())}
            except ValueError:
                continue  # a selector that is none hides nothing
    return frozenset(hidden)


def hides(style: str, behind: str = "") -> bool:
    """What is styled like this cannot be seen. `behind` is the style of what surrounds it."""
    if _HIDES.search(_BIG_ENOUGH.sub("", style)):
        return True
    colour = _COLOUR.search(style)
    if not colour or not _WHITE.fullmatch(colour[1].strip()):
        return False
    ground = _BACKGROUND.search(style) or _BACKGROUND.search(behind)
    return ground is None or bool(_WHITE.search(ground[1]))


class Page:
    def __init__(self, found: Read, hidden: frozenset[int]) -> None:
        self._read, self._hidden = found, hidden
        self.blocks: list[str] = []
        self._line: list[str] = []

    def walk(self, node: LexborNode, style: str, depth: int) -> None:
        """Blocks in their order."""
        for child in _children(node):
            tag = (child.tag or "").lower()
            if tag == "-text":
                self._line.append(child.text_content or "")
            elif tag == "-comment":
                self._read.flag("comment", "<!-- -->", addresses_machine(child.comment_content or ""))
            elif tag in _SILENT or tag.startswith(("!", "-")):
                continue
            elif self._unseen(child, style):
                self._read.flag("hidden", f"<{tag}>", child.text(separator=" ") or "")
            elif depth < _DEEPEST:
                self._element(
                    child, tag, f"{style};{child.attributes.get('style') or ''}"[-2_000:], depth + 1
                )
        if depth == 0:
            self._end()

    def _element(self, node: LexborNode, tag: str, style: str, depth: int) -> None:
        if tag == "br":
            self._line.append("\n")
        elif tag == "img":
            return
        elif tag == "table" and not node.css_first("table table"):
            self._end()
            self.blocks += self._table(node, style)
        elif tag in _BLOCKS:
            self._end()
            self.walk(node, style, depth)
            self._end(
                {"li": "- ", "dt": "### "}.get(tag)
                or ("#" * int(tag[1]) + " " if re.fullmatch("h[1-6]", tag) else "")
            )
        else:
            self.walk(node, style, depth)

    def _unseen(self, node: LexborNode, behind: str) -> bool:
        attributes = node.attributes
        if "hidden" in attributes or node.mem_id in self._hidden:
            return True
        return hides(attributes.get("style") or "", behind)

    def _end(self, mark: str = "") -> None:
        """The line so far is a block."""
        said = "\n".join(" ".join(line.split()) for line in "".join(self._line).split("\n")).strip()
        self._line.clear()
        if not said:
            return
        if mark.startswith("#"):
            said = " ".join(said.split())
        elif said.startswith("#"):
            said = "\\" + said
        self.blocks.append(mark + said)

    def _table(self, node: LexborNode, style: str) -> list[str]:
        rows, headed = list[list[str]](), False
        for row in node.css("tr"):
            if self._unseen(row, style):
                self._read.flag("hidden", "<tr>", row.text(separator=" ") or "")
                continue
            cells = [cell for cell in _children(row) if cell.tag in ("td", "th")]
            if not rows:
                headed = (bool(cells) and all(cell.tag == "th" for cell in cells)) or bool(
                    node.css_first("thead")
                )
            rows.append([self._cell(cell, style) for cell in cells])
        rows = [row for row in rows if any(row)]
        if not rows:
            return []
        if headed:
            return table(rows[0], rows[1:])
        return [f"- {row[0]}: {row_sentence([], row[1:])}" if len(row) > 1 else row[0] for row in rows]

    def _cell(self, node: LexborNode, style: str) -> str:
        if self._unseen(node, style):
            self._read.flag("hidden", "<td>", node.text(separator=" ") or "")
            return ""
        inner = Page(self._read, self._hidden)
        inner.walk(node, style, 0)
        return " ".join(" ".join(inner.blocks).split())


def _children(node: LexborNode) -> Iterator[LexborNode]:
    yield from node.iter(include_text=True)
