"""The steps from one shape of the changes database to the next."""
