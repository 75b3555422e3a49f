"""Handling targets by region and category, and an authority's own table over the shipped one."""

from __future__ import annotations

from pathlib import Path

import pytest

from heed_classifier.adapters.build_sorting import build_sorting
from heed_classifier.adapters.workers import BoundedWorkers
from heed_classifier.application.sorting import ToSort
from heed_classifier.domain.decision import Target
from heed_classifier.domain.nature import Level
from heed_classifier.domain.routing import TargetTableError
from heed_classifier.domain.text import PetitionText
from heed_shared.reference.regions import Regions

OWN = """
[line]
"05" = ["生态环境", "生态环境分局"]

[[unit]]
region = "110000"
category = "0106"
unit = "北京市城市管理委员会"
level = "province"
region_code = "110000"

[[unit]]
region = "110105"
category = "01"
unit = "朝阳区住建委"

[[unit]]
region = "110105"
category = "0106"
unit = "朝阳区城管委"
line = "市政管理"
level = "county"
"""
POLLUTION = "夜间工厂排放刺鼻气味，黑烟滚滚"
LAMPS = "路灯坏了半年，井盖破损，下水道堵塞"
FLATS = "交房两年仍未办下房产证，开发商一直推脱"


def target(table: Path, text: str, region: str) -> Target:
    sorting = build_sorting(Regions.load(), BoundedWorkers(), targets=table)
    return sorting.sort_now([ToSort(PetitionText(text, ""), region)])[0].sorted.target


@pytest.mark.parametrize(
    ("text", "region", "unit", "level", "reason"),
    [
        (POLLUTION, "110105", "北京市朝阳区生态环境分局", Level.COUNTY, "another ending"),
        (LAMPS, "110105", "朝阳区城管委", Level.COUNTY, "narrowest region and category"),
        (FLATS, "110105", "朝阳区住建委", Level.COUNTY, "narrowest region, wider category"),
        (LAMPS, "110108", "北京市城市管理委员会", Level.PROVINCE, "the level above answers"),
        (FLATS, "110108", "北京市海淀区住房和城乡建设局", Level.COUNTY, "the shipped rule"),
        (LAMPS, "310115", "上海市浦东新区城市管理局", Level.COUNTY, "another region"),
    ],
)
def test_region_and_category_decide_who_answers(
    tmp_path: Path, text: str, region: str, unit: str, level: Level, reason: str
) -> None:
    table = tmp_path / "targets.toml"
    table.write_text(OWN, encoding="utf-8")

    found = target(table, text, region)

    assert (found.unit, found.level) == (unit, level), reason


def test_a_unit_of_the_level_above_has_the_region_of_that_level(tmp_path: Path) -> None:
    table = tmp_path / "targets.toml"
    table.write_text(OWN, encoding="utf-8")

    assert target(table, LAMPS, "110108").region_code == "110000"
    assert target(table, LAMPS, "110105").line == "市政管理"


def test_without_a_region_there_is_a_line_and_no_unit(tmp_path: Path) -> None:
    table = tmp_path / "targets.toml"
    table.write_text(OWN, encoding="utf-8")

    found = target(table, LAMPS, "")

    assert (found.line, found.unit, found.region_code) == ("城市管理", "", "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("not toml at all =", "cannot be read"),
        ('[line]\n"05" = "生态环境局"\n', 'line "05"'),
        ('[[unit]]\nregion = "110000"\ncategory = "05"\n', "needs region, category and unit"),
        (
            '[[unit]]\nregion = "11"\ncategory = "05"\nunit = "甲"\nlevel = "town"\n',
            "level 'town'",
        ),
    ],
)
def test_a_wrong_table_is_refused_at_start_by_the_entry_at_fault(
    tmp_path: Path, text: str, problem: str
) -> None:
    table = tmp_path / "targets.toml"
    table.write_text(text, encoding="utf-8")

    with pytest.raises(TargetTableError, match=problem):
        build_sorting(Regions.load(), BoundedWorkers(), targets=table)
    with pytest.raises(TargetTableError, match="cannot be read"):
        build_sorting(Regions.load(), BoundedWorkers(), targets=tmp_path / "missing.toml")
