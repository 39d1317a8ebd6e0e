"""What Rucio knows: DIDs, files, replicas and rules."""
