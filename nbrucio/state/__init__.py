"""Memory between runs. Losing any of it costs time only, except where a module says otherwise."""
