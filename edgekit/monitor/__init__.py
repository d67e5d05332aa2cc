"""What is watched beside a class: anomaly, trend, alarm, confidence."""

__all__ = []
