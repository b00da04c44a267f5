"""The loaders that there are, by name."""

from __future__ import annotations

from collections.abc import Iterable

from noise_models import extensions
from noise_models.registry import Registry
from qucnn_cirq.circuits.loaders.comparison import Comparison
from qucnn_cirq.circuits.loaders.framed import FramedLoader
from qucnn_cirq.circuits.loaders.line import LineLoader
from qucnn_cirq.circuits.loaders.loader import FloatArray, Loader
from qucnn_cirq.circuits.loaders.multiplexed import MultiplexedLoader
from qucnn_cirq.circuits.loaders.native import NativeLoader
from qucnn_cirq.circuits.loaders.ring_comparison import RingComparison
from qucnn_cirq.circuits.loaders.schmidt import SchmidtLoader
from qucnn_cirq.circuits.loaders.symplectic import SymplecticLoader
from qucnn_cirq.errors import InputError, shown

AUTO = "auto"
"""In place of a name: the loader with the fewest two-qubit gates on the layout's couplers."""


class Loaders(Registry[type[Loader]]):
    """Loaders by name."""

    def __init__(self) -> None:
        super().__init__("loader", Loader, classes=True)
        self._found: dict[type[Loader], str] = {}

    def find(self, name: object, beside: Iterable[str] = ()) -> type[Loader]:
        """The class of a name, as `Registry.find`; `name_of` knows the name then."""
        loader = super().find(name, beside)
        self._found[loader] = str(name)
        return loader

    def name_of(self, loader: type[Loader]) -> str:
        """The name under which a class is found again: registered, or the one it was found by.

        Args:
            loader: A class that is registered, or was found by `find`.

        Raises:
            InputError: If it has none.
        """
        if self.get(loader.name) is loader:
            return loader.name
        if loader not in self._found:
            raise InputError(f"loader {loader.name!r} has no name to find it by: register it.")
        return self._found[loader]

    def _checked(self, what: str, member: object) -> type[Loader]:
        loader = super()._checked(what, member)
        name = getattr(loader, "name", None)
        if not isinstance(name, str) or not name or name == AUTO:
            raise InputError(f"{what} has name = {shown(name)}: give it a text of its own.")
        return loader


LOADERS = Loaders()
"""Classes of loaders by name."""

BUILT_IN: tuple[type[Loader], ...] = (
    SchmidtLoader,
    LineLoader,
    FramedLoader,
    SymplecticLoader,
    NativeLoader,
    MultiplexedLoader,
    Comparison,
    RingComparison,
)
"""The package's own."""

for _loader in BUILT_IN:
    LOADERS.register(_loader.name, _loader)


def made(
    loader: type[Loader], n_qubits: int, gate_set: str, vector: FloatArray | None = None
) -> Loader:
    """A loader of a class, checked.

    Args:
        loader: The class.
        n_qubits: Size of the register, at least 1.
        gate_set: The native two-qubit gate: "cz", "sqrt_iswap" or "syc".
        vector: The filter's real unit vector, shape (2^n_qubits,), for a loader that merges one;
            else None.

    Returns:
        The loader.

    Raises:
        InputError: If it has no form for this size, is not of this size, or raises anything else.
    """
    with extensions.users_code(f"loader {loader.name!r}"):
        if loader.merges_filter and vector is not None:
            found: Loader = loader.for_filter(vector, gate_set)
        else:
            found = loader.for_register(n_qubits, gate_set)
        n_angles = getattr(found, "n_angles", None)
    if not isinstance(found, Loader) or found.n_qubits != n_qubits or not isinstance(n_angles, int):
        raise InputError(
            f"loader {loader.name!r} made {shown(found, 60)} for {n_qubits} qubits: make a loader "
            "with n_qubits of that size and a whole number n_angles."
        )
    return found


def make_loader(name: str, n_qubits: int, gate_set: str = "cz") -> Loader:
    """Builds a loader by name.

    Args:
        name: One of `LOADERS`, or ``module:attribute``.
        n_qubits: Size of the register.
        gate_set: The native two-qubit gate: "cz", "sqrt_iswap" or "syc".

    Raises:
        InputError: If the name is unknown or the loader has no form for this size.
    """
    return made(LOADERS[name], n_qubits, gate_set)
