"""The report of a comparison that stands by itself: one HTML file that needs no server, no network and no script.

Here belongs what it says and draws. What is compared and judged comes from core and app/compare_*.py; nothing is
computed here that the Compare page does not show too, but for sentences. "The report" alone means the course report
elsewhere in this tree; this is the write-up.
"""
