"""The worked examples of SPEC.md (11), read from its fenced blocks: what the document shows, a lock has to do."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from protocol.framing import Frame, FrameDecoder


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One block: the value of each name, as written."""

    values: Mapping[str, str]

    def __getitem__(self, name: str) -> bytes:
        return b"".join(self.fields(name))

    def fields(self, name: str) -> list[bytes]:
        """Return the bytes between the blanks."""
        return [_bytes(part) for part in self.values[name].split()]

    def text(self, name: str) -> str:
        """Return a value in quotation marks."""
        return self.values[name].strip('"')

    def number(self, name: str) -> int:
        """Return a big-endian number."""
        return int.from_bytes(self[name], "big")

    def frame(self, name: str) -> Frame:
        """Return the one frame of a piece of the stream."""
        frames = [piece for piece in FrameDecoder().feed(self[name]) if isinstance(piece, Frame)]
        if len(frames) != 1:
            raise ValueError(f"{name} is not one frame")
        return frames[0]

    def exchanges(self) -> Iterator[tuple[str, str]]:
        """Yield the names of each request and its answer."""
        for name in self.values:
            if name.startswith("request_"):
                yield name, name.replace("request", "answer")

    def changed(self, name: str) -> "Example":
        """Return this example with another last digit in the value of `name`."""
        value = self.values[name]
        other = value[:-2] + '?"' if value.endswith('"') else value[:-1] + f"{int(value[-1], 16) ^ 1:x}"
        return Example(values={**self.values, name: other})


def read_examples(document: str) -> dict[str, Example]:
    """Return the blocks of a document by their names."""
    blocks = re.findall(r"^```example name=(\w+)\n(.*?)^```$", document, re.MULTILINE | re.DOTALL)
    if not len(blocks) == len(dict(blocks)) == document.count("```example"):
        raise ValueError("a block is not closed, or has the name of another")
    return {name: Example(values=_values(block)) for name, block in blocks}


@cache
def examples() -> Mapping[str, Example]:
    """Return those of this protocol's document."""
    return read_examples(files("protocol").joinpath("SPEC.md").read_text(encoding="utf-8"))


def _values(block: str) -> dict[str, str]:
    lines = [re.sub(r"(^|  )#.*", "", line) for line in block.splitlines()]
    joined = re.sub(r"\n +", " ", "\n".join(line.rstrip() for line in lines if line.strip()))
    pairs = [line.split(" =", 1) for line in joined.splitlines()]
    if len(pairs) != len({name for name, _ in pairs}):
        raise ValueError("a name comes twice in a block")
    return {name: value.strip() for name, value in pairs}


def _bytes(text: str) -> bytes:
    first, dots, last = text.partition("..")
    return bytes(range(int(first, 16), int(last, 16) + 1)) if dots else bytes.fromhex(text)
