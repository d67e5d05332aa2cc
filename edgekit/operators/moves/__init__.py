"""Operators that move values, rename them or fold away, and compute nothing."""
