"""Texts are asked of intake in questions whose answers fit into one message."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

import grpc
from heed.intake.v1 import intake_service_pb2 as pb

from heed_classifier.adapters.intake_texts import MOST_NAMES, IntakeTexts
from heed_shared.rpc.options import MAX_MESSAGE_BYTES
from tests.classifier.builders import petition


class FakeIntake:
    """A channel to an intake that answers every petition with the longest text there is."""

    def __init__(self) -> None:
        self.largest = 0

    def unary_unary(
        self, _method: str, **_codec: Any
    ) -> Callable[[pb.BatchGetMaskedTextsRequest], Awaitable[pb.BatchGetMaskedTextsResponse]]:
        """Return the one method that is asked for."""
        return self._answer

    stream_stream = unary_unary

    async def _answer(
        self, request: pb.BatchGetMaskedTextsRequest
    ) -> pb.BatchGetMaskedTextsResponse:
        texts = [
            pb.MaskedText(
                petition=name,
                availability=pb.MaskedText.AVAILABILITY_READABLE,
                request="𠮷" * 20_000,
                facts="𠮷" * 100_000,
                reasons="𠮷" * 20_000,
                place="𠮷" * 500,
                region_code="110105",
                supplements=["𠮷" * 50_000] * 2,
            )
            for name in request.names
        ]
        response = pb.BatchGetMaskedTextsResponse(texts=texts)
        self.largest = max(self.largest, response.ByteSize())
        return response


async def test_the_longest_texts_of_a_batch_come_in_messages_that_fit() -> None:
    intake = FakeIntake()
    keys = [petition("停水").key for _ in range(2 * MOST_NAMES + 1)]
    texts = IntakeTexts(cast("grpc.aio.Channel", intake))
    assert set(await texts.read(keys)) == set(keys)
    assert MAX_MESSAGE_BYTES // 2 < intake.largest < MAX_MESSAGE_BYTES


async def test_what_was_added_later_is_part_of_the_text() -> None:
    intake = FakeIntake()
    key = petition("停水").key
    read = await IntakeTexts(cast("grpc.aio.Channel", intake)).read([key])
    assert len(read[key].text.facts) == 200_002
