"""One page about a trained network."""
