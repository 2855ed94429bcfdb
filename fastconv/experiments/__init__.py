"""Many training runs side by side: comparisons, and searches for hyper-parameters."""
