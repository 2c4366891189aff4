"""Twitter: pictures as Twitter delivers them, with their originals."""
