"""Look at eight bytes at once, as one number."""

import numpy as np

from session_calc.read.scanner.compiled import compiled
from session_calc.read.scanner.layout import Bytes

ONES, TOPS = np.uint64(0x0101_0101_0101_0101), np.uint64(0x8080_8080_8080_8080)
_SPACES, _QUOTES, BACKSLASHES = (ONES * np.uint64(byte) for byte in b' "\\')


@compiled
def eight_at(text: Bytes, at: int) -> np.uint64:
    """Give eight bytes as one number, the first the lowest: the compiler makes it one load."""
    eight, begin = np.uint64(0), np.uint64(at)  # an index with a sign would be looked at for each byte
    for place in range(8):
        eight |= np.uint64(text[begin + np.uint64(place)]) << np.uint64(8 * place)
    return eight


@compiled
def are_same(one: Bytes, at: int, other: Bytes, begin: int, count: int) -> bool:
    """Tell whether so many bytes are the same; of the last eight that are looked at some may stand behind them."""
    for passed in range(0, count, 8):
        differing = eight_at(one, at + passed) ^ eight_at(other, begin + passed)
        if differing != 0 and (count - passed >= 8 or differing << np.uint64(8 * (8 - count + passed)) != 0):
            return False
    return True


@compiled
def behind_plain(text: Bytes, at: int) -> int:
    """Pass over what stands for itself in a string: ASCII without control characters, quotes and backslashes."""
    while True:
        eight = eight_at(text, at)
        # the top bit of a byte is set where it is less than a space, a quote, a backslash or not ASCII; and perhaps in
        # bytes behind one of those, for a difference may borrow
        odd = (eight - _SPACES | (eight ^ _QUOTES) - ONES | (eight ^ BACKSLASHES) - ONES | eight) & TOPS
        if odd != 0:
            lowest = odd & (~odd + np.uint64(1))
            return at + int(((lowest - np.uint64(1)) & ONES) * ONES >> np.uint64(56)) - 1
        at += 8
