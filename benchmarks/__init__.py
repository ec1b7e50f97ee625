"""Measurements anyone can repeat. Ratios between things measured side by side; a figure alone says little."""
