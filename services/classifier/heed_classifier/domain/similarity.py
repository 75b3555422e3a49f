"""Which petitions may be on the same matter: by rare names that both texts share, then the problem.

Candidates are looked up by rare names, the rarest first, as many as a budget of petitions allows;
a name that half the city writes finds nothing in particular. What is found is ranked by names and
problem together, so that another problem of the same estate comes after the same problem.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from heed_classifier.domain.incident_summary import whole_names
from heed_classifier.domain.incident_terms import PIECE, Profile, clean, cosine
from heed_classifier.domain.incidents import IncidentKey, MatterKey

# The heaviest names of a matter are what it is found by.
STORED_NAMES = 24
# Petitions that the names of one question may lead to before it is ranked.
BUDGET = 1500
_NAMES_SHARE = 0.2
_SHOWN_NAMES, _SHOWN_PHRASES = 5, 5
_SHORTEST_NAME = 3


@dataclass(frozen=True)
class Asked:
    """What is looked for: the terms of a matter and its title."""

    profile: Profile
    title: str


@dataclass(frozen=True)
class Likely:
    """A stored matter that shares names with what is asked for."""

    key: MatterKey
    profile: Profile
    title: str
    region_code: str
    category_code: str
    incident: IncidentKey | None
    received_at: datetime


@dataclass(frozen=True)
class Similar:
    """A matter that may be the same, how similar it is (0 to 1), and by which terms."""

    found: Likely
    similarity: float
    shared_terms: tuple[str, ...]


def term_number(city: str, term: str) -> int:
    """A city with a term as a number of 32 bits with a sign; two may share one by chance."""
    number = zlib.crc32(f"{city}{term}".encode())
    return number - (1 << 32) if number >= 1 << 31 else number


def stored_numbers(city: str, profile: Profile) -> list[int]:
    """The numbers by which a matter is found."""
    return sorted({term_number(city, name) for name in list(profile.names)[:STORED_NAMES]})


def lookups(profile: Profile, counts: Mapping[str, int]) -> dict[str, float]:
    """The names to look up with their weights, the rarest first, within the budget."""
    chosen: dict[str, float] = {}
    found = 0
    for name in sorted(profile.names, key=lambda name: (counts.get(name, 0), name)):
        found += counts.get(name, 0)
        if found > BUDGET and chosen:
            break
        if counts.get(name, 0) <= BUDGET:
            chosen[name] = profile.names[name]
    return chosen


def ranked(asked: Sequence[Asked], likely: Iterable[Likely], most: int) -> list[Similar]:
    """The most similar matters, one of each petition, most similar first."""
    best: dict[tuple[str, UUID], tuple[float, Asked, Likely]] = {}
    for found in likely:
        petition = (found.key.region, found.key.uid)
        for one in asked:
            similarity = _similarity(one.profile, found.profile)
            if similarity > max(0.0, best[petition][0] if petition in best else 0.0):
                best[petition] = (similarity, one, found)
    order = sorted(
        best.values(), key=lambda item: (-item[0], -item[2].received_at.timestamp(), item[2].key)
    )
    return [
        Similar(found, similarity, _shared(one, found)) for similarity, one, found in order[:most]
    ]


def _similarity(one: Profile, other: Profile) -> float:
    """Geometric mean of names and problem, and a part for the names alone."""
    names = cosine(one.names, other.names)
    if not one.problem and not other.problem:
        return min(1.0, round(names, 4))
    both = math.sqrt(names * cosine(one.problem, other.problem))
    return min(1.0, round((1 - _NAMES_SHARE) * both + _NAMES_SHARE * names, 4))


def _shared(one: Asked, other: Likely) -> tuple[str, ...]:
    """What both texts name, the heaviest first: names as whole as can be, then the problem."""
    names, problem = one.profile.names, one.profile.problem
    phrases = sorted(
        (p for p in problem if p in other.profile.problem and not p.startswith(PIECE)),
        key=lambda phrase: (-problem[phrase], phrase),
    )
    pieces = [name for name in names if name in other.profile.names]
    titles = [clean(one.title), clean(other.title)]
    in_both = [piece for piece in pieces if all(piece in title for title in titles)]
    whole = whole_names(titles, in_both, phrases)
    rest = [name for name in _joined(pieces) if not any(name in known for known in whole)]
    return (*[*whole, *rest][:_SHOWN_NAMES], *phrases[:_SHOWN_PHRASES])


def _joined(pieces: Iterable[str]) -> list[str]:
    """Overlapping pieces as the names that they are pieces of, in the order given."""
    names = list(pieces)
    while True:
        joined: list[str] = []
        for piece in names:
            for place, name in enumerate(joined):
                longer = _overlap(name, piece)
                if longer:
                    joined[place] = longer
                    break
            else:
                joined.append(piece)
        if joined == names:
            return [name for name in names if len(name) >= _SHORTEST_NAME]
        names = joined


def _overlap(name: str, piece: str) -> str:
    if piece in name:
        return name
    if name in piece:
        return piece
    size = min(len(name), len(piece), 3) - 1
    if size > 0 and name.endswith(piece[:size]):
        return name + piece[size:]
    if size > 0 and name.startswith(piece[-size:]):
        return piece[:-size] + name
    return ""
