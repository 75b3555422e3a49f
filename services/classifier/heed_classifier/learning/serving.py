"""Stored bytes as something that sorts, whichever kind of model they are."""

from __future__ import annotations

from heed_classifier.application.ports import Sorter
from heed_classifier.domain.content import ContentBook
from heed_classifier.domain.rules import NatureRules
from heed_classifier.learning import model_folder, stored_model
from heed_classifier.learning.learned_sorter import LearnedSorter
from heed_classifier.learning.sorter import TorchSorter
from heed_classifier.learning.stored_model import BadModelError


def sorter_of(name: str, weights: bytes, book: ContentBook, nature_rules: NatureRules) -> Sorter:
    """Load a starter, or a model that learned from corrections.

    Raises:
        BadModelError: The bytes are damaged, or no model of this program.
    """
    try:
        return TorchSorter(name, stored_model.from_bytes(weights), book, nature_rules)
    except BadModelError:
        return LearnedSorter(name, model_folder.from_bytes(weights), nature_rules)
