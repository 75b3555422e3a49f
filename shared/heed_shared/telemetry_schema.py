"""Every metric and span name of the suite, with unit and meaning; dashboards and alerts rest on it.

A name that is not here cannot be recorded: ``telemetry.record`` and ``telemetry.span`` refuse it.
Attributes are few and bounded (method, feed, state, level); none names a petition or a person.
Spans of RPCs carry the name of their method and need no entry.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "up_down", "histogram", "gauge", "observed"]

RPC_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
DELAY_BUCKETS_S = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0, 7200.0)
SHARE_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class Metric:
    """One declared metric; kind ``observed`` is read by a callback when metrics are exported."""

    name: str
    kind: Kind
    unit: str
    description: str
    buckets: tuple[float, ...] = ()


_DECLARED = (
    # The RPC layer.
    Metric("rpc.server.duration", "histogram", "s", "Time to serve an RPC", RPC_BUCKETS_S),
    Metric("rpc.server.in_flight", "observed", "{rpc}", "RPCs being served now"),
    Metric("rpc.client.duration", "histogram", "s", "Time of an RPC to a peer", RPC_BUCKETS_S),
    Metric("heed.ready", "gauge", "1", "1 while every dependency is ready, else 0"),
    Metric("heed.rpc.unauthenticated", "counter", "{rpc}", "Calls without a valid identity"),
    # Audit.
    Metric("heed.audit.written", "counter", "{entry}", "Entries of the audit, by action"),
    Metric("heed.audit.unsealed", "gauge", "{entry}", "Entries that are not in the chain yet"),
    Metric("heed.audit.verified", "counter", "{check}", "Checks of the chain, by outcome"),
    # Feeds.
    Metric("heed.feed.horizon_lag", "gauge", "s", "Age of the oldest open write"),
    Metric("heed.feed.published", "counter", "{event}", "Events written to a feed"),
    Metric("heed.feed.applied", "counter", "{event}", "Events of a feed that took effect here"),
    Metric("heed.feed.parked", "gauge", "{event}", "Events of a feed that are parked now"),
    Metric("heed.feed.lag", "gauge", "{event}", "Events that a consumer has not acknowledged"),
    Metric("heed.feed.held", "gauge", "{event}", "Events that a feed still holds"),
    Metric("heed.feed.batch_duration", "histogram", "s", "Time to apply a batch", RPC_BUCKETS_S),
    # Background work.
    Metric("heed.daily_job.duration", "histogram", "s", "Time of a daily job", DELAY_BUCKETS_S),
    Metric("heed.daily_job.last_day_age", "gauge", "d", "Closed days that a daily job still owes"),
    # Intake.
    Metric("heed.intake.registered", "counter", "{petition}", "Petitions registered, by channel"),
    Metric("heed.intake.refused", "counter", "{petition}", "Rows of imports that were refused"),
    Metric("heed.intake.sealed", "counter", "{petition}", "Petitions moved to the sealed lane"),
    Metric("heed.intake.wave_size", "histogram", "{petition}", "Petitions in a registration wave",
           (1, 2, 4, 8, 16, 32, 64, 128, 256)),
    Metric("heed.intake.wave_fallbacks", "counter", "{wave}", "Waves that fell back row by row"),
    Metric("heed.intake.consultations", "counter", "{consultation}",
           "Consultations, by outcome"),
    Metric("heed.intake.queries", "counter", "{query}", "Progress queries, by outcome"),
    Metric("heed.intake.supplements", "counter", "{supplement}", "Additions to petitions"),
    Metric("heed.intake.withdrawals", "counter", "{petition}", "Petitions that were taken back"),
    Metric("heed.intake.reveals", "counter", "{look}", "Looks at petitioners' contacts"),
    Metric("heed.intake.erasures", "counter", "{petition}", "Petitions erased, by kind"),
    Metric("heed.intake.keys_wrapped", "counter", "{key}", "Data keys wrapped anew, by lane"),
    # Classifier.
    Metric("heed.classifier.classified", "counter", "{petition}", "Classifications, by band"),
    Metric("heed.classifier.confidence", "histogram", "1", "Probability of the first category",
           SHARE_BUCKETS),
    Metric("heed.classifier.corrected", "counter", "{matter}", "Corrections by people, by axis"),
    Metric("heed.classifier.duration", "histogram", "s", "Time to classify a batch", RPC_BUCKETS_S),
    Metric("heed.classifier.model_loaded", "gauge", "1", "1 while a trained model answers, else 0"),
    Metric("heed.classifier.model_trained_at", "gauge", "s",
           "Unix time at which the model that answers was trained; 0 while the rules do"),
    Metric("heed.classifier.waiting", "observed", "{text}",
           "Texts of single calls and of streams that wait to be sorted"),
    Metric("heed.classifier.model_failures", "counter", "{batch}",
           "Batches in which a trained model failed and the rules took over"),
    # Warning.
    Metric("heed.warning.observed", "counter", "{delta}", "Signed counts taken in"),
    Metric("heed.warning.warnings", "counter", "{warning}", "Changes of warnings, by kind"),
    Metric("heed.warning.evaluation_duration", "histogram", "s", "Time of an evaluation",
           DELAY_BUCKETS_S),
    Metric("heed.warning.evaluated_cells", "gauge", "{cell}", "Cells in the last evaluation"),
    Metric("heed.warning.forecast_coverage", "gauge", "1", "Share of actuals inside the interval"),
    Metric("heed.warning.forecast_duration", "histogram", "s", "Time of a forecast", RPC_BUCKETS_S),
    Metric("heed.warning.escalations_missing", "gauge", "{warning}",
           "Warnings with an escalation that was due and not done"),
    # Disposal.
    Metric("heed.disposal.opened", "counter", "{case}", "Cases opened, by track"),
    Metric("heed.disposal.transitions", "counter", "{case}", "Changes of cases, by action"),
    Metric("heed.disposal.open_cases", "gauge", "{case}", "Cases not closed, by state"),
    Metric("heed.disposal.overdue", "gauge", "{case}", "Cases past their internal due date"),
    Metric("heed.disposal.escalations", "counter", "{clock}", "Broken clocks told to a role"),
    Metric("heed.disposal.escalations_missing", "gauge", "{case}",
           "Cases with a broken clock that nobody was told of"),
    Metric("heed.disposal.nearest_deadline", "gauge", "s", "Time to the nearest legal deadline"),
)  # fmt: skip

METRICS: dict[str, Metric] = {metric.name: metric for metric in _DECLARED}

SPANS: frozenset[str] = frozenset(
    {
        "feed.pull",
        "feed.prepare",
        "feed.apply",
        "feed.retention",
        "operation.run",
        "daily_job.run",
        "intake.wave",
        "intake.import",
        "classifier.classify",
        "classifier.train",
        "warning.evaluate",
        "warning.forecast",
        "warning.train",
        "warning.backtest",
        "warning.recommend",
        "disposal.open_case",
        "disposal.daily",
    }
)


class UndeclaredNameError(Exception):
    """Raised where code records a metric or span that this schema does not declare."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name!r} is not declared in heed_shared/telemetry_schema.py")


def metric(name: str) -> Metric:
    """Return the declaration of a metric, or raise UndeclaredNameError."""
    try:
        return METRICS[name]
    except KeyError as error:
        raise UndeclaredNameError(name) from error


def require_span(name: str) -> None:
    """Check that a span name is declared, or raise UndeclaredNameError."""
    if name not in SPANS:
        raise UndeclaredNameError(name)
