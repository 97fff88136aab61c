"""What breaks the API of a Python package.

api.py          two versions read from their sources, and compared
surface.py      what a package promises, walked; definitions.py: two versions of one definition
types.py        annotations, by their text
"""
