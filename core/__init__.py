"""What a run is: architectures, datasets, run configs, the queue, its tables and what they record.

Here belongs all that the server and the worker must agree on. Here belongs nothing of the web (fastapi,
starlette) and nothing that computes with weights (torch): `app` and `worker` import `core`, never the reverse.
"""
