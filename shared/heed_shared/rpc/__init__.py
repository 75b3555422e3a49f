"""The gRPC side of every service: server, interceptor chain, health, and channels to peers."""
