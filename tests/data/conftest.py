from tests.data.fake_registry import registry

__all__ = ["registry"]
