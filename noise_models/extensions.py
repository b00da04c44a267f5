"""Objects of a user's own, by the name of their module or the path of their file.

Code is imported here and nowhere else, and only for a name that the user wrote: in a call, in a
configuration or on the command line. What was stored in a file imports nothing, see
`reading_stored`.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import logging
import sys
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

from noise_models.errors import InputError, place_of, shown, words_of
from noise_models.sources import OWN_PACKAGES, digest_of_sources

_LOGGER = logging.getLogger(__name__)

_NAMED: set[str] = set()
"""Names that the user wrote in this process and that were imported for it."""
_DIGESTS: dict[str, str] = {}
"""The digests of the sources of modules, by name, as they were when these were first asked for: a
process that goes on with code that was changed since must not say that it is the new one."""
_READING_STORED: ContextVar[bool] = ContextVar("reading what was stored", default=False)


class NotNamedError(InputError):
    """Something stored needs an object of the user's own that the user has not named yet."""


class FailedCodeError(InputError):
    """Code of the user's own raised what it should not; see `users_code`."""


@contextlib.contextmanager
def reading_stored() -> Iterator[None]:
    """While what was stored in files is read: names in it are found, but nothing is imported.

    Whoever wrote a program or a folder of results does not decide which code is run. A name that
    the user wrote in the same process before is found as always.
    """
    token = _READING_STORED.set(True)
    try:
        yield
    finally:
        _READING_STORED.reset(token)


def is_reading_stored() -> bool:
    """Whether what is being read was stored; see `reading_stored`."""
    return _READING_STORED.get()


def load_object(what: str, name: str) -> object:
    """Imports what ``module:attribute`` or ``path/to/file.py:attribute`` names.

    Args:
        what: What the object should be, in the singular, for messages ("engine").
        name: The name. A path counts from the working directory; its file is imported once.

    Returns:
        The attribute, whatever it is.

    Raises:
        InputError: If the name has no such form, or the module or the attribute cannot be had.
        NotNamedError: If it comes from something stored, and the user has not named it.
    """
    place, _, attribute = name.rpartition(":")
    if not place or not attribute:
        raise InputError(
            f"{what} = {shown(name)} has nothing on one side of its colon: write "
            "module:attribute or path/to/file.py:attribute."
        )
    where = f"{what} = {shown(name)}"
    if is_reading_stored() and name not in _NAMED:
        raise NotNamedError(
            f"{where} stands in a stored file, for which nothing is imported: name it yourself "
            "before, in this process."
        )
    module = load_module(where, place)
    try:
        found: object = getattr(module, attribute)
    except AttributeError:
        raise InputError(
            f"{where}: {shown(place)} has no attribute {shown(attribute)}; write the name of "
            f"what it defines as {what}."
        ) from None
    except Exception as error:
        raise _failed(where, place, error) from error
    _NAMED.add(name)
    # Now, while the file is the one that was imported.
    source_digest(found)
    return found


@contextlib.contextmanager
def users_code(what: str) -> Iterator[None]:
    """While code of the user's own is run: whatever it raises is told as the user's to mend.

    Args:
        what: Whose code it is, for the message ("noise.mine").

    Raises:
        FailedCodeError: In place of any exception that is no `InputError`.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Exception as error:
        raise FailedCodeError(
            f"{what} raises {type(error).__name__}: {words_of(error)} in {place_of(error)}; mend "
            "it there, or leave it out."
        ) from error


def load_entry_point(what: str, entry: EntryPoint) -> object:
    """Imports what an installed package offers.

    Args:
        what: What the object should be, in the singular, for messages.
        entry: The entry point, whose value has the form ``module:attribute``.

    Returns:
        The attribute, whatever it is.

    Raises:
        InputError: As `load_object` does.
    """
    try:
        return load_object(what, entry.value.replace(" ", ""))
    except InputError as error:
        # Of its own kind: what a stored file names is told from what is wrong.
        told = f"{what} {shown(entry.name)} of an installed package: {error}"
        raise type(error)(told) from error


def comes_with_project(member: object) -> bool:
    """Whether a class, a function or an object's class is defined in a package of this project.

    Args:
        member: The class, function or object.
    """
    return _module_of(member).partition(".")[0] in OWN_PACKAGES


def source_digest(member: object) -> str | None:
    """The SHA-256 of the file that defines a class, a function or an object's class.

    It says whether a result was computed by the same code. Modules beside that file, or in its
    package, which it imports are part of it; see `noise_models.sources.digest_of_sources`.

    Args:
        member: The class, function or object.

    Returns:
        64 hexadecimal digits; None for what comes with this project, and for what was defined
        without a file, as in an interactive session.
    """
    module = _module_of(member)
    if module not in _DIGESTS:
        path = getattr(sys.modules.get(module), "__file__", None)
        if comes_with_project(member) or not path or not Path(path).is_file():
            return None
        _DIGESTS[module] = digest_of_sources(module, Path(path))
    return _DIGESTS[module]


def _module_of(member: object) -> str:
    defined = member if hasattr(member, "__qualname__") else type(member)
    return getattr(defined, "__module__", None) or ""


def load_module(where: str, place: str) -> ModuleType:
    """The module of a name or of a path, imported unless it has been before.

    Args:
        where: What it was named as, for messages ("engine = 'own.py:Mine'").
        place: Its name, or the path of its file, which ends in ".py".

    Returns:
        The module.

    Raises:
        InputError: If there is none, or it fails while it is imported.
    """
    try:
        found = _of_file(place) if place.endswith(".py") else importlib.import_module(place)
    except KeyboardInterrupt:
        raise
    except FileNotFoundError as error:
        if error.filename != place:
            raise _failed(where, place, error) from error
        raise InputError(f"{where}: there is no file {shown(place)} to read it from.") from None
    except ModuleNotFoundError as error:
        if error.name is None or not f"{place}.".startswith(f"{error.name}."):
            raise _failed(where, place, error) from error
        raise InputError(
            f"{where}: no module {shown(error.name)} is installed; a file is named by its path, "
            "path/to/file.py:attribute."
        ) from None
    except BaseException as error:
        # Whatever the user's module does while it is imported, SystemExit included.
        raise _failed(where, place, error) from error
    _LOGGER.debug("%s: code of %s is used", where, found.__file__ or place)
    return found


def _of_file(path: str) -> ModuleType:
    resolved = Path(path).resolve()
    # One name for one file, so that its classes are the same objects however often it is named.
    name = f"_{resolved.stem}_{hashlib.sha256(str(resolved).encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    if not resolved.is_file():
        raise FileNotFoundError(2, "no such file", path)
    spec = importlib.util.spec_from_file_location(name, resolved)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _failed(where: str, place: str, error: BaseException) -> InputError:
    """What is said when a module stops while it is imported: the reason and its line."""
    if isinstance(error, SyntaxError):
        line, reason = error.lineno, error.msg
    else:
        line, reason = None, words_of(error)
        for frame in traceback.extract_tb(error.__traceback__):
            # The last line of the module itself: what it calls is not the user's to mend.
            if frame.name == "<module>" and "importlib" not in frame.filename:
                line = frame.lineno
    at = "" if line is None else f" in line {line}"
    return InputError(
        f"{where}: {shown(place, 60)} fails{at} when imported: {type(error).__name__}: {reason}"
    )
