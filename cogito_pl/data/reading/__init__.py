"""From the files of a source to problems: folders and files, tables, rows, images."""
