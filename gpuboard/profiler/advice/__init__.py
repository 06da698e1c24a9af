"""Say in plain words what holds a run back, with the evidence and what mending it would gain."""
