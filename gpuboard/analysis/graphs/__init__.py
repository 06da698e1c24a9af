"""Turn a graph into what is drawn of it: tree of scopes, layers, places, colours."""
