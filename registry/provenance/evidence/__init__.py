"""Verifying evidence of each kind offline, against trust roots that the auditor chose."""
