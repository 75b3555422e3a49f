"""gRPC: messages in, use case, messages out."""
