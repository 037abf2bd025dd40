"""Offsets -> lag: how many records a consumer group still has before it."""


def lag(end: int | None, committed: int | None) -> int | None:
    """
    Return how many offsets lie between what was committed and the end; 0 when drained.

    None when either is unknown: «never committed» is not «nothing left» and not «everything left» either, for it
    depends on where the group will begin.
    """
    if end is None or committed is None:
        return None
    # The two offsets come from two requests; a commit may land between them.
    return max(0, end - committed)
