"""Turns forecasts of cells into contract messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from heed.warning.v1 import resources_pb2 as pb

from heed_warning.api.convert import from_cell
from heed_warning.application.forecasting import CellScope
from heed_warning.application.places import Places
from heed_warning.domain.outlook import PROBABILITIES, Span
from heed_warning.domain.people import PEOPLE_PROBABILITIES
from heed_warning.domain.scope import Follower


def from_scope(scope: CellScope, as_of: date, places: Places) -> pb.CellForecast:
    """Return the forecast of one cell for the contract."""
    outlook = scope.outlook
    made = pb.CellForecast.OUTCOME_FORECAST
    short = pb.CellForecast.OUTCOME_INSUFFICIENT_HISTORY
    days = zip(outlook.expected, outlook.quantiles, strict=True)
    return pb.CellForecast(
        cell=from_cell(outlook.cell),
        as_of=as_of.isoformat(),
        outcome=made if outlook.expected else short,
        forecaster=outlook.forecaster,
        history_days=outlook.history_days,
        days=[
            pb.DayForecast(
                day=date.fromordinal(as_of.toordinal() + ahead).isoformat(),
                expected_count=expected,
                quantiles=_quantiles(PROBABILITIES, values),
            )
            for ahead, (expected, values) in enumerate(days, start=1)
        ],
        horizons=[_horizon(span) for span in outlook.spans],
        models=[pb.ModelShare(family=family, weight=share) for family, share in outlook.models],
        path=pb.SeriesPath.ValueType(outlook.path),
        likely_followers=[_follower(item, places) for item in scope.followers],
    )


def _horizon(span: Span) -> pb.HorizonForecast:
    people = span.people
    return pb.HorizonForecast(
        horizon_days=span.days,
        expected_count=span.expected,
        quantiles=_quantiles(PROBABILITIES, span.quantiles),
        exceedance_probability=span.exceedance,
        threshold_count=span.threshold,
        expected_people=people.expected,
        people_quantiles=_quantiles(PEOPLE_PROBABILITIES, people.quantiles)
        if people.expected
        else [],
    )


def _follower(follower: Follower, places: Places) -> pb.LikelyFollower:
    return pb.LikelyFollower(
        cell=from_cell(follower.cell),
        region_title=places.region_title(follower.cell.region),
        relation=pb.LikelyFollower.Relation.ValueType(follower.relation),
        exceedance_probability=follower.exceedance,
        followed_share=follower.followed_share,
    )


def _quantiles(shares: Sequence[float], values: Sequence[float]) -> list[pb.Quantile]:
    pairs = zip(shares, values, strict=True)
    return [pb.Quantile(probability=share, value=value) for share, value in pairs]
