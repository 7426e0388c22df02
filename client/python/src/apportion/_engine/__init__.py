"""What surrounds the core: clock, calls, one background thread per client, and forks."""
