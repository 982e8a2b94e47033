"""Reads data sources: files to tables, tables to rows, rows to problems."""
