# ruff: noqa: N802 - methods are named as in the contract
"""The RPC of documents."""

from typing import Any

import grpc
from heed.disposal.v1 import disposal_service_pb2 as pb
from heed.disposal.v1 import resources_pb2 as resources
from heed.disposal.v1.disposal_service_pb2_grpc import DisposalServiceServicer

from heed_disposal.application.desk import Desk
from heed_disposal.domain.document_fields import values_of
from heed_disposal.domain.documents import DocumentKind, Templates, render
from heed_shared.identity import current_caller

Context = grpc.aio.ServicerContext[Any, Any]
LONGEST_HISTORY = 10_000
"""Steps of a case that are read for a document; no case has nearly as many."""


class DocumentRpcs(DisposalServiceServicer):
    """Part of the servicer."""

    _desk: Desk
    _templates: Templates

    async def RenderDocument(
        self, request: pb.RenderDocumentRequest, _context: Context
    ) -> pb.RenderDocumentResponse:
        """Render a document of a case."""
        case = await self._desk.get(current_caller(), request.name)
        steps = await self._desk.reader.steps(case.key, 0, LONGEST_HISTORY)
        kind = DocumentKind(request.kind)
        values = values_of(case, [numbered.step for numbered in steps], kind)
        document = render(self._templates, kind, values)
        return pb.RenderDocumentResponse(
            document=resources.Document(
                kind=request.kind,
                title=document.title,
                text=document.text,
                html=document.html,
                missing_fields=document.missing,
                template=document.template,
            )
        )
