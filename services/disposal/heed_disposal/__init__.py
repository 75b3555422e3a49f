"""Disposal (处置): sees every case through to a dated, followed-up answer."""
