"""Holds the warnings of a replay against what the simulator planted: found, missed, false, lead."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from heed.classifier.v1 import resources_pb2 as classifier
from heed.warning.v1 import resources_pb2

from heed_local.demo.replay import Registered, WarningSeen
from heed_local.demo.source import Planted, SlowUnit
from heed_shared.reference.regions import prefix_of

# A seven-day window still holds an incident's petitions for a week after its last one.
AFTERMATH = timedelta(days=7)


@dataclass(frozen=True)
class Finding:
    """What the warnings made of one planted incident.

    `fired_on` is the day of the first alarm about it, None when it was missed.
    """

    planted: Planted
    warning: resources_pb2.Warning | None
    fired_on: date | None

    @property
    def lead_days(self) -> int | None:
        """Days from the warning to the peak; negative when the peak came first."""
        return None if self.fired_on is None else (self.planted.peak_day - self.fired_on).days


@dataclass(frozen=True)
class Lag:
    """What the indicators of the handling made of a slow unit: the first warning, or none."""

    unit: SlowUnit
    warning: resources_pb2.Warning | None


@dataclass(frozen=True)
class Score:
    """All planted incidents with what was found, and the warnings that match none of them.

    Only counts speak of planted incidents. `of_handling` are the warnings that rose by indicators
    of the handling alone, such as overdue items: they speak of slow units.
    """

    findings: Sequence[Finding]
    unmatched: Sequence[resources_pb2.Warning]
    of_handling: Sequence[resources_pb2.Warning]
    lags: Sequence[Lag] = ()
    unrelated: Sequence[resources_pb2.Warning] = ()
    """Of those of the handling, which speak of no slow unit."""

    @property
    def missed_large(self) -> list[Planted]:
        """Planted incidents of the largest kind without a warning."""
        return [
            finding.planted
            for finding in self.findings
            if finding.planted.size == "large" and finding.fired_on is None
        ]


def fired_warnings(seen: Sequence[WarningSeen]) -> list[resources_pb2.Warning]:
    """Returns the last sight of each warning that fired, by the day it fired."""
    latest = {change.warning.name: change.warning for change in seen if change.warning.fired_on}
    return sorted(latest.values(), key=lambda warning: (warning.fired_on, warning.name))


def at_firing(seen: Sequence[WarningSeen]) -> dict[str, resources_pb2.Evaluation]:
    """Returns, by warning, the evaluation on the day it fired: what made it rise."""
    return {
        change.warning.name: change.warning.latest_evaluation
        for change in seen
        if change.warning.fired_on == change.day.isoformat()
    }


def by_count(evaluation: resources_pb2.Evaluation) -> bool:
    """Whether the count itself exceeded its threshold; otherwise an indicator raised the level."""
    return evaluation.observed_count >= evaluation.threshold_count > 0


def alarms(seen: Sequence[WarningSeen]) -> list[tuple[date, resources_pb2.Warning]]:
    """Returns each moment at which a duty officer hears of something new: firing, or rising higher.

    A cell can be blue by chance when a real incident begins in it; what counts then is the day on
    which the incident lifted it.
    """
    heard: dict[str, int] = {}
    found = []
    for change in seen:
        warning = change.warning
        if not warning.fired_on or warning.resolved_on:
            continue
        if not by_count(warning.latest_evaluation):
            continue
        if warning.proposed_level > heard.get(warning.name, 0):
            heard[warning.name] = warning.proposed_level
            found.append((change.day, warning))
    return found


def sorted_as(
    registered: Sequence[Registered], classifications: Sequence[classifier.Classification]
) -> dict[str, str]:
    """Returns, by planted incident, the category under which most of its petitions were sorted.

    A closed training centre that keeps prepaid fees is education to one clerk and consumer
    protection to another; the warning rises in the cell where the petitions are counted.
    """
    category = {c.petition: c.matters[0].category_code for c in classifications if c.matters}
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for petition in registered:
        if petition.truth and petition.truth.incident_key and petition.name in category:
            counts[petition.truth.incident_key][category[petition.name]] += 1
    return {key: count.most_common(1)[0][0] for key, count in counts.items()}


def score(
    planted: Sequence[Planted],
    seen: Sequence[WarningSeen],
    sorted_under: Mapping[str, str],
    slow_units: Sequence[SlowUnit] = (),
) -> Score:
    """Matches alarms by place (the cell or one that contains it), time and category.

    The category is the planted one, or the one that `sorted_under` gives for the incident.
    """
    heard = alarms(seen)
    matched: set[str] = set()
    findings = []
    for incident in planted:
        categories = {incident.category_code, sorted_under.get(incident.key, "")}
        hits = [hit for hit in heard if _covers(*hit, incident, categories)]
        matched |= {warning.name for _, warning in hits}
        day, first = min(hits, key=lambda hit: hit[0], default=(None, None))
        findings.append(Finding(planted=incident, warning=first, fired_on=day))
    named = {warning.name for _, warning in heard}
    fired = fired_warnings(seen)
    of_handling = [one for one in fired if one.name not in named]
    by_handling = [one for one in fired if one.name in _raised_by_handling(seen)]
    return Score(
        findings,
        unmatched=[one for one in fired if one.name in named - matched],
        of_handling=of_handling,
        lags=[
            Lag(unit, next((one for one in by_handling if _speaks_of(one, unit)), None))
            for unit in slow_units
        ],
        unrelated=[
            one for one in of_handling if not any(_speaks_of(one, unit) for unit in slow_units)
        ],
    )


def _raised_by_handling(seen: Sequence[WarningSeen]) -> set[str]:
    """The warnings that an indicator of the handling raised at some time."""
    return {
        change.warning.name
        for change in seen
        if change.warning.fired_on and not by_count(change.warning.latest_evaluation)
    }


def _speaks_of(warning: resources_pb2.Warning, unit: SlowUnit) -> bool:
    return warning.cell.category_code == unit.category_code and unit.region_code.startswith(
        prefix_of(warning.cell.region_code)
    )


def _covers(
    day: date, warning: resources_pb2.Warning, incident: Planted, categories: set[str]
) -> bool:
    return (
        warning.cell.category_code in categories
        and incident.region_code.startswith(prefix_of(warning.cell.region_code))
        and incident.first_day <= day <= incident.last_day + AFTERMATH
    )
