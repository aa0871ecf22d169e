"""What a person is told in one line instead of a traceback."""


class Sorry(Exception):
    """The start cannot go on; the text says why and what to do. `lines` are shown before it."""

    def __init__(self, text: str, lines: str = "") -> None:
        super().__init__(text)
        self.lines = lines


class Stop(Exception):
    """Ctrl-C, or a polite end asked by a signal."""
