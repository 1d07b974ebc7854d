"""What the jail sees of this package: this directory, and nothing above it.

Its own file because it makes the directory a package.
Changes when: never.
"""
