"""Releases that are made to exhaust, to confuse or to crash whoever audits them."""
