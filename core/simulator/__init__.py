"""A whole simulated workspace on loopback, with its scenes."""
