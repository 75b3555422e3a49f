"""Requests that change a petition, and who makes them."""

import uuid
from typing import Any

from heed.intake.v1 import intake_service_pb2 as pb

WRONG_CODE = "AAAA-AAAA-AAAA"
ACCUSING = "补充：该镇镇长收受贿赂，包庇此事。"


def addition(answer: pb.RegisterPetitionResponse, **changed: Any) -> pb.SupplementPetitionRequest:
    """The holder of a query code adds to a petition; `changed` are fields of the request."""
    fields = {"name": answer.petition.name, "query_code": answer.query_code}
    fields |= {"request_id": str(uuid.uuid4()), "text": "又停了两天。"}
    return pb.SupplementPetitionRequest(**(fields | changed))


def taking_back(answer: pb.RegisterPetitionResponse, **changed: Any) -> pb.WithdrawPetitionRequest:
    """The holder of a query code takes a petition back."""
    fields = {"name": answer.petition.name, "query_code": answer.query_code}
    fields |= {"request_id": str(uuid.uuid4())}
    return pb.WithdrawPetitionRequest(**(fields | changed))
