"""Tables of figures as text, from metrics/ and studies/; scripts/tables.py puts them in place."""
