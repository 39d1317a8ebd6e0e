"""Downloads: from each file's replicas, by the protocol that each needs, into the store."""
