"""What `fastconv bench` runs."""
