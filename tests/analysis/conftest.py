from hypothesis import settings

# The first example of a test may load compiled code from disk.
settings.register_profile("compiled", deadline=None)
settings.load_profile("compiled")
