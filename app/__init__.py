"""The server: two doors into `core`, pages for people and `/api/v1` for programs, and the command line.

Routes are thin: parse, one call into `core`, answer. What a run is, or may do, is decided in `core`. Never
torch, and never `worker`: the two processes meet in the database only.
"""
