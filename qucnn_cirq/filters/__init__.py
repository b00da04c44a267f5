"""What a filter is: its data, its parameters, its circuit and its state vector.

A filter is a unit vector on the n qubits of a patch's register. `Filter.states` is the mathematics
that compiled circuits are tested against. A kind of filter of your own is a subclass of `Filter`,
see there.
"""

from qucnn_cirq.filters.acting import ActingFilter
from qucnn_cirq.filters.ansatz import ENTANGLERS, ROTATIONS, XZAnsatz
from qucnn_cirq.filters.circuit_filter import CircuitFilter
from qucnn_cirq.filters.dual_ansatz import DualAnsatz
from qucnn_cirq.filters.filter import Filter
from qucnn_cirq.filters.fixed import FixedFilter
from qucnn_cirq.filters.preparing import filter_angles, filter_circuit, filter_table
from qucnn_cirq.filters.qcnn_body import QCNNBody
from qucnn_cirq.filters.random_circuit import RandomCircuit
from qucnn_cirq.filters.registry import FILTER_KINDS, filter_from_mapping
from qucnn_cirq.filters.ring_body import RingBody
from qucnn_cirq.filters.unentangled import Unentangled, unentangled
