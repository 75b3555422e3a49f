"""Turns indicators into contract messages."""

from __future__ import annotations

from datetime import date

from heed.warning.v1 import resources_pb2

from heed_warning.domain.indicators import IndicatorDefinition, Reading


def from_reading(reading: Reading) -> resources_pb2.IndicatorValue:
    """Return one indicator for the contract."""
    return resources_pb2.IndicatorValue(
        code=reading.code,
        title=reading.title,
        outcome=resources_pb2.IndicatorValue.Outcome.ValueType(reading.outcome),
        value=reading.value,
        numerator=reading.numerator,
        denominator=reading.denominator,
        percentile=reading.percentile,
        over=reading.over,
        family=resources_pb2.IndicatorFamily.ValueType(reading.family),
        version=reading.version,
    )


def from_definition(one: IndicatorDefinition) -> resources_pb2.IndicatorDefinition:
    """Return a definition for the contract."""
    return resources_pb2.IndicatorDefinition(
        code=one.code,
        title=one.title,
        family=resources_pb2.IndicatorFamily.ValueType(one.family),
        definition=one.definition,
        formula=one.formula,
        unit=one.unit,
        minimum_denominator=one.minimum_denominator,
        direction=resources_pb2.IndicatorDefinition.Direction.ValueType(one.direction),
        window_days=one.window_days,
        limit_percentile=one.limit_percentile,
        version=one.version,
        valid_from=one.valid_from.isoformat(),
        valid_to=_text(one.valid_to),
        citation=one.citation,
    )


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""
