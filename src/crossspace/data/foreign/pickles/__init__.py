"""An interpreter of pickles that builds containers, numbers, strings and NumPy arrays, and can do nothing else."""
