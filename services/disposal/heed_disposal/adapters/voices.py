"""Ratings and lessons in Postgres: written and erased with their case, read by those who may."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, delete, func, literal, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from heed_disposal.adapters.case_rows import Values, actor_value, certain_actor
from heed_disposal.adapters.tables import LESSONS, OPINIONS, RATINGS
from heed_disposal.application.voices import (
    LessonFilter,
    LessonPosition,
    RatingFilter,
    RatingPosition,
    ToldLesson,
    ToldRating,
)
from heed_disposal.domain.case import Case
from heed_disposal.domain.ending import ERASED
from heed_disposal.domain.procedure_terms import RatingGrade
from heed_disposal.domain.records import Lesson, Rating
from heed_shared.database import Database


async def write_voices(connection: AsyncConnection, cases: Sequence[Case]) -> None:
    """Write the ratings and lessons that verbs in progress added."""
    ratings = [_rating_values(case, case.rating) for case in cases if case.rating]
    if ratings:
        statement = insert(RATINGS)
        new = {name: statement.excluded[name] for name in ("office", "unit", "comment", "rated_at")}
        await connection.execute(
            statement.on_conflict_do_update(index_elements=["region", "uid"], set_=new), ratings
        )
    lessons = [_lesson_values(case, lesson) for case in cases for lesson in case.lessons]
    if lessons:
        await connection.execute(insert(LESSONS), lessons)


async def erase_voices(connection: AsyncConnection, case: Case) -> None:
    """Delete what people wrote about an erased petition; grades and dates stay as figures."""
    for table in (RATINGS, LESSONS, OPINIONS):
        own = (table.c.region == case.region, table.c.uid == case.uid)
        if table is LESSONS:
            await connection.execute(delete(LESSONS).where(*own))
        elif table is RATINGS:
            await connection.execute(update(RATINGS).where(*own).values(comment=""))
        else:
            await connection.execute(update(OPINIONS).where(*own).values(text=ERASED))


class PostgresVoices:
    """Reads ratings and lessons page by page."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def ratings(
        self, wanted: RatingFilter, after: RatingPosition | None, limit: int
    ) -> list[ToldRating]:
        """Return ratings, latest first."""
        query = select(RATINGS).where(*_in_region(RATINGS.c.handling_region, wanted.region_prefix))
        if wanted.begin is not None:
            query = query.where(RATINGS.c.rated_at >= wanted.begin)
        if wanted.end is not None:
            query = query.where(RATINGS.c.rated_at < wanted.end)
        key = (RATINGS.c.rated_at, RATINGS.c.uid)
        if after is not None:
            query = query.where(tuple_(*key) < tuple_(literal(after.rated_at), literal(after.uid)))
        query = query.order_by(*(column.desc() for column in key)).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [
            ToldRating(
                row.region,
                row.uid,
                Rating(RatingGrade(row.office), RatingGrade(row.unit), row.comment, row.rated_at),
            )
            for row in rows
        ]

    async def lessons(
        self, wanted: LessonFilter, after: LessonPosition | None, limit: int
    ) -> list[ToldLesson]:
        """Return lessons, latest first."""
        query = select(LESSONS).where(*_in_region(LESSONS.c.handling_region, wanted.region_prefix))
        if wanted.category_code:
            code = LESSONS.c.category_code
            query = query.where(func.left(code, len(wanted.category_code)) == wanted.category_code)
        if after is not None:
            query = query.where(LESSONS.c.number < after.number)
        query = query.order_by(LESSONS.c.number.desc()).limit(limit)
        async with self._database.read() as connection:
            rows = (await connection.execute(query)).all()
        return [
            ToldLesson(
                row.region,
                row.uid,
                row.number,
                row.category_code,
                Lesson(
                    row.text,
                    row.proposal,
                    row.addressee,
                    certain_actor(row.recorded_by),
                    row.recorded_at,
                ),
            )
            for row in rows
        ]


def _rating_values(case: Case, rating: Rating) -> Values:
    return {
        "region": case.region,
        "uid": case.uid,
        "handling_region": case.handling_region,
        "office": int(rating.office),
        "unit": int(rating.unit),
        "comment": rating.comment,
        "rated_at": rating.rated_at,
    }


def _lesson_values(case: Case, lesson: Lesson) -> Values:
    return {
        "region": case.region,
        "uid": case.uid,
        "handling_region": case.handling_region,
        "category_code": case.category_code,
        "text": lesson.text,
        "proposal": lesson.proposal,
        "addressee": lesson.addressee,
        "recorded_by": actor_value(lesson.recorded_by),
        "recorded_at": lesson.recorded_at,
    }


def _in_region(column: Column[Any], prefix: str) -> Sequence[ColumnElement[bool]]:
    """Return the condition that a region column lies below a prefix; none means everywhere."""
    return [column.startswith(prefix, autoescape=True)] if prefix else []
