"""A desk at a running suite: calls its services as the demo identities, for the command line."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Self

import grpc
from google.rpc import error_details_pb2

from heed_local.authority import Authority, make_authority
from heed_local.run_state import RunState
from heed_shared.errors import reason_of, status_of
from heed_shared.rpc.client import TlsFiles, open_channel_for


class Desk:
    """Channels to the suite that runs from one run directory; an async context manager."""

    def __init__(self, run_dir: Path) -> None:
        """Find the running suite.

        Raises:
            NotRunningError: none runs there.
        """
        self.targets = RunState.read(run_dir).targets
        self.authority: Authority = make_authority(run_dir / "authority")
        self._channels: list[grpc.aio.Channel] = []

    def channel(self, service: str, identity: str) -> grpc.aio.Channel:
        """Open a channel that is closed with the desk."""
        authority = self.authority
        tls = TlsFiles(cert=authority.client_certificate, key=authority.client_key, ca=authority.ca)
        token = authority.demo_token(identity)
        self._channels.append(open_channel_for(tls, self.targets[service], token))
        return self._channels[-1]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for channel in self._channels:
            await channel.close()


def in_one_line(error: grpc.aio.AioRpcError) -> str:
    """Say what a service answered: the reason, then the fields or the message."""
    reason = reason_of(error) or error.code().name
    status = status_of(error)
    for detail in status.details if status else ():
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad) and bad.field_violations:
            fields = "; ".join(f"{at.field}: {at.description}" for at in bad.field_violations)
            return f"{reason}: {fields}"
    return f"{reason}: {error.details()}"
