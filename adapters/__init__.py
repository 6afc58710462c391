"""Faces and edges: each parses, calls the door, renders."""
