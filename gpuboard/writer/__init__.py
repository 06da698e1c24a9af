"""What a training script calls: writers of runs."""
