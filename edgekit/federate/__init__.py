"""Federated learning: what stays on a device, what leaves it, what is made of it."""
