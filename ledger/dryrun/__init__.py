"""A draft programme tried on real history: replayed beside the one in force, writing nothing."""
