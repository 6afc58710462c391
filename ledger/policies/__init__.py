"""The rules of points: values in, values out, nothing else."""
