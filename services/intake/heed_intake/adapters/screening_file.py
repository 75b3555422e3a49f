"""Reads the screening rules from their TOML file."""

import re
import tomllib
from pathlib import Path

from heed_intake.domain.screening import ScreeningRule, ScreeningRules

SHIPPED = Path(__file__).parent.parent / "accusation_rules.toml"
_GAP = r"[^。！？!?\n]{0,30}?"


class ScreeningFileError(Exception):
    """The rules file cannot be used; the text says where and why."""


def load_screening_rules(path: Path | None = None) -> ScreeningRules:
    """Return the rules of ``path``, or the shipped ones.

    Raises:
        ScreeningFileError: it is no TOML, lacks a field, or has a pattern that does not compile.
    """
    source = path or SHIPPED
    try:
        data = tomllib.loads(source.read_text("utf-8"))
        words = {"gap": _GAP, **data["words"]}
        rules = tuple(
            ScreeningRule(item["name"], _compiled(item["pattern"], words), item["reason"])
            for item in data["rules"]
        )
        harmless = tuple(_compiled(text, words) for text in data["harmless"]["phrases"])
        return ScreeningRules(str(data["version"]), rules, harmless)
    except (OSError, tomllib.TOMLDecodeError, re.error) as error:
        raise ScreeningFileError(f"{source}: {error}") from error
    except (KeyError, TypeError) as error:
        raise ScreeningFileError(f"{source}: lacks {error}") from error


def _compiled(pattern: str, words: dict[str, str]) -> re.Pattern[str]:
    # Not str.format: a pattern has braces of its own.
    for name, alternatives in words.items():
        pattern = pattern.replace("{" + name + "}", alternatives)
    return re.compile(pattern)
