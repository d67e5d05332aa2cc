"""The bars of the use cases, a module each: `python -m benchmarks.usecases [name …] [--write]`."""
