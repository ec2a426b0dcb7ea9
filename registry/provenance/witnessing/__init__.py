"""Witnesses: what this one has seen and cosigned, and how logs and other witnesses are asked over HTTP."""
