"""Whatever a caller sends about models or into a stream, it is answered: refused, or done."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from google.longrunning import operations_pb2
from google.longrunning.operations_pb2_grpc import OperationsStub
from google.protobuf.message import Message
from heed.classifier.v1 import classifier_service_pb2 as pb
from heed.classifier.v1.resources_pb2 import Model
from heed.common.v1 import matter_pb2

from heed_classifier.adapters.model_table import store_model
from tests.classifier.serving import WAGES, Serving
from tests.contracts.hostile import NO_ANSWERS, Call, always, failures, hostile_changes

CLASSIFIER = pb.DESCRIPTOR.services_by_name["ClassifierService"]
METHODS = {"TrainModel", "EvaluateModel", "ListModels", "PromoteModel", "ClassifyStream"}
"""Those that are called here; the others are in test_hostile_values.py."""
TEXT = pb.ClassifyRequest(
    request=WAGES[0],
    facts=WAGES[1],
    region_code="110105",
    people_bucket=matter_pb2.PEOPLE_BUCKET_ONE,
)


async def idle(served: Serving) -> None:
    """End what runs, so that the next good request finds nothing under way."""
    stub = OperationsStub(served.channel("steward"))
    listed = await stub.ListOperations(operations_pb2.ListOperationsRequest(page_size=3))
    for name in [operation.name for operation in listed.operations if not operation.done]:
        await stub.CancelOperation(operations_pb2.CancelOperationRequest(name=name))
        await stub.WaitOperation(operations_pb2.WaitOperationRequest(name=name))


async def test_no_value_in_any_field_about_models_is_a_fault_of_the_classifier(
    served: Serving, trained_bytes: bytes
) -> None:
    now = datetime.now(UTC)
    for age, name in ((2, "first"), (1, "second")):
        await store_model(
            served.feed.database, name, trained_bytes, {}, {}, now - timedelta(days=age)
        )
    steward = served.channel("steward")

    async def training() -> Message:
        await idle(served)
        return pb.TrainModelRequest(
            request_id=str(uuid.uuid4()), seed=3, data_from="2026-01-01", data_to="2026-02-01"
        )

    async def evaluation() -> Message:
        await idle(served)
        text = pb.LabelledText(text=WAGES[0], category_code="03", nature=matter_pb2.NATURE_ENQUIRY)
        return pb.EvaluateModelRequest(
            request_id=str(uuid.uuid4()), name="models/first", texts=[text]
        )

    async def promotion() -> Message:
        listed = await served.stub("steward").ListModels(pb.ListModelsRequest())
        other = next(item for item in listed.models if item.state != Model.STATE_CURRENT)
        return pb.PromoteModelRequest(
            request_id=str(uuid.uuid4()), name=other.name, etag=other.etag, reason="回退"
        )

    wanted: dict[str, Any] = {
        "EvaluateModel": evaluation,
        "ListModels": always(pb.ListModelsRequest(page_size=1)),
        "PromoteModel": promotion,
    }
    calls = [Call(CLASSIFIER.methods_by_name[name], steward, good) for name, good in wanted.items()]
    assert {*wanted, "TrainModel", "ClassifyStream"} == METHODS
    assert await failures(calls) == []
    # Alone, because both end what runs.
    assert await failures([Call(CLASSIFIER.methods_by_name["TrainModel"], steward, training)]) == []
    await idle(served)


async def test_no_text_of_a_stream_is_a_fault_of_the_classifier(served: Serving) -> None:
    good = pb.ClassifyStreamRequest(sequence=1, text=TEXT)
    call = Call(
        CLASSIFIER.methods_by_name["ClassifyStream"], served.channel("officer"), always(good)
    )
    assert await failures([call]) == []

    async def gone_wrong() -> AsyncIterator[pb.ClassifyStreamRequest]:
        for _, change in hostile_changes(good):
            request = pb.ClassifyStreamRequest()
            request.CopyFrom(good)
            change(request)
            yield request

    faults = {code.value[0] for code in NO_ANSWERS | {grpc.StatusCode.UNAVAILABLE}}
    answers = [item async for item in served.stub().ClassifyStream(gone_wrong())]
    assert len(answers) == len(list(hostile_changes(good)))
    assert [item for item in answers if item.error.code in faults] == []
    assert any(item.HasField("error") for item in answers)
