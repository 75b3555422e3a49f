"""Incidents on a real stream: `python -m tests.benchmarks.classifier.incidents`.

Protocol: `stream_one_city.csv.gz` of HEED_DATA (4,196 petitions) is grouped in order of time, as
`heed incidents` does. The events of incident_labels.py were labelled by reading. B-cubed and
pairwise figures are over all labelled petitions; a stranger in their group counts against
precision, an event in parts against recall. Thresholds were chosen with these labels in sight, so
the figures say how well this stream is grouped, not how well another will be.
Peers, with more help than we have: TF-IDF of character 2- and 3-grams of the whole stream, in
one pass; a petition joins the group of the most similar one of the last 150 days above a limit, the
best of five. Floor: the same subject.
Similar: for each labelled petition of an event of at least four, the share of the first five (or as
many as there are) that belong to its event, stored petitions asked in the state at the end.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from heed_classifier.adapters.ordinary_language import term_reader
from heed_classifier.commands import incidents
from heed_classifier.commands.incidents import Message
from heed_classifier.domain.incidents import WINDOW, MatterKey, TermCounts
from heed_classifier.domain.similarity import (
    STORED_NAMES,
    Asked,
    Likely,
    lookups,
    ranked,
)
from heed_classifier.domain.text import title_of
from tests.benchmarks.classifier.incident_labels import DOUBTFUL, EVENTS
from tests.benchmarks.report import print_table, write_json

LIMITS: Final = (0.2, 0.25, 0.3, 0.4, 0.5)
FIRST: Final = 5
LABELS: Final = {name: event for event, names in EVENTS.items() for name in names.split()}
SIZES: Final = Counter(LABELS.values())
NO_LABEL: Final = frozenset(DOUBTFUL.split())
Groups = Sequence[Sequence[str]]


def figures(groups: Groups) -> dict[str, float]:
    """B-cubed and pairwise precision, recall and F1 over the labelled petitions."""
    of = {name: group for group in groups for name in group}
    precision = recall = 0.0
    right, pairs = 0, 0.0
    for name, event in LABELS.items():
        group = [n for n in of.get(name, [name]) if n == name or n not in NO_LABEL]
        same = sum(LABELS.get(n) == event for n in group)
        precision += same / len(group)
        recall += same / SIZES[event]
        # Pairs of two labelled petitions are met twice, those with a stranger once.
        right += same - 1
        pairs += sum(0.5 if n in LABELS else 1.0 for n in group if n != name)
    all_pairs = sum(size * (size - 1) / 2 for size in SIZES.values())
    return {
        "B3 P": precision / len(LABELS),
        "B3 R": recall / len(LABELS),
        "B3 F1": _f1(precision / len(LABELS), recall / len(LABELS)),
        "pair P": right / 2 / max(1.0, pairs),
        "pair R": right / 2 / all_pairs,
        "pair F1": _f1(right / 2 / max(1.0, pairs), right / 2 / all_pairs),
    }


def per_event(groups: Groups) -> list[tuple[object, ...]]:
    """Each event with its size, the members found together, strangers among them, and parts."""
    of = {name: number for number, group in enumerate(groups) for name in group}
    rows: list[tuple[object, ...]] = []
    for event, size in SIZES.most_common():
        parts = Counter(of.get(n, -1 - i) for i, n in enumerate(EVENTS[event].split()))
        number, hits = parts.most_common(1)[0]
        group = groups[number] if number >= 0 else []
        strangers = sum(LABELS.get(n) != event and n not in NO_LABEL for n in group)
        rows.append((event, size, hits, strangers, len(parts)))
    return rows


def peer_groups(messages: Sequence[Message], rows: Any, limit: float) -> Groups:
    """One pass; a petition joins the group of the most similar one before it."""
    group_of: list[int] = []
    members: dict[int, list[str]] = defaultdict(list)
    start = 0
    for i, message in enumerate(messages):
        while messages[start].received_at < message.received_at - WINDOW:
            start += 1
        near = np.asarray((rows[start:i] @ rows[i].T).todense()).ravel()
        joins = near.size and near.max() >= limit
        group_of.append(group_of[start + int(near.argmax())] if joins else i)
        members[group_of[i]].append(message.name)
    return [group for group in members.values() if len(group) > 1]


def vectors(messages: Sequence[Message]) -> Any:
    """TF-IDF of character 2- and 3-grams, (petitions, terms), each of length 1."""
    reader = TfidfVectorizer(analyzer="char", ngram_range=(2, 3), min_df=2, sublinear_tf=True)
    return reader.fit_transform([message.text.joined for message in messages]).tocsr()


def same_subject(messages: Sequence[Message]) -> Groups:
    """The floor: petitions with the same subject."""
    groups: dict[str, list[str]] = defaultdict(list)
    for message in messages:
        groups[message.text.request.strip()].append(message.name)
    return [group for group in groups.values() if len(group) > 1]


def similar_share(messages: Sequence[Message]) -> float:
    """Share of what is shown first that belongs to the event of the petition asked about."""
    reader, counts = term_reader(), TermCounts({}, 0)
    terms = [reader.read(message.text) for message in messages]
    stored = []
    found_by: dict[str, list[int]] = defaultdict(list)
    frequency: Counter[str] = Counter()
    for i, message in enumerate(messages):
        profile = counts.arrive(terms[i])
        key = MatterKey("000000", UUID(int=i))
        stored.append(
            Likely(key, profile, title_of(message.text), "", "", None, message.received_at)
        )
        frequency.update(terms[i].names.keys())
        for name in list(profile.names)[:STORED_NAMES]:
            found_by[name].append(i)
    number = {message.name: i for i, message in enumerate(messages)}
    right = shown = 0
    for name, event in LABELS.items():
        if SIZES[event] < FIRST - 1:
            continue
        asked = Asked(stored[number[name]].profile, stored[number[name]].title)
        weights: dict[int, float] = defaultdict(float)
        for term, weight in lookups(asked.profile, frequency).items():
            for i in found_by[term]:
                weights[i] += weight * weight
        weights.pop(number[name], None)
        likely = sorted(weights, key=lambda i: -weights[i])[:60]
        most = min(FIRST, SIZES[event] - 1)
        found = ranked([asked], [stored[i] for i in likely], most)
        right += sum(LABELS.get(messages[item.found.key.uid.int].name) == event for item in found)
        shown += most
    return right / shown


def peer_share(messages: Sequence[Message], rows: Any) -> float:
    """The same share by the cosine of TF-IDF of character n-grams, over all petitions."""
    right = shown = 0
    for i, message in enumerate(messages):
        event = LABELS.get(message.name)
        if event is None or SIZES[event] < FIRST - 1:
            continue
        row = np.asarray((rows[i] @ rows.T).todense()).ravel()
        row[i] = -1
        most = min(FIRST, SIZES[event] - 1)
        right += sum(LABELS.get(messages[j].name) == event for j in np.argsort(-row)[:most])
        shown += most
    return right / shown


def _f1(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _messages() -> list[Message]:
    folder = os.environ.get("HEED_DATA", "")
    path = Path(folder) / "petitions" / "stream_one_city.csv.gz"
    if not folder or not path.is_file():
        return []
    parser = argparse.ArgumentParser()
    incidents.configure(parser)
    return incidents.read_messages(parser.parse_args([str(path)]))


def main() -> None:
    """Group, compare and print."""
    messages = _messages()
    if not messages:
        print("incidents: HEED_DATA is absent, nothing measured")  # noqa: T201
        return
    started = time.process_time()
    ours = [incident.members for incident in incidents.group(messages).values()]
    seconds = time.process_time() - started
    named: dict[str, Groups] = {"ours": ours}
    rows = vectors(messages)
    peers = {limit: peer_groups(messages, rows, limit) for limit in LIMITS}
    best = max(peers, key=lambda limit: figures(peers[limit])["B3 F1"])
    named[f"TF-IDF, nearest, {best}"] = peers[best]
    named["floor: same subject"] = same_subject(messages)
    found: dict[str, Mapping[str, float]] = {name: figures(g) for name, g in named.items()}
    columns = ["grouping", *found["ours"], "groups", "petitions"]
    print_table(
        f"incidents of {len(messages):,} petitions, {len(LABELS)} labelled; {seconds:.1f} s of CPU",
        columns,
        [(name, *found[name].values(), len(g), sum(map(len, g))) for name, g in named.items()],
    )
    print_table(
        "events", ("event", "petitions", "found together", "strangers", "parts"), per_event(ours)
    )
    shares = {"ours": similar_share(messages), "TF-IDF cosine over all": peer_share(messages, rows)}
    print_table(
        "similar petitions", ("first five of the same event", "share"), list(shares.items())
    )
    data: dict[str, Any] = {"seconds": seconds, "incidents": found, "similar": shares}
    write_json("incidents", data)


if __name__ == "__main__":
    main()
