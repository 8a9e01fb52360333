"""The JSON door, /api/v1: one module per noun, each with a `router`. Shapes at the edge are in schemas.py."""
