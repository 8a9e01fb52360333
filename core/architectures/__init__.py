"""Networks as data: layer specs, what they cost, and the families that make them.

Neither torch nor the web nor the database belongs here.
"""
