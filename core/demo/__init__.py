"""The demo: the outage played step by step on a simulated workspace, by what the product itself does."""
