"""From a folder, a table, a CAR or a CID to labeled rows; and the same sent to another server."""
