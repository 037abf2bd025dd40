"""Text of strangers -> text that may be printed on a terminal."""

import unicodedata


def plain(text: str) -> str:
    """Return the text on one line, without control characters: an escape sequence could rule the terminal."""
    return "".join(
        " " if char.isspace() else char for char in text if char.isspace() or unicodedata.category(char)[0] != "C"
    )
