"""A submission from a file and from options: what a clerk enters at the command line.

The file holds the fields of PetitionSubmission by their names in the contract, as JSON or TOML;
options replace single fields. Personal data belong into the file: options stay in the history of
the shell.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import mimetypes
import tomllib
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from google.protobuf.json_format import ParseDict, ParseError
from heed.common.v1 import matter_pb2
from heed.intake.v1 import resources_pb2 as intake

from heed_shared.clock import SHANGHAI
from heed_shared.commands import CommandError

_PREFIXES: Final = {
    "channel": "CHANNEL_",
    "declared_nature": "NATURE_",
    "people_bucket": "PEOPLE_BUCKET_",
}
_TEXTS: Final = (
    ("request", "诉求 what is asked for"),
    ("facts", "事实 what happened"),
    ("reasons", "理由 on what grounds"),
    ("place", "地点 where the problem lies, in words"),
    ("office", "登记机构 whose numbers are used"),
    ("external_id", "外部编号 number that the sending system gave it"),
)


def _words(enum: Any, prefix: str) -> list[str]:
    return [name.removeprefix(prefix).lower() for name, number in enum.items() if number]


CHANNELS: Final = _words(matter_pb2.Channel, "CHANNEL_")
NATURES: Final = _words(matter_pb2.Nature, "NATURE_")


def add_submission_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that make up a submission."""
    parser.add_argument(
        "--file", type=Path, help="内容文件 JSON or TOML, fields as in the contract"
    )
    parser.add_argument("--region", default="", help="地区代码 region code, six characters")
    for name, text in _TEXTS:
        parser.add_argument(f"--{name.replace('_', '-')}", default="", help=text)
    parser.add_argument("--channel", choices=CHANNELS, help="来源 (default: visit)")
    parser.add_argument("--nature", choices=NATURES, help="性质 as the petitioner declares it")
    parser.add_argument(
        "--target-unit", action="append", default=[], help="被反映单位 unit complained of"
    )
    parser.add_argument(
        "--evidence",
        type=Path,
        action="append",
        default=[],
        metavar="FILE",
        help="证据 a file, taken in by digest; the file stays where it is",
    )
    parser.add_argument("--confidential", action="store_true", help="要求保密 confidentiality")


def submission_from(
    arguments: argparse.Namespace, base: dict[str, Any] | None = None
) -> intake.PetitionSubmission:
    """Return the submission that the options and their file describe.

    Args:
        arguments: With the options of ``add_submission_options``.
        base: Fields that the file and the options replace.

    Raises:
        CommandError: the file cannot be read, or a field is not of the contract.
    """
    data = dict(base or {}) | (_read(arguments.file) if arguments.file else {})
    data |= {name: getattr(arguments, name) for name, _ in _TEXTS if getattr(arguments, name)}
    given = {
        "region_code": arguments.region,
        "channel": arguments.channel,
        "declared_nature": arguments.nature,
        "target_units": arguments.target_unit,
        "confidentiality_requested": arguments.confidential,
    }
    data |= {name: value for name, value in given.items() if value}
    data.setdefault("channel", "visit")
    source = str(arguments.file or "options")
    try:
        submission = ParseDict(_in_contract_words(data), intake.PetitionSubmission())
    except (ParseError, ValueError, TypeError, AttributeError) as error:
        raise CommandError(f"{source}: {' '.join(str(error).split())}") from error
    submission.evidence.extend(_evidence(path) for path in arguments.evidence)
    if not submission.region_code:
        raise CommandError("--region 地区代码: required, as an option or as region_code in --file")
    return submission


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text("utf-8-sig")
        data = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{path}: is not UTF-8") from error
    except ValueError as error:
        raise CommandError(f"{path}: {error}") from error
    if not isinstance(data, dict):
        raise CommandError(f"{path}: must hold one submission, field by field")
    return data


def _in_contract_words(data: dict[str, Any]) -> dict[str, Any]:
    """Return fields in which short words stand for enum values and times have their zone."""
    told = {name: _time_text(value) for name, value in data.items()}
    for name, prefix in _PREFIXES.items():
        word = told.get(name)
        if isinstance(word, str) and not word.startswith(prefix):
            told[name] = prefix + word.upper()
    return told


def _time_text(value: Any) -> Any:
    """Return a time of a TOML file as the contract writes it; one without a zone is of here."""
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime.combine(value, time.min)
    if isinstance(value, datetime):
        zoned = value if value.tzinfo else value.replace(tzinfo=SHANGHAI)
        return zoned.isoformat()
    return value


def _evidence(path: Path) -> intake.Evidence:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        size = path.stat().st_size
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}") from error
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return intake.Evidence(file_name=path.name, media_type=kind, size_bytes=size, sha256=digest)
