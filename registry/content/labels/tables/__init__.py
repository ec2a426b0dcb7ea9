"""Labels from tables: CSV, JSON lines, workbooks, lists of CIDs; which columns mean what."""
