"""Write what was found about a trace to a terminal, a file of its own, or JSON."""
