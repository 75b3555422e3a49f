"""Puts the sorting together from the shipped rule files and, where there is one, a model."""

from __future__ import annotations

from pathlib import Path

from heed_classifier.adapters.data_files import content_book, own_table, rule_table
from heed_classifier.application.opinions import Opinions
from heed_classifier.application.ports import Sorter, Workers
from heed_classifier.application.sorting import Rules, Sorting
from heed_classifier.domain.content import ContentBook, ContentEntry
from heed_classifier.domain.grading import GradeRules
from heed_classifier.domain.own_categories import OwnCategories
from heed_classifier.domain.routing import RouteRules, TargetRules
from heed_classifier.domain.rules import NatureRules
from heed_classifier.domain.rules_sorter import RulesSorter
from heed_classifier.domain.splitting import Splitter
from heed_shared.reference.regions import Regions
from heed_shared.reference.taxonomy import Taxonomy


def nature_rules() -> NatureRules:
    """The shipped rules of nature."""
    return NatureRules(rule_table("nature.toml"))


def grade_rules() -> GradeRules:
    """The shipped rules of urgency, importance and hazard."""
    return GradeRules(rule_table("urgency.toml"))


def own_categories(taxonomy: Taxonomy, book: ContentBook) -> OwnCategories | None:
    """What a mounted taxonomy changes; None for the shipped one."""
    written = {*book.codes, *(code[:2] for code in book.codes)}
    entries = [
        ContentEntry(code, (item.title, *item.aliases), (), (), ())
        for code in taxonomy
        if not (item := taxonomy.get(code)).sealed
        and not (code in written and taxonomy.keeps_meaning(code))
    ]
    dated = any(taxonomy.get(code).valid_from or taxonomy.get(code).valid_to for code in taxonomy)
    if not entries and not dated and not taxonomy.moved():
        return None
    return OwnCategories(
        ContentBook(entries),
        taxonomy.moved(),
        taxonomy.keeps_meaning,
        lambda code, day: code in taxonomy and (day is None or taxonomy.get(code).valid_on(day)),
    )


def build_sorting(
    regions: Regions,
    workers: Workers,
    model_sorter: Sorter | None = None,
    taxonomy: Taxonomy | None = None,
    targets: Path | None = None,
) -> Sorting:
    """The sorting as the service uses it.

    Raises:
        TargetTableError: The user's table of targets cannot be used.
    """
    natures, book = nature_rules(), content_book()
    own_targets = (own_table(targets),) if targets else ()
    rules = Rules(
        natures,
        grade_rules(),
        RouteRules(rule_table("routes.toml")),
        TargetRules(rule_table("targets.toml"), *own_targets),
        Splitter(book, natures),
        own_categories(taxonomy, book) if taxonomy else None,
    )
    opinions = Opinions(RulesSorter(book, natures), model_sorter)
    return Sorting(opinions, rules, regions, workers)
