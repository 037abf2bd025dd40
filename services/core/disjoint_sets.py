"""Things that turn out to be one, and one with others: which of them are the same by now."""

from dataclasses import dataclass
from typing import Self


@dataclass(slots=True, eq=False)
class Node:
    """A node of a forest of disjoint sets (Tarjan, "Efficiency of a good but not linear set union algorithm", 1975)."""

    above: Self | None = None

    def root(self) -> "Node":
        """Return the node that stands for all of the set; the next ones to ask have half the way."""
        node = self
        while (above := node.above) is not None:
            if above.above is not None:
                node.above = above.above
            node = above
        return node

    def unite(self, other: "Node") -> bool:
        """Make two sets one; False if they are already."""
        root, other_root = self.root(), other.root()
        if root is other_root:
            return False
        root.above = other_root
        return True
