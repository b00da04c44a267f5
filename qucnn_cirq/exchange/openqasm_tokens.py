"""The text of an OpenQASM file as a row of tokens, and what is wrong at one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>"[^"\n]*"|'[^'\n]*')
    |(?P<number>0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<name>[^\W\d]\w*|\$\d+)
    |(?P<symbol>->|==|!=|<=|>=|&&|\|\||\*\*|\+\+|.)""",
    re.VERBOSE | re.DOTALL,
)


Token = tuple[str, str, int]
"""Its kind, its text, and where it begins."""


class Refused(Exception):
    """What is wrong with the current statement."""


def shown(text: str) -> str:
    """A piece of the file, quoted and short enough for a message.

    Args:
        text: The piece; "" at the end of the file.
    """
    return repr(text if len(text) <= 24 else f"{text[:23]}…") if text else "the end"


class Tokens:
    """A text, how far it is read, and how much work it has asked for.

    Args:
        text: The text of the file.

    Attributes:
        largest: Statements that are carried out, with those of gate definitions and loops, and
            declared bits, at most.
    """

    def __init__(self, text: str, largest: int) -> None:
        self._text = text
        tokens = [
            (match.lastgroup or "", match.group(), match.start())
            for match in _TOKEN.finditer(text)
            if match.lastgroup != "blank"
        ]
        self._tokens: Sequence[Token] = (*tokens, ("end", "", len(text)))
        self._at = self._began = 0
        self._work = 0
        self.largest = largest

    def explain(self, reason: str) -> str:
        """A refusal with the line where it happened.

        Args:
            reason: What is wrong with the statement that is read, a sentence.
        """
        place = self._tokens[min(self._began, len(self._tokens) - 1)][2]
        number = self._text.count("\n", 0, place) + 1
        line = " ".join(self._text[place:].split("\n", 1)[0].split())
        shown = line if len(line) <= 32 else f"{line[:31]}…"
        return f"line {number} ({shown}): {reason}" if line else f"line {number}: {reason}"

    def _peek(self, ahead: int = 0) -> str:
        # Most calls look at the next token, which is there: the last one is never taken.
        place = min(self._at + ahead, len(self._tokens) - 1) if ahead else self._at
        return self._tokens[place][1]

    def _kind(self) -> str:
        return self._tokens[self._at][0]

    def _take(self, *allowed: str) -> str:
        kind, text, _ = self._tokens[self._at]
        if allowed and text not in allowed:
            wanted = " or ".join(repr(each) for each in allowed)
            raise Refused(f"{shown(text)} stands where {wanted} is expected.")
        if kind != "end":
            self._at += 1
        return text

    def _skip(self, text: str) -> bool:
        kind, found, _ = self._tokens[self._at]
        if found != text or kind == "text":
            return False
        self._at += 1
        return True

    def _name(self) -> str:
        if self._kind() != "name":
            raise Refused(f"{shown(self._peek())} stands where a name is expected.")
        return self._take()

    def _many(self, read: Callable[[], Any], end: str) -> list[Any]:
        """What stands between commas, up to a symbol."""
        found: list[Any] = []
        while not self._skip(end):
            if found:
                self._take(",", end)
                if self._tokens[self._at - 1][1] == end:
                    break
            found.append(read())
        return found

    def _pass_over(self) -> None:
        """What `_block` would carry out."""
        depth = 0
        while True:
            text = self._take()
            depth += (text == "{") - (text == "}")
            if self._kind() == "end" and depth:
                raise Refused("a brace is not closed.")
            if depth <= 0 and text in (";", "}", ""):
                return

    def _count(self, amount: int = 1) -> None:
        self._work += amount
        if self._work > self.largest:
            raise Refused(f"the file asks for more than {self.largest:,} operations and bits.")
