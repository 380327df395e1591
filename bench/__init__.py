"""Measure a sweep against the bare loops that it is built on; run by hand with `make bench`."""
