"""Tell people about incidents: decide who is told what, put it into words, and see each message delivered."""
