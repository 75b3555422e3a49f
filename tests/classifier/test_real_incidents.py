"""The grouping on the stream of a real city, in which two events of months are hidden."""

from __future__ import annotations

import argparse
import csv
import gzip
from pathlib import Path

from heed_classifier.commands import incidents

# A little below what is found: the words of the content book move single petitions.
EVENTS = [
    ("伊景园", 50, "parking spaces tied to flats"),
    ("搅拌", 52, "a concrete plant beside an estate"),
    ("58车贷", 13, "a lender that closed"),
    ("魅力之城", 15, "smoke of the shops below an estate"),
]


def test_real_events_are_found_in_the_stream_of_a_city(heed_data: Path) -> None:
    path = heed_data / "petitions" / "stream_one_city.csv.gz"
    parser = argparse.ArgumentParser()
    incidents.configure(parser)
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        texts = {row["message_id"]: row["subject"] + row["detail"] for row in csv.DictReader(file)}

    found = incidents.group(incidents.read_messages(parser.parse_args([str(path)]))).values()

    for word, least, what in EVENTS:
        hits = {sum(word in texts[name] for name in item.members): item for item in found}
        most = max(hits)
        print(f"{what}: {most}, in a group of {len(hits[most].members)}")  # noqa: T201
        assert most >= least, what
        assert most >= 0.9 * len(hits[most].members), what
