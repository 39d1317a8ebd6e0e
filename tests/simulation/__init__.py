"""One seed, one world: the product's own code on a simulated machine, see `tests.simulation.world`."""
