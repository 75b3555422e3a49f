"""The trained model: starter corpus, features, network, training, use. Only here is torch."""
