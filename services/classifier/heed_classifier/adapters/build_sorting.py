"""Puts the sorting together from the shipped rule files and, where there is one, a model."""

from __future__ import annotations

from heed_classifier.adapters.data_files import content_book, rule_table
from heed_classifier.application.opinions import Opinions
from heed_classifier.application.ports import Sorter, Workers
from heed_classifier.application.sorting import Rules, Sorting
from heed_classifier.domain.grading import GradeRules
from heed_classifier.domain.routing import RouteRules, TargetRules
from heed_classifier.domain.rules import NatureRules
from heed_classifier.domain.rules_sorter import RulesSorter
from heed_classifier.domain.splitting import Splitter
from heed_shared.reference.regions import Regions


def nature_rules() -> NatureRules:
    """The shipped rules of nature."""
    return NatureRules(rule_table("nature.toml"))


def grade_rules() -> GradeRules:
    """The shipped rules of urgency, importance and hazard."""
    return GradeRules(rule_table("urgency.toml"))


def build_sorting(
    regions: Regions, workers: Workers, model_sorter: Sorter | None = None
) -> Sorting:
    """The sorting as the service uses it."""
    natures = nature_rules()
    rules = Rules(
        natures,
        grade_rules(),
        RouteRules(rule_table("routes.toml")),
        TargetRules(rule_table("targets.toml")),
        Splitter(content_book(), natures),
    )
    opinions = Opinions(RulesSorter(content_book(), natures), model_sorter)
    return Sorting(opinions, rules, regions, workers)
