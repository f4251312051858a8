"""Speed and memory of ganforge, as ratios within one run: `python -m benchmarks`."""
