"""The trained forecaster: features, network, training, scores. The only place that needs PyTorch."""
