"""A small organisation table for tests, with made-up persons, and how to write one to a file."""

from collections.abc import Sequence
from pathlib import Path

HEAD = (
    "# released_by: 甄明 staff/2001",
    "# released_by: 陆安 staff/2002",
    "# released_on: 2026-01-05",
    "unit,parent,region_code,led_by,valid_from,valid_to",
)
ROWS = (
    "北京市纪委监委,,110000,高远,,",
    "北京市人民政府,,110000,方圆,,",
    "北京市水务局,北京市人民政府,110000,江海,,",
    "朝阳区纪委监委,北京市纪委监委,110105,秦朗,,",
    "朝阳区人民政府,北京市人民政府,110105,罗成,,",
    "朝阳区水务局,朝阳区人民政府,110105,张三丰、李四光,,",
    "朝阳区水务局供水科,朝阳区水务局,110105,,,",
    "朝阳区市场监督管理局,朝阳区人民政府,110105,王五一,,",
    "海淀区水务局,北京市人民政府,110108,赵六合,,",
    "朝阳区旧城改造办,朝阳区人民政府,110105,钱七巧,,2025-12-31",
    "朝阳区更新中心,朝阳区旧城改造办,110105,孙八方,2026-01-01,",
)


def write_table(path: Path, rows: Sequence[str] = ROWS, head: Sequence[str] = HEAD) -> Path:
    """Write the table; returns its path."""
    path.write_text("\n".join((*head, *rows)) + "\n", encoding="utf-8")
    return path
