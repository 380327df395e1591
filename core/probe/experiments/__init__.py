"""The follow-up experiments: what to ask next, where, and what the answers leave standing."""
