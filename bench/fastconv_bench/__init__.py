"""What `fastconv bench` runs: workloads, their contenders, and the machine's own limits to hold them against."""
