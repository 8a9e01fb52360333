"""What a network's drawing is made of: stages, solids, links, rows of them, and the SVG they become.

Pure functions of layer specs; a page asks `core.architectures.drawing`, not these.
"""
