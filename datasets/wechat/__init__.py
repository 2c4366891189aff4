"""WeChat: pictures as WeChat delivers them, with their originals."""
