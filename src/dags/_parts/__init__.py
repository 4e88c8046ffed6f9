"""Code that db_export and db_import share. scripts/dags.mjs writes it into both shipped files; nothing imports it at run time."""
