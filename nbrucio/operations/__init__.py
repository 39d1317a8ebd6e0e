"""All operations besides sync and status."""
