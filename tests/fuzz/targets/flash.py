"""Flash images: a store starts or is refused, serves only what stands in them, and keeps it over the next mount."""

from contextlib import suppress
from functools import cache

from firmware_sim import factory
from firmware_sim.errors import FlashImageError, StoreDamaged, StoreTooNew
from firmware_sim.flash import WORD
from firmware_sim.store import Store
from tests.firmware_sim.flashes import BOOT, REGION, SMALL, STEPS, flash_of, mounted, raw

from .seeds import joined


def fuzz(data: bytes) -> None:
    """Take one byte for a real image, then patches of it: address, length, bytes."""
    image = _patched(data)
    flash = flash_of(image)
    with suppress(FlashImageError):
        factory.read(flash)
    try:
        store = Store.mount(flash, REGION)
    except (StoreDamaged, StoreTooNew):
        assert raw(flash) == image, "a store that does not start leaves flash as it was"
        return
    values = store.items()
    assert all(value in image for _, value in values), "a value that stands nowhere in flash"
    again = Store.mount(flash, REGION)
    assert (again.items(), again.damage.sentence) == (values, "")


@cache
def _images() -> list[bytes]:
    """Erased flash, and what it held after each of several changes."""
    flash, store = mounted()
    images = [b"\xff" * SMALL.size, raw(flash)]
    for step in STEPS:
        if step is BOOT:
            store = Store.mount(flash, REGION)
        else:
            store.commit(step)
        images.append(raw(flash))
    return images


def _patched(data: bytes) -> bytes:
    images = _images()
    image = bytearray(images[data[0] % len(images)] if data else images[0])
    rest = data[1:]
    while len(rest) > 3:
        address, length = int.from_bytes(rest[:2]) % SMALL.size, rest[2]
        patch = rest[3 : 3 + length][: SMALL.size - address]
        image[address : address + len(patch)] = patch
        rest = rest[3 + length :]
    return bytes(image)


def _patch(address: int, data: bytes) -> bytes:
    return address.to_bytes(2) + bytes([len(data)]) + data


def seeds() -> list[bytes]:
    """Return each image whole, with a page smashed, with zeros, and with another version in its header."""
    last = len(_images()) - 1
    whole = [bytes([index]) for index in range(last + 1)]
    headers = [_patch(SMALL.page_size * page + WORD, b"\x02") for page in REGION.pages(0)]
    zeros = [_patch(SMALL.page_size * page, bytes(SMALL.page_size)) for page in range(SMALL.pages)]
    return [*whole, *(bytes([last]) + patch for patch in (*headers, *zeros)), joined(bytes([last]), zeros[1:7])]
