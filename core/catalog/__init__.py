"""Tables with one lookup each: agents, dialects, clouds, error phrases and remedies."""
