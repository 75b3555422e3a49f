"""Measure masking on the written sentences: recall by kind of value, and what was masked in vain.

The masked text says what went: its plain parts stand in the sentence in the same order, and what
lies between them was replaced. Run it to read the figures and every miss:

    python -m tests.intake.domain.masking_measure [tuned|held_out]
"""

import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from heed_intake.domain.masking import HALF_WIDTH, mask_text

NUMBERS = ("phone", "id", "card", "plate", "mail", "account", "permit")
KINDS = (*NUMBERS, "name", "address")
PARTS = ("tuned", "held_out")
_MARK = re.compile(r"\{(\w+):([^}]*)\}")
_REPLACED = re.compile("【[^】]*】")


@dataclass(frozen=True)
class Span:
    """A personal value in a sentence: characters [start, end)."""

    kind: str
    start: int
    end: int


@dataclass
class Figures:
    """What masking did to one part.

    Attributes:
        spans: Values to mask, by kind.
        caught: Values of which no character is left (但“某”可留), by kind.
        masks: Replacements made.
        in_vain: Replacements that touch no value.
        wide: Characters replaced beside a value, by a replacement that touches one.
        misses: Sentences with a value left, and the value.
        vain: Sentences with a replacement in vain, masked.
    """

    spans: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    masks: int = 0
    in_vain: int = 0
    wide: int = 0
    misses: list[tuple[str, str]] = field(default_factory=list)
    vain: list[str] = field(default_factory=list)

    def recall(self, *kinds: str) -> float:
        """Return the share of the values of these kinds that went whole."""
        return sum(self.caught[kind] for kind in kinds) / sum(self.spans[kind] for kind in kinds)

    def precision(self) -> float:
        """Return the share of the replacements that touch a value."""
        return 1 - self.in_vain / self.masks


def sentences(part: str) -> list[tuple[str, list[Span]]]:
    """Return the sentences of a part, each with its values."""
    path = Path(__file__).with_name(f"masking_{part}.txt")
    lines = path.read_text(encoding="utf-8").splitlines()
    return [_read(line) for line in lines if not line.startswith("#")]


def measure(part: str) -> Figures:
    """Mask every sentence of a part and count."""
    figures = Figures()
    for text, spans in sentences(part):
        masked = mask_text(text)
        _count(figures, text, spans, masked)
    return figures


def _read(line: str) -> tuple[str, list[Span]]:
    text, spans, at = "", [], 0
    for mark in _MARK.finditer(line):
        text += line[at : mark.start()]
        spans.append(Span(mark[1], len(text), len(text) + len(mark[2])))
        text += mark[2]
        at = mark.end()
    return text + line[at:], spans


def _count(figures: Figures, text: str, spans: list[Span], masked: str) -> None:
    gone = replaced(text, masked)
    for span in spans:
        figures.spans[span.kind] += 1
        left = [
            text[at]
            for at in range(span.start, span.end)
            if text[at] not in "某 " and not any(start <= at < end for start, end in gone)
        ]
        if left:
            figures.misses.append((span.kind, f"{text[span.start : span.end]}  <- {masked}"))
        else:
            figures.caught[span.kind] += 1
    for start, end in gone:
        figures.masks += 1
        inside = sum(max(0, min(end, s.end) - max(start, s.start)) for s in spans)
        if inside:
            figures.wide += end - start - inside
        else:
            figures.in_vain += 1
            figures.vain.append(f"{text[start:end]}  <- {masked}")


def replaced(text: str, masked: str) -> list[tuple[int, int]]:
    """Return the ranges of ``text`` that ``masked`` does not show."""
    plain = [re.escape(piece) for piece in _REPLACED.split(masked)]
    found = re.fullmatch("(.+?)".join(plain), text.translate(HALF_WIDTH))
    if found is None:
        raise AssertionError(f"not the same text: {masked}")
    return [found.span(group + 1) for group in range(len(plain) - 1)]


def main() -> None:
    """Print the figures of the parts named (both without a name) and every miss."""
    for part in sys.argv[1:] or PARTS:
        figures = measure(part)
        for kind in KINDS:
            print(part, kind, f"{figures.caught[kind]}/{figures.spans[kind]}")
        print(part, "numbers", round(figures.recall(*NUMBERS), 4))
        print(part, "precision", figures.masks, figures.in_vain, round(figures.precision(), 4))
        print(part, "wide characters", figures.wide)
        if part == "tuned":
            for kind, miss in figures.misses:
                print("missed", kind, miss)
            for vain in figures.vain:
                print("in vain", vain)


if __name__ == "__main__":
    main()
