"""The trained model: its starter corpus, features, network, training and use. The only part with torch."""
