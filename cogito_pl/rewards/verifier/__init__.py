"""Verifiers: one file per kind of answer; `parsing` reads answers, and imports nothing from here."""
