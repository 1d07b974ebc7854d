"""The harmless program of `make demo`."""
import math
import platform
import sys

name = sys.argv[1] if len(sys.argv) > 1 else "world"
print("Hello, %s, from Python %s under glass." % (name, platform.python_version()))
print("The square root of 2 is still %.6f." % math.sqrt(2))
