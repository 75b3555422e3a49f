"""The trained forecaster: features, network, training, scores; all that needs PyTorch."""
