"""Asks Rucio for DIDs, files, replicas and rules."""
