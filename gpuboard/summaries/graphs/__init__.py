"""Read graphs of models, whoever wrote them, into one form."""
