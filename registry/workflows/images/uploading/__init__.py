"""Files that arrive over HTTP one by one: kept, named, previewed, registered."""
