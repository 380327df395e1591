"""What other programs read of the dashboard: documents and badges made of a snapshot; pure."""
