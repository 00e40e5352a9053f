"""Measured claims: rollouts, exact intervals, result files, and the pages people look at."""
