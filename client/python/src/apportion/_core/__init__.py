"""The decisions of a client as functions of now: no clock, no I/O, no threads.

Instants and spans are integers of nanoseconds. The owner of a state serializes the access to it.
"""
