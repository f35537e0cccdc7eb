"""CRC-32C (Castagnoli), which Google uses for payloads and the standard library lacks."""

_POLYNOMIAL = 0x82F63B78


def _entry(index: int) -> int:
    for _bit in range(8):
        index = index >> 1 ^ (_POLYNOMIAL if index & 1 else 0)
    return index


_TABLE = [_entry(index) for index in range(256)]


def crc32c(data: bytes) -> int:
    value = 0xFFFFFFFF
    for byte in data:
        value = value >> 8 ^ _TABLE[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF
