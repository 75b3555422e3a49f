"""The gRPC contract: convert, call a use case, convert."""
