"""Rules of intake, without any adapter."""
