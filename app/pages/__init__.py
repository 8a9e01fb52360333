"""The HTML door: one module per screen, each with a `router`. Here belongs what a browser sees; no JSON."""
