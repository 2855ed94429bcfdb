"""The engine core: from a traced model to native programs over packed memory, run by a team of threads."""
