"""Screening (甄别) for accusations (检举控告) before anything else is done with a petition.

The rules are data: an accusation of an official must not reach the ordinary lane, and a complaint
about a firm or a nuisance must not be delayed in the sealed one. What the rules miss the classifier
may still suspect later.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from heed_intake.domain.petition import Lane, Nature, Submission

DECLARED = "declared"
ACCUSED = "accused"


@dataclass(frozen=True)
class ScreeningRule:
    """A pattern that marks an accusation, and the reason in words for the person who checks."""

    name: str
    pattern: re.Pattern[str]
    reason: str


@dataclass(frozen=True)
class ScreeningRules:
    """The rules of one file, with phrases that are taken out of the text before they are tried."""

    version: str
    rules: tuple[ScreeningRule, ...]
    harmless: tuple[re.Pattern[str], ...] = ()

    def hits(self, texts: Iterable[str]) -> list[ScreeningRule]:
        """Return the rules that mark any of the texts as an accusation."""
        cleaned = []
        for text in texts:
            for phrase in self.harmless:
                text = phrase.sub("、", text)  # noqa: PLW2901 - the text as it shrinks
            cleaned.append(text)
        return [rule for rule in self.rules if any(rule.pattern.search(text) for text in cleaned)]


@dataclass(frozen=True)
class Screened:
    """Where a petition goes, and why: names of the rules, or that it was declared so."""

    lane: Lane
    rule_names: tuple[str, ...] = ()


def screen(submission: Submission, rules: ScreeningRules) -> Screened:
    """Return the lane of a submission.

    A declared accusation is sealed in any case, and so is what names an accused person. A declared
    suggestion or enquiry is screened like the rest: people choose a wrong class more often than a
    wrong word.
    """
    declared = submission.declared_nature is Nature.ACCUSATION
    accused = any(person.strip() for person in submission.accused_persons)
    if declared or accused:
        reasons = ((DECLARED, declared), (ACCUSED, accused))
        return Screened(Lane.SEALED, tuple(name for name, holds in reasons if holds))
    wording = submission.wording
    hits = rules.hits((wording.request, wording.facts, wording.reasons))
    if hits:
        return Screened(Lane.SEALED, tuple(rule.name for rule in hits))
    return Screened(Lane.ORDINARY)
