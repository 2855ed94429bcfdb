"""Runs: trainings with a folder of their own, which can be stopped, continued and compared."""
