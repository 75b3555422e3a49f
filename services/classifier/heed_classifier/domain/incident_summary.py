"""What is shown of an incident: title, whole names, words of the problem, times and growth.

Names come from the titles of the members: what most of them have in common, grown from the terms
that they share. A piece of a name is never shown.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from heed_classifier.domain.incident_likeness import Gathered
from heed_classifier.domain.incident_terms import PIECE, clean, cosine
from heed_classifier.domain.incidents import Known

WEEK = timedelta(days=7)
_MOST_NAMES = 2
_MOST_PHRASES = 4
_MOST_PLACES = 5
_SEEDS = 12
# So large a part of the titles with a name must go on in the same way for the name to go on.
_AGREEING = 0.75
_SHORTEST, _LONGEST = 3, 12
_NAMED = re.compile(r"[\u4e00-\u9fff0-9a-z]")
# Words around names in the titles of petitions.
_AROUND = re.compile(
    "请问|咨询|反映|投诉|举报|关于|建议|希望|请求|恳请|再次|强烈|要求|有关|坚决|反对|我们|位于|附近|旁边|周边|业主"
    "|何时|何处|什么|怎么|为何|为什么|是否|能否|可否|问题|[的了是在和与被把对就给让请应太又还能要有没不]"
)
_READABLE = range(8, 31)


@dataclass(frozen=True)
class Summary:
    """What is shown of an incident."""

    title: str
    keywords: tuple[str, ...]
    category_code: str
    matter_count: int
    first_seen_at: datetime
    last_seen_at: datetime
    recent_count: int
    previous_count: int
    places: tuple[str, ...]


def summarize(members: Sequence[Known]) -> Summary:
    """Describe an incident by its members (at least one)."""
    gathered = Gathered()
    for member in members:
        gathered.add(member.profile, member.received_at)
    last = max(member.received_at for member in members)
    ages = [last - member.received_at for member in members]
    phrases = {t: w for t, w in gathered.problem.items() if not t.startswith(PIECE)}
    shared = gathered.core() or _carried_by_all(members)
    names = whole_names([member.title for member in members], _top(shared, _SEEDS), phrases)
    problem = _top(phrases, _MOST_PHRASES)
    given = [p for p, _ in Counter(m.place for m in members if m.place).most_common(_MOST_PLACES)]
    return Summary(
        title=_central(members, gathered, [*names[:1], *problem[:1]]).title,
        keywords=tuple(dict.fromkeys([*names[:_MOST_NAMES], *problem])),
        category_code=Counter(m.category_code for m in members).most_common(1)[0][0],
        matter_count=len(members),
        first_seen_at=min(member.received_at for member in members),
        last_seen_at=last,
        recent_count=sum(age <= WEEK for age in ages),
        previous_count=sum(WEEK < age <= 2 * WEEK for age in ages),
        places=tuple(given or names[:_MOST_PLACES]),
    )


def whole_names(titles: Sequence[str], seeds: Iterable[str], phrases: Iterable[str]) -> list[str]:
    """The whole names of which ``seeds`` are pieces, in their order.

    ``phrases`` are words of the problem; no name goes into or over one.
    """
    said = sorted({p for p in phrases if len(p) > 1}, key=lambda p: (-len(p), p))
    words = re.compile("|".join([*map(re.escape, said), _AROUND.pattern]))
    runs = [words.sub(" ", clean(title)) for title in dict.fromkeys(titles)]
    names: list[str] = []
    for seed in seeds:
        name = _grown(seed, runs)
        if _SHORTEST <= len(name) <= _LONGEST and not any(name in n or n in name for n in names):
            names.append(name)
    return names


def _grown(seed: str, runs: Sequence[str]) -> str:
    """The seed with all that follows or precedes it in most of the titles that have it."""
    name = seed
    while True:
        having = [run for run in runs if name in run]
        longer = _step(name, having) if having else name
        if longer == name:
            return name if having else ""
        name = longer


def _step(name: str, having: Sequence[str]) -> str:
    before: Counter[str] = Counter()
    after: Counter[str] = Counter()
    for run in having:
        start = run.index(name)
        before[run[start - 1] if start else " "] += 1
        after[run[start + len(name)] if start + len(name) < len(run) else " "] += 1
    least = _AGREEING * len(having)
    for counted, at_end in ((before, False), (after, True)):
        character, count = counted.most_common(1)[0]
        if count >= least and _NAMED.match(character):
            return name + character if at_end else character + name
    return name


def _carried_by_all(members: Sequence[Known]) -> Mapping[str, float]:
    """The terms of two members, or of one, that both carry."""
    first = members[0].profile.names
    return {t: w for t, w in first.items() if all(t in m.profile.names for m in members)}


def _central(members: Sequence[Known], gathered: Gathered, words: Sequence[str]) -> Known:
    """The member whose title tells most of what all say, in a length that reads well."""

    def typical(member: Known) -> tuple[float, datetime]:
        names = cosine(member.profile.names, gathered.names)
        problem = cosine(member.profile.problem, gathered.problem)
        named = sum(word in clean(member.title) for word in words)
        readable = len(member.title) in _READABLE
        return round(names + problem + 0.3 * named + 0.3 * readable, 9), member.received_at

    return max(members, key=typical)


def _top(weights: Mapping[str, float], most: int) -> list[str]:
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    return [term for term, _ in ranked[:most]]
