"""The service calendar (业务日历): times of the year that explain load, as DOMAIN knows them.

Wages before the Spring Festival, the start of heating, school enrolment, the flood season, exams.
It helps to expect what comes every year; it never raises a level by itself.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

WAGES_DAYS = 30
"""Days before the Spring Festival in which wages are settled."""
SPRING_FESTIVALS = tuple(
    date.fromisoformat(day)
    for day in (
        "2010-02-14", "2011-02-03", "2012-01-23", "2013-02-10", "2014-01-31", "2015-02-19",
        "2016-02-08", "2017-01-28", "2018-02-16", "2019-02-05", "2020-01-25", "2021-02-12",
        "2022-02-01", "2023-01-22", "2024-02-10", "2025-01-29", "2026-02-17", "2027-02-06",
        "2028-01-26", "2029-02-13", "2030-02-03", "2031-01-23", "2032-02-11", "2033-01-31",
        "2034-02-19", "2035-02-08",
    )
)  # fmt: skip
"""First days of the lunar year; outside of them no wages period is known."""
MONTHS = ((11,), (7, 8, 9), (6, 7, 8), (6,))
"""Months of heating's start, school enrolment, the flood season, exams."""
PERIODS = 1 + len(MONTHS)


def service_periods(first_day: date, count: int, step_days: int) -> NDArray[np.float32]:
    """Return which share of each step lies in each period, (count, PERIODS)."""
    days = [first_day + timedelta(days=number) for number in range(count * step_days)]
    marks = np.zeros((len(days), PERIODS), dtype=np.float32)
    for festival in SPRING_FESTIVALS:
        before = (festival - first_day).days
        marks[max(before - WAGES_DAYS, 0) : max(before, 0), 0] = 1.0
    month = np.array([day.month for day in days])
    for place, months in enumerate(MONTHS, start=1):
        marks[:, place] = np.isin(month, months)
    shares: NDArray[np.float32] = marks.reshape(count, step_days, PERIODS).mean(axis=1)
    return shares
