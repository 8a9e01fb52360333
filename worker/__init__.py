"""The trainer: a separate process that claims runs, trains them and records what happened.

`supervisor` claims runs and watches its children, without torch; `trainer` is such a child, with torch warm;
`train` is the recipe and knows no queue. What a run is belongs in `core`. Never the web, and never `app`.
"""
