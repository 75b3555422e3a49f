"""Offline commands of the warning service, each on the code that the service itself runs."""
