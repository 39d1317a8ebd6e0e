"""nbrucio against its peers, side by side on the same server and the same bytes, as ratios."""
