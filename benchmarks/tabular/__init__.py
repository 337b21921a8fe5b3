"""The parts of `benchmarks.tables`: tables, methods, measurements, kept results and what is reported of them."""
