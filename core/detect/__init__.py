"""Turn facts into the workspace and its gateway, each with its evidence; pure."""
