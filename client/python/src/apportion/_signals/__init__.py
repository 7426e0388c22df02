"""Interprets responses by the signals of a workspace, as docs/signals.md defines it. Nothing here raises: what cannot be read is
absent.
"""  # noqa: D205
