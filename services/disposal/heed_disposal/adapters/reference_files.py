"""Reads the handbook: the shipped data files or those that a deploying authority mounts."""

import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from heed_disposal.adapters.figures_sql import QUERIES
from heed_disposal.domain.documents import Templates, read_templates
from heed_disposal.domain.figures import FigureDefinition, FigureFileError, read_figures
from heed_disposal.domain.handbook import Handbook
from heed_disposal.domain.playbooks import read_playbooks
from heed_disposal.domain.rules import REQUIRED
from heed_shared.reference.calendar import Calendar
from heed_shared.reference.deadline_rules import load_rules


def load_handbook(
    rules: Path | None = None, playbooks: Path | None = None, holidays: Path | None = None
) -> Handbook:
    """Read rules and playbooks and the national calendar.

    Raises:
        RuleFileError, PlaybookFileError, BadTableError: a file cannot be used; the text says which
            entry.
    """
    return Handbook(
        rules=load_rules(rules, REQUIRED),
        calendar=Calendar.load(holidays),
        playbooks=read_playbooks(_document(playbooks, "playbooks.toml")),
    )


def load_figures(figures: Path | None = None) -> tuple[FigureDefinition, ...]:
    """Read the definitions of the performance figures.

    Raises:
        FigureFileError: the file cannot be used, or names a figure that no query computes.
    """
    definitions = read_figures(_document(figures, "figures.toml"))
    for definition in definitions:
        if definition.code not in QUERIES:
            raise FigureFileError(f"figure {definition.code}: no query computes it")
    return definitions


def load_templates(documents: Path | None = None) -> Templates:
    """Read the templates of documents.

    Raises:
        DocumentFileError: the file cannot be used; the text says which entry.
    """
    return read_templates(_document(documents, "documents.toml"))


def _document(mounted: Path | None, shipped: str) -> dict[str, Any]:
    if mounted is not None:
        return tomllib.loads(mounted.read_text("utf-8"))
    file = resources.files("heed_disposal.reference") / shipped
    return tomllib.loads(file.read_text("utf-8"))
