"""The tampering matrix: every record, field, table, column, row, block and signature of a release is changed, by an
outsider and by the holder of the key, and an audit must find it."""
