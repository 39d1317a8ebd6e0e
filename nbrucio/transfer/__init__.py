"""Downloads files into the store: from each file's replicas, with the protocol that each replica needs."""
