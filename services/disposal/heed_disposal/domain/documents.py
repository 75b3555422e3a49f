"""Documents (文书): templates as data, filled from a case; what the case does not hold is marked.

A document never hides a gap: an unknown field stands in the text as 〔缺:…〕 and in a list, so that
whoever signs fills it in. Values are put in once; braces in them mean nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from html import escape
from typing import Any

_FIELD = re.compile(r"\{([a-z_]+)\}")
_GAP = re.compile(r"〔缺:[^〕]*〕")

_PAGE = """<!doctype html>
<html lang="zh-CN">
<head>
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ max-width: 40em; margin: 3em auto; padding: 0 1em; font: 16px/1.8 SimSun, serif; }}
h1 {{ text-align: center; font-size: 1.5em; }}
p {{ margin: 0 0 .6em; white-space: pre-wrap; }}
.sign {{ text-align: right; }}
mark {{ background: #ffe58f; }}
</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
"""


class DocumentKind(IntEnum):
    """Kind (文书类型) of a document."""

    ACCEPTANCE_NOTICE = 1
    NON_ACCEPTANCE_NOTICE = 2
    NO_LONGER_ACCEPTED_NOTICE = 3
    DIVERSION_NOTICE = 4
    EXTENSION_NOTICE = 5
    OPINION = 6
    REVIEW_OPINION = 7
    RECHECK_OPINION = 8
    TRANSFER_LETTER = 9
    ASSIGNMENT_LETTER = 10
    SUPERVISION_LETTER = 11
    PROOF_OF_SERVICE = 12
    CLOSING_REPORT = 13


class DocumentFileError(Exception):
    """The file of templates cannot be used; the text names the entry."""


@dataclass(frozen=True)
class Template:
    """One kind of document."""

    kind: DocumentKind
    title: str
    version: int
    body: str
    """Paragraphs, one a line, with fields as {name}."""
    sign: str
    """Who signs and when, one a line."""

    @property
    def name(self) -> str:
        """Name with version."""
        return f"{self.kind.name.lower()}@{self.version}"


@dataclass(frozen=True)
class Templates:
    """All templates, and what each field is called in Chinese."""

    by_kind: Mapping[DocumentKind, Template]
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Document:
    """A rendered document."""

    kind: DocumentKind
    title: str
    text: str
    html: str
    missing: tuple[str, ...]
    template: str


def render(templates: Templates, kind: DocumentKind, values: Mapping[str, str]) -> Document:
    """Fill the template of a kind; a value that is empty or absent is marked as missing."""
    template = templates.by_kind[kind]
    missing: list[str] = []

    def fill(match: re.Match[str]) -> str:
        value = values.get(match[1], "").strip()
        if value:
            return value
        label = templates.labels[match[1]]
        if label not in missing:
            missing.append(label)
        return f"〔缺:{label}〕"

    body = _FIELD.sub(fill, template.body.strip())
    sign = _FIELD.sub(fill, template.sign.strip())
    return Document(
        kind=kind,
        title=template.title,
        text=f"{template.title}\n\n{body}\n\n{sign}\n",
        html=_page(template.title, body, sign),
        missing=tuple(missing),
        template=template.name,
    )


def _page(title: str, body: str, sign: str) -> str:
    lines = [f"<p>{_marked(line)}</p>" for line in body.splitlines() if line.strip()]
    lines += [f'<p class="sign">{_marked(line)}</p>' for line in sign.splitlines()]
    return _PAGE.format(title=escape(title), body="\n".join(lines))


def _marked(line: str) -> str:
    return _GAP.sub(lambda gap: f"<mark>{gap[0]}</mark>", escape(line))


def read_templates(document: Mapping[str, Any]) -> Templates:
    """Build the templates from the parsed data file.

    Raises:
        DocumentFileError: a kind has no template, or a template a field without a label.
    """
    labels: dict[str, str] = dict(document.get("label", {}))
    try:
        found = [
            Template(
                kind=DocumentKind[entry["kind"]],
                title=str(entry["title"]),
                version=int(entry["version"]),
                body=str(entry["body"]),
                sign=str(entry["sign"]),
            )
            for entry in document["document"]
        ]
    except (KeyError, TypeError, ValueError) as error:
        raise DocumentFileError(f"cannot read the documents: {error}") from error
    by_kind = {template.kind: template for template in found}
    if len(by_kind) != len(found):
        raise DocumentFileError("two documents have the same kind")
    if absent := [kind.name for kind in DocumentKind if kind not in by_kind]:
        raise DocumentFileError(f"kinds without a document: {', '.join(absent)}")
    for template in found:
        for field in _FIELD.findall(template.body + template.sign):
            if field not in labels:
                raise DocumentFileError(f"{template.name}: field {field} has no label")
    return Templates(by_kind, labels)
