"""Measurements and heavy proofs; nothing here is imported by the product."""
