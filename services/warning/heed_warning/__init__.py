"""Warning (预警): daily counts, forecasts and thresholds; it knows cells, never people."""
