"""Keys of personal data: each petition has a data key of its own, wrapped by a key of a ring.

AES-256-GCM throughout. Every ciphertext is bound to the petition and the column it belongs to, so
that none can be moved to another row. New petitions use the ring's current key; older ones stay
readable as long as their key is in the ring. Deleting the wrapped key of a petition erases it.
"""

import hashlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_KEY_BYTES = 32
_NONCE_BYTES = 12
_LARGEST_KEY_ID = 64


class KeyRingError(Exception):
    """The key ring cannot be used; the text names the file and the fault, never a key."""


class UndecipherableError(Exception):
    """A ciphertext is damaged, in the wrong place, or its key is not in the ring."""


@dataclass(frozen=True)
class WrappedKey:
    """A data key as it is stored."""

    key_id: str
    wrapped: bytes


class DataKey:
    """The key of one petition, unwrapped."""

    def __init__(self, uid: UUID, key: bytes) -> None:
        self._uid = uid.bytes
        self._key = key
        self._cipher = AESGCM(key)

    def encrypt(self, column: str, plaintext: bytes) -> bytes:
        """Return nonce and ciphertext, bound to the petition and ``column``."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plaintext, self._uid + column.encode())

    def decrypt(self, column: str, ciphertext: bytes) -> bytes:
        """Return the plaintext of ``encrypt``.

        Raises:
            UndecipherableError: it is not this petition's, not this column's, or damaged.
        """
        return _opened(self._cipher, ciphertext, self._uid + column.encode())

    def wrapped_by(self, ring: "KeyRing") -> WrappedKey:
        """Return this key wrapped by the current key of ``ring``."""
        return ring.wrap(self._uid, self._key)


class KeyRing:
    """The wrapping keys of one lane."""

    def __init__(self, current: str, keys: dict[str, bytes], path: Path | None = None) -> None:
        self._path = path
        self._stamp = _stamp(path) if path is not None else (0, 0)
        self._take(current, keys)

    def _take(self, current: str, keys: dict[str, bytes]) -> None:
        self.current = current
        # Enough to compare rings by, and of no use to anyone else.
        self.digests = {hashlib.sha256(key).digest() for key in keys.values()}
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a ring: JSON with ``current`` and ``keys``, a map of ids to hexadecimal digits.

        Raises:
            KeyRingError: the file cannot be used.
        """
        return cls(*_read(path), path)

    def refresh(self) -> bool:
        """Read the file again if it was changed; says whether it was.

        Raises:
            KeyRingError: the file cannot be used; the known keys stay in force.
        """
        if self._path is None or (stamp := _stamp(self._path)) == self._stamp:
            return False
        self._take(*_read(self._path))
        self._stamp = stamp
        return True

    def shares_a_key_with(self, other: "KeyRing") -> bool:
        """Say whether a key is in both rings."""
        return not self.digests.isdisjoint(other.digests)

    def new_key(self, uid: UUID) -> tuple[DataKey, WrappedKey]:
        """Return a fresh data key for a petition, and how to store it."""
        key = secrets.token_bytes(_KEY_BYTES)
        return DataKey(uid, key), self.wrap(uid.bytes, key)

    def wrap(self, uid: bytes, key: bytes) -> WrappedKey:
        """Return a data key wrapped by the current key."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        wrapped = nonce + self._ciphers[self.current].encrypt(nonce, key, uid)
        return WrappedKey(self.current, wrapped)

    def unwrap(self, uid: UUID, stored: WrappedKey) -> DataKey:
        """Return the data key of a petition.

        Raises:
            UndecipherableError: the wrapping key is not in the ring, or the key is another's.
        """
        cipher = self._ciphers.get(stored.key_id)
        if cipher is None:
            raise UndecipherableError(f"key {stored.key_id!r} is not in the ring")
        return DataKey(uid, _opened(cipher, stored.wrapped, uid.bytes))

    def encrypt(self, purpose: bytes, plaintext: bytes) -> bytes:
        """Return a ciphertext that carries the id of its key; for records without a petition."""
        key_id = self.current.encode()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._ciphers[self.current].encrypt(nonce, plaintext, purpose)
        return bytes([len(key_id)]) + key_id + nonce + sealed

    def decrypt(self, purpose: bytes, ciphertext: bytes) -> bytes:
        """Return the plaintext of ``encrypt``.

        Raises:
            UndecipherableError: it is damaged, meant for something else, or its key is gone.
        """
        end = 1 + ciphertext[0]
        cipher = self._ciphers.get(ciphertext[1:end].decode())
        if cipher is None:
            raise UndecipherableError("the key is not in the ring")
        return _opened(cipher, ciphertext[end:], purpose)


def _opened(cipher: AESGCM, ciphertext: bytes, bound_to: bytes) -> bytes:
    try:
        return cipher.decrypt(ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError) as error:
        raise UndecipherableError("damaged or in the wrong place") from error


def _read(path: Path) -> tuple[str, dict[str, bytes]]:
    """Return the current key's id and all keys of a file, or raise KeyRingError."""
    try:
        data = json.loads(path.read_text("utf-8"))
        keys = {str(key_id): bytes.fromhex(digits) for key_id, digits in data["keys"].items()}
        current = str(data["current"])
    except OSError as error:
        raise KeyRingError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        # The cause would quote the text of the file.
        problem = f'{path}: must be {{"current": id, "keys": {{id: hexadecimal digits}}}}'
        raise KeyRingError(problem) from None
    if current not in keys:
        raise KeyRingError(f"{path}: the current key {current!r} is not among the keys")
    for key_id, key in keys.items():
        if len(key) != _KEY_BYTES or not 0 < len(key_id.encode()) <= _LARGEST_KEY_ID:
            raise KeyRingError(f"{path}: key {key_id!r} must have {_KEY_BYTES} bytes")
    return current, keys


def _stamp(path: Path) -> tuple[int, int]:
    try:
        state = path.stat()
    except OSError:
        # Between the two halves of a replacement; the next look finds it.
        return (0, 0)
    return state.st_mtime_ns, state.st_ino
