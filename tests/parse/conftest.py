"""Examples take the time that a busy machine gives them: each property here is tried without a deadline."""

from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
