from tests.datasets.fake_registry import registry

__all__ = ["registry"]
