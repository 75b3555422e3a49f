"""Measure masking on the written sentences: recall by kind of value, and what was masked in vain.

The masked text says what went: its plain parts stand in the sentence in the same order, and what
lies between them was replaced. Run it to read the figures and every miss:

    python -m tests.intake.domain.masking_measure [tuned|held_out]
"""

import random
import re
import sys
import time
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
        caught: Values of which no character but 某 is left, by kind.
        masks: Replacements made.
        in_vain: Replacements that touch no value.
        wide: Characters replaced beside a value by a replacement that touches one.
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


def seconds_per_text(length: int = 500, texts: int = 20, rounds: int = 15) -> float:
    """Return the time to mask a text of this length, put together from sentences at random.

    Every second sentence of such a text holds personal values, so it is slower than a real one.
    The best of the rounds counts: the others waited for the machine.
    """
    drawn = random.Random(1)
    pool = [text for text, _ in sentences("tuned")]
    made = ["".join(drawn.choices(pool, k=length))[:length] for _ in range(texts)]
    times = []
    for _ in range(rounds):
        started_at = time.perf_counter()
        for text in made:
            mask_text(text)
        times.append(time.perf_counter() - started_at)
    return min(times) / texts


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
    """Print the figures of the parts named (all without a name), the misses of the tuned only."""
    for part in sys.argv[1:] or PARTS:
        figures = measure(part)
        kinds = [f"{kind} {figures.caught[kind]}/{figures.spans[kind]}" for kind in KINDS]
        lines = [
            f"{part}: " + ", ".join(kinds),
            f"  numbers {figures.recall(*NUMBERS):.4f}, names {figures.recall('name'):.4f}",
            f"  {figures.masks} replacements, {figures.in_vain} in vain, {figures.wide} too wide",
        ]
        if part == "tuned":
            lines += [f"  missed {kind} {miss}" for kind, miss in figures.misses]
            lines += [f"  in vain {vain}" for vain in figures.vain]
        sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.write(f"{seconds_per_text() * 1e6:.0f} us for a text of 500 characters\n")


if __name__ == "__main__":
    main()
