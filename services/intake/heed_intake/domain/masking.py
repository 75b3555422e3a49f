"""Masking (脱敏): replaces personal values in a text before anyone but the clerk reads it.

Deterministic expressions with bounded repetitions, so a text of 100,000 characters takes linear
time. A value that is masked without need costs a reader little; one that slips through costs a
petitioner much: in doubt it is masked, except where a word before it says that it is an order or
document number. What the rules reach and miss is measured: docs/research/masking.md.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

from heed_intake.domain.masking_names import ADDRESS, NAME, mask_addresses, mask_names
from heed_intake.domain.masking_numbers import CONTACT, mask_numbers
from heed_intake.domain.petition import NO_DETAILS, Details, Evidence, Person, Wording

_WIDTH_SHIFT = 0xFEE0
HALF_WIDTH = {
    full: chr(full - _WIDTH_SHIFT)
    for full in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
} | {0xFF20: "@", 0xFF0B: "+", 0xFF0D: "-"}
_FULL_WIDTH = re.compile("[０-９Ａ-Ｚａ-ｚ＠＋－]+")
# Words that fill a name field and name nobody.
_NO_NAMES = frozenset(
    [
        *("匿名", "无名", "不详", "未知", "保密", "先生", "女士", "同志", "老人"),
        *("居民", "市民", "群众", "业主", "村民", "家长", "网友", "用户", "游客", "学生", "职工"),
    ]
)


def mask_text(
    text: str, own_values: Iterable[tuple[str, str]] = (), *, keep_addresses: bool = False
) -> str:
    """Return ``text`` with personal values replaced.

    Args:
        text: As written.
        own_values: Pairs (value, replacement) of the petitioner's own data, from ``own_values``.
        keep_addresses: Leave rooms and house numbers: the text says where a problem is.
    """
    for value, replacement in own_values:
        text = text.replace(value, replacement)
    text = _FULL_WIDTH.sub(lambda wide: wide[0].translate(HALF_WIDTH), text)
    text = mask_numbers(text)
    return mask_names(text if keep_addresses else mask_addresses(text))


def own_values(persons: Iterable[Person]) -> list[tuple[str, str]]:
    """Return what the petitioner and the representatives gave about themselves, longest first.

    A value too short or too common to identify anyone is left out: replacing it would spoil the
    text.
    """
    found: dict[str, str] = {}
    for person in persons:
        name = person.display_name.strip()
        if len(name) >= 2 and name not in _NO_NAMES:
            found[name] = NAME
        if len(contact := person.contact.strip()) >= 5:
            found[contact] = CONTACT
        if len(address := person.address.strip()) >= 8:
            found[address] = ADDRESS
    return sorted(found.items(), key=lambda pair: -len(pair[0]))


def mask_wording(wording: Wording, own: list[tuple[str, str]]) -> Wording:
    """Return all texts of a petition, masked.

    The place of the problem is needed to find it: of the petitioner's own values only the name and
    the contact go, also where the problem lies at home.
    """
    without_address = [pair for pair in own if pair[1] != ADDRESS]
    return Wording(
        request=mask_text(wording.request, own),
        facts=mask_text(wording.facts, own),
        reasons=mask_text(wording.reasons, own),
        place=mask_text(wording.place, without_address, keep_addresses=True),
    )


def mask_evidence(
    evidence: tuple[Evidence, ...], own: list[tuple[str, str]]
) -> tuple[Evidence, ...]:
    """Return the evidence with masked file names; a media type may be any text, too."""
    return tuple(
        replace(
            item,
            file_name=mask_text(item.file_name, own),
            media_type=mask_text(item.media_type, own),
        )
        for item in evidence
    )


def mask_details(details: Details, own: list[tuple[str, str]]) -> Details:
    """Return the details with every text masked that anyone may have filled with personal data."""
    if details == NO_DETAILS:
        return details
    return replace(
        details,
        target_units=tuple(mask_text(unit, own) for unit in details.target_units),
        language=mask_text(details.language, own),
        accommodation_needs=mask_text(details.accommodation_needs, own),
    )
