"""Files of somebody else made into a dataset: read one by one with limits, judged by name and content, resized, split.

Nothing is extracted to the disk, so no name in an archive can lead anywhere. Everything here runs in a child of its own
(worker/import_child.py) with limits on memory, time and files, and knows neither queue nor database.
"""
