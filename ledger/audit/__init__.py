"""Replaying and checking."""
