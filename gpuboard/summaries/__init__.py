"""What each kind of summary means: its decoder and encoder, one file a kind."""
