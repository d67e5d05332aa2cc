"""Files of sensors, sound and pictures as samples."""

__all__ = []
