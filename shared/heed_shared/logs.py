"""Logs as JSON lines on stderr: a constant event name, the trace, and fields without personal data.

Event names stand in ``Event`` (a service adds an enum of its own). An exception is logged by its
class and its stack; its text is left out unless in development, because database errors quote
values.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TextIO

from opentelemetry import trace


class Event(StrEnum):
    """What the shared layers log."""

    SETTINGS_READ = "settings_read"
    SERVING = "serving"
    CERTIFICATE_RENEWED = "certificate_renewed"
    CERTIFICATE_UNREADABLE = "certificate_unreadable"
    STOPPING = "stopping"
    STOPPED = "stopped"
    READINESS_CHANGED = "readiness_changed"
    RPC_FAILED = "rpc_failed"
    DEPENDENCY_FAILED = "dependency_failed"
    BACKGROUND_FAILED = "background_failed"
    DAILY_JOB_DONE = "daily_job_done"
    FEED_BATCH_FAILED = "feed_batch_failed"
    FEED_EVENT_PARKED = "feed_event_parked"
    FEED_SHARD_STOPPED = "feed_shard_stopped"
    FEED_RETENTION_DONE = "feed_retention_done"
    FEED_RETENTION_HELD = "feed_retention_held"
    OPERATION_DONE = "operation_done"
    OPERATION_FAILED = "operation_failed"
    MIGRATED = "migrated"
    UNAUTHENTICATED = "unauthenticated"
    AUDIT_SEALED = "audit_sealed"
    AUDIT_FAILED = "audit_failed"


class JsonFormatter(logging.Formatter):
    """Writes one JSON object per record."""

    def __init__(self, service_name: str, *, development: bool) -> None:
        super().__init__()
        self._service_name = service_name
        self._development = development

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, Any] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "event": self._event(record),
            "logger": record.name,
            "service.name": self._service_name,
        }
        own = trace.get_current_span().get_span_context()
        if own.is_valid:
            line["trace_id"] = f"{own.trace_id:032x}"
            line["span_id"] = f"{own.span_id:016x}"
        line.update(getattr(record, "fields", {}))
        if record.exc_info and record.exc_info[1] is not None:
            line.update(self._exception(record.exc_info[1]))
        return json.dumps(line, ensure_ascii=False, default=str)

    def _event(self, record: logging.LogRecord) -> str:
        """Return the message; of other libraries' the first line, for asyncio quotes exceptions."""
        message = record.getMessage()
        own = self._development or record.name == _LOGGER.name
        return message if own else message.partition("\n")[0]

    def _exception(self, error: BaseException) -> dict[str, Any]:
        frames = traceback.extract_tb(error.__traceback__)
        shown: dict[str, Any] = {
            "error": f"{type(error).__module__}.{type(error).__qualname__}",
            "stack": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
        }
        for fact in ("sqlstate", "constraint_name", "table_name"):
            value = getattr(error, fact, None) or getattr(error.__cause__, fact, None)
            if value:
                shown[fact] = value
        if self._development:
            shown["text"] = str(error)
        return shown


def setup_logs(
    service_name: str, *, development: bool = False, stream: TextIO | None = None
) -> None:
    """Send all logs of this process to ``stream`` (stderr) as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(service_name, development=development))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)


def info(event: StrEnum, **fields: object) -> None:
    """Log something that went as it should."""
    _LOGGER.info(event.value, extra={"fields": fields})


def warning(event: StrEnum, **fields: object) -> None:
    """Log something that an operator should look at one day."""
    _LOGGER.warning(event.value, extra={"fields": fields})


def failure(event: StrEnum, error: BaseException, **fields: object) -> None:
    """Log an exception that is not raised any further."""
    _LOGGER.error(event.value, exc_info=error, extra={"fields": fields})


_LOGGER = logging.getLogger("heed")
