"""REST under ``/nbrucio/``, one module for each section of the panel."""
