"""Uploads to an RSE, by rucio-clients in a process of its own."""
