"""Reading what options name."""

from __future__ import annotations

from pathlib import Path

from ledger.errors import InputInvalid, ProgrammeInvalid

PROGRAMMES = Path(__file__).parent.parent.parent / "programmes"
"""The programmes that ship."""
_SECRET_BYTES = 32


def programme_text(path: Path) -> str:
    """A programme file, by path or by the name of one that ships.

    Raises:
        ProgrammeInvalid: it is not there, or not text.
    """
    shipped = PROGRAMMES / f"{path.stem}.toml"
    chosen = path if path.is_file() or path.parent != Path() or not shipped.is_file() else shipped
    try:
        return chosen.read_text(encoding="utf-8")
    except FileNotFoundError:
        names = ", ".join(sorted(p.stem for p in PROGRAMMES.glob("*.toml")))
        raise ProgrammeInvalid(f"There is no file `{path}`; these ship: {names}.") from None
    except UnicodeDecodeError as error:
        raise ProgrammeInvalid(f"`{chosen}` is not UTF-8: {error.reason}.") from None


def secret_bytes(text: str) -> bytes:
    """A log secret from hex digits.

    Raises:
        InputInvalid: it is no 64 hex digits.
    """
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(secret) != _SECRET_BYTES:
        raise InputInvalid("A secret is 64 hex digits.", field="secret")
    return secret
