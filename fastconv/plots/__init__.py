"""Pictures of results. They need matplotlib, which `pip install "fastconv[plots]"` brings."""
