"""From a probe's verdict to what is kept of it, and back to what people read of it."""
