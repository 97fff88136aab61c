"""What breaks the API of a Python package.

api.py          two versions read from their sources, and compared
surface.py      what a package promises, walked; classes.py, signatures.py, values.py: one kind of thing each
types.py        annotations, by their text
"""
