"""Settings of the gRPC library that servers and channels of the suite share."""

MAX_MESSAGE_BYTES = 16 * 1024 * 1024

_BOTH = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
)

SERVER_OPTIONS = (
    *_BOTH,
    # Two processes on one port would share its calls in silence.
    ("grpc.so_reuseport", 0),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_ping_strikes", 5),
    # Clients resolve again and find new replicas; imports in progress get an hour to finish.
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 3_600_000),
)

CLIENT_OPTIONS = (
    *_BOTH,
    ("grpc.enable_retries", 1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 5_000),
)
