"""The stream of frames: however it is split it gives the same, and no garbage costs the next good frame."""

from protocol.framing import DELIMITER, Frame, FrameDecoder, Kind, encode_frame

from .seeds import joined

GOOD = Frame(version=1, kind=Kind.TRANSPORT, counter=7, body=b"a good frame")
MAX_FRAME = 64


def fuzz(data: bytes) -> None:
    """Take one byte for the size of the pieces, and the rest as the stream."""
    size, stream = 1 + data[0] if data else 1, data[1:]
    whole = FrameDecoder(MAX_FRAME).feed(stream)
    decoder = FrameDecoder(MAX_FRAME)
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [found for piece in pieces for found in decoder.feed(piece)] == whole
    for found in whole:
        if isinstance(found, Frame):
            assert FrameDecoder(MAX_FRAME).feed(encode_frame(found)) == [found]
    assert decoder.feed(DELIMITER + encode_frame(GOOD))[-1] == GOOD


def seeds() -> list[bytes]:
    """Return frames of every kind, alone and in a row, cut off and too long."""
    frames = [encode_frame(Frame(version=kind.value > 2, kind=kind, counter=1, body=b"body")) for kind in Kind]
    return [*(b"\x03" + frame for frame in frames), joined(b"\x00", frames), b"\x05" + frames[0][:-4], b"\x09" * 90]
