"""Faults of disks, of other programs and of environments."""
