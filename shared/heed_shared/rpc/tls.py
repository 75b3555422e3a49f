"""Server credentials that follow their files: a renewed certificate serves the next connection.

Certificates are short-lived and renewed on disk while the service runs. A pair that cannot be read,
because it is being written at this moment, leaves the one in use in force.
"""

from pathlib import Path

import grpc

from heed_shared import logs
from heed_shared.logs import Event
from heed_shared.settings import ServiceSettings

Stamp = tuple[tuple[int, int], ...]


def server_credentials(settings: ServiceSettings) -> grpc.ServerCredentials:
    """Return credentials that demand a client certificate of the authority in the settings."""
    files = _Files((settings.tls_key, settings.tls_cert, settings.tls_ca))
    return grpc.dynamic_ssl_server_credentials(
        files.configuration(),
        files.changed_configuration,  # type: ignore[arg-type]  # gRPC takes None, its stubs do not
        require_client_authentication=True,
    )


class _Files:
    """Key, certificate and authority; gRPC asks on every new connection, from its own threads."""

    def __init__(self, paths: tuple[Path, Path, Path]) -> None:
        self._paths = paths
        self._stamp = self._stamp_now()

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        """Read the files."""
        key, cert, authority = (path.read_bytes() for path in self._paths)
        return grpc.ssl_server_certificate_configuration([(key, cert)], authority)

    def changed_configuration(self) -> grpc.ServerCertificateConfiguration | None:
        """Read the files again if one was replaced; None leaves what is in use."""
        try:
            stamp = self._stamp_now()
            if stamp == self._stamp:
                return None
            configuration = self.configuration()
        except OSError as error:
            logs.failure(Event.CERTIFICATE_UNREADABLE, error)
            return None
        self._stamp = stamp
        logs.info(Event.CERTIFICATE_RENEWED)
        return configuration

    def _stamp_now(self) -> Stamp:
        states = [path.stat() for path in self._paths]
        return tuple((state.st_mtime_ns, state.st_ino) for state in states)
