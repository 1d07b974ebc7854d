"""Name and version.

Its own file because pysandbox's programs show them from here.
Changes when: a version is released.
"""

PACKAGE = "belljar-pysandbox"
VERSION = "0.1.0"
LICENSE = "Apache-2.0"
