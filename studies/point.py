"""Settings of a study, or of one point of a sweep, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import attrs
import numpy as np
from numpy.typing import NDArray

from noise_models import NoiseConfiguration, as_noise, fields
from noise_models.checks import instance_of, only_known_keys, text
from noise_models.fields import field_names, fields_of
from noise_models.files import user_path
from qucnn_cirq.compiler.compilation import compile_convolution
from qucnn_cirq.compiler.program import Program
from qucnn_cirq.compiler.verification import check_own_code
from qucnn_cirq.configuration import read_convolution
from qucnn_cirq.convolution import ConvolutionSpec
from qucnn_cirq.documents import REPORT, TABLES
from qucnn_cirq.engines import as_twirl, make_engine
from qucnn_cirq.engines.collected import measuring
from qucnn_cirq.errors import InputError
from qucnn_cirq.layer import QuantumConvolution
from studies.estimating import circuits_of, mitigation_of
from studies.images import data_digest, images_of
from studies.sweep.study import circuits_digest


def _differing(instance: Any, mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The plain data of an object of settings, the fields that are at their default apart."""
    at_default = {
        each.name for each in fields_of(instance) if each.is_default(getattr(instance, each.name))
    }
    return {key: value for key, value in mapping.items() if key not in at_default}


def absolute_path(key: str, value: object) -> str:
    """Checks the name of a file or folder, and makes it absolute.

    Args:
        key: The name of the setting, for the error.
        value: A text; "~" stands for the home folder.

    Returns:
        The absolute path.

    Raises:
        InputError: If it is no text.
    """
    return str(user_path(key, text(key, value)).absolute())


def convolution_field(default_filter: str | ConvolutionSpec = "trained") -> Any:
    """The field of a study's settings that holds the convolution.

    Args:
        default_filter: As for `read_convolution`; or the whole convolution that is the default.
    """

    def check(key: str, value: object) -> ConvolutionSpec:
        return instance_of(key, value, ConvolutionSpec, "ConvolutionSpec(...)")

    def usual() -> ConvolutionSpec:
        if isinstance(default_filter, ConvolutionSpec):
            return default_filter
        return read_convolution({}, default_filter)

    return fields.checked(check, factory=usual)


def noise_field() -> Any:
    """The field of a study's settings that holds the noise, in any form that `as_noise` takes."""

    def check(key: str, value: Any) -> NoiseConfiguration:
        configuration = as_noise(value).configuration
        if configuration is None:
            raise InputError(
                f"{key} is a noise model of another package: give noise as plain data."
            )
        return configuration

    return fields.checked(check, default=NoiseConfiguration())


def twirl_field(default: str) -> Any:
    """The field of a study's settings that names a twirl, or "none".

    Args:
        default: The name that is the default.
    """

    def check(name: object) -> str:
        as_twirl(str(name))
        return str(name)

    return fields.named(check, default=default)


_FILES = ("data", "device")
"""Settings that may name a file."""


class PlainData:
    """Reads and writes settings that have a `convolution` and a `noise` as three tables.

    Settings are an ``attrs.frozen`` class with fields as of `noise_models.fields`, or a frozen
    dataclass.
    """

    name: ClassVar[str]
    default_filter: ClassVar[str] = "trained"
    takes_measurements: ClassVar[bool] = False
    """Whether it takes encodings besides amplitudes, and measurements in place of overlaps."""

    convolution: ConvolutionSpec
    noise: NoiseConfiguration

    @classmethod
    def study_keys(cls) -> tuple[str, ...]:
        """The keys of the table [study] besides its name."""
        return tuple(name for name in field_names(cls) if name not in TABLES)

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any]) -> Self:
        """Builds the settings from plain data.

        Args:
            mapping: The tables "study", "convolution" and "noise" (a table or a name); what is
                absent takes its default.

        Raises:
            InputError: If a key is unknown or a value not allowed.
        """
        only_known_keys("the configuration", mapping, (*TABLES, REPORT))
        keys = ("name", *cls.study_keys())
        study = dict(only_known_keys("study", mapping.get("study", {}), keys))
        study.pop("name", None)
        table = mapping.get("convolution", {})
        only_known_keys("convolution", table, field_names(ConvolutionSpec))
        study["convolution"] = read_convolution(table, cls.default_filter)
        convolution = study["convolution"]
        for key, is_usual in (
            ("encoding", convolution.has_amplitudes),
            ("measurement", convolution.measurement is None),
        ):
            if not (is_usual or cls.takes_measurements):
                raise InputError(
                    f"convolution.{key} = {getattr(convolution, key).kind!r}: the {cls.name} study "
                    "is about overlaps of patches whose values are amplitudes; leave it out."
                )
        study["noise"] = as_noise(mapping.get("noise")).configuration
        return cls(**study)

    def check_program(self, program: Program) -> None:
        """Refuses circuits that the settings cannot be measured with.

        Args:
            program: The compiled convolution of the point.

        Raises:
            InputError: If a mitigation that runs further circuits does not serve them.
        """
        circuits_of(getattr(self, "mitigation", None), self, program)

    def to_mapping(self) -> dict[str, Any]:
        """All settings as plain data, defaults spelled out."""
        study = {
            key: getattr(self, key) for key in self.study_keys() if getattr(self, key) is not None
        }
        return {
            "study": {"name": self.name, **study},
            "convolution": self.convolution.to_mapping(),
            "noise": self.noise.to_mapping(),
        }

    def to_identity(self) -> dict[str, Any]:
        """The settings that differ from their defaults, as plain data.

        Filters always are among them: which one is the default depends on the study. Of files of
        data and devices there are the names without the folders.
        """
        whole = self.to_mapping()
        study = {key: getattr(self, key) for key in self.study_keys()}
        for key in _FILES:
            if isinstance(study.get(key), str):
                # The same file elsewhere has the same seeds. Contents are compared by digests.
                study[key] = Path(study[key]).name
        usual = ConvolutionSpec().to_mapping()
        convolution = {
            key: value for key, value in whole["convolution"].items() if value != usual.get(key)
        }
        filters = [_differing(each, each.to_mapping()) for each in self.convolution.filter_list]
        return {
            "study": _differing(self, study),
            "convolution": {**convolution, "filters": filters},
            "noise": whole["noise"],
        }


COMPILER_SETTINGS = (
    "layout",
    "loader",
    "gate_set",
    "placement",
    "walkers",
    "infidelity",
    "load_filters",
)
"""Settings that are the compiler's arguments of the same name, in those studies that have them."""


def compiler_options(settings: Any) -> dict[str, Any]:
    """What the compiler is asked for besides the convolution and the device.

    Args:
        settings: Those of a point. With ``infidelity = "auto"`` its noise is weighed.
    """
    options = {key: getattr(settings, key) for key in COMPILER_SETTINGS if hasattr(settings, key)}
    return {**options, "noise": settings.noise if options.get("infidelity") == "auto" else None}


def program_of(settings: Any) -> Program:
    """The compiled convolution of a point.

    Args:
        settings: Its settings: convolution and device, and any of `COMPILER_SETTINGS`.

    Raises:
        InputError: If it cannot be compiled, or code of the user's own makes circuits that are
            wrong.
    """
    program = compile_convolution(
        settings.convolution, settings.device, **compiler_options(settings)
    )
    check_own_code(program)
    return program


def program_and_images(settings: Any) -> Mapping[str, str]:
    """What decides a point's outcome besides its settings: its circuits and its images.

    Args:
        settings: As for `program_of`, and those that name images, see `images_of`.
    """
    images = data_digest(*images_of(settings), settings.convolution)
    return {"circuits": circuits_digest(lambda: program_of(settings)), "images": images}


def exact_layer(
    settings: Any,
    parameters: NDArray[np.float64],
    shots: int | None,
    seed: int,
    run: int = 0,
) -> QuantumConvolution:
    """The layer of a point on the exact engine, which only predicts where counts are handed out.

    Args:
        settings: As for `program_of`, and the noise.
        parameters: Angles, shape (filters, parameters).
        shots: Shots of each circuit; None for exact means.
        seed: Seed of the shots.
        run: As for `noise_of_run`.
    """
    noise = as_noise(noise_of_run(settings, run))
    mitigated = hasattr(settings, "mitigation")
    mitigation = mitigation_of(settings, noise, seed) if mitigated else None
    return QuantumConvolution(
        program_of(settings),
        engine=measuring(make_engine("exact")),
        noise=noise,
        shots=shots,
        seed=seed,
        parameters=parameters,
        mitigation=mitigation,
    )


def noise_of_run(
    settings: Any, run: int = 0, other: NoiseConfiguration | None = None
) -> NoiseConfiguration:
    """The noise of a point's runs, in which drift has the realisation of the repetition.

    Points that differ in anything but `seed` and `repeat` see the same drift, so that they can be
    compared pair by pair; repetitions see another one.

    Args:
        settings: Those of a point, its noise among them.
        run: Number of the run, for points with several that do not take place at the same time.
        other: Noise in place of the point's.
    """
    noise: NoiseConfiguration = settings.noise if other is None else other
    if noise.drift is None or noise.drift.realisation is not None:
        return noise
    words = [getattr(settings, "seed", 0), getattr(settings, "repeat", 0), run]
    # A whole number as settings take it, below 2^63.
    number = int(np.random.SeedSequence(words).generate_state(1, np.uint64)[0]) >> 1
    return attrs.evolve(noise, drift=attrs.evolve(noise.drift, realisation=number))


def layer_seed(seed: np.random.SeedSequence) -> int:
    """The seed of a layer's shots.

    Args:
        seed: That of the point, or a part of it.
    """
    return int(seed.generate_state(1, np.uint64)[0])


@attrs.frozen
class AnsatzPoint(PlainData):
    """Settings of a point whose filter has angles.

    Attributes:
        device: Name of the device to compile for.
        gate_set: The native two-qubit gate; None takes the device's first.
        seed: Seed of all random draws besides those that derive from the point, at least 0.
        repeat: Number of the repetition, at least 0: other angles and other shots.
        check_fraction: Fraction of the points, chosen by their identity, of which some circuits
            are run again on qsim, within 0..1. Points that run none are not checked.
        check_patches: How many circuits of each filter of such a point.
        check_shots: Shots of each, at least 10.
        convolution: The convolution; without filters, an ansatz of three layers.
        noise: The noise.
    """

    default_filter: ClassVar[str] = "ansatz"

    device: str = fields.text(default="willow_pink")
    gate_set: str | None = fields.text(beside=(None,), default=None)
    seed: int = fields.whole(0, default=0)
    repeat: int = fields.whole(0, default=0)
    check_fraction: float = fields.real(0.0, 1.0, default=0.05)
    check_patches: int = fields.whole(0, default=2)
    check_shots: int = fields.whole(10, default=400)
    convolution: ConvolutionSpec = convolution_field("ansatz")
    noise: NoiseConfiguration = noise_field()

    def __attrs_post_init__(self) -> None:
        if self.convolution.n_parameters == 0:
            raise InputError(
                f"the {self.name} study needs filters with angles: set convolution.filters, such "
                "as to {kind = 'ansatz', layers = 3}."
            )
        if self.convolution.backward:
            raise InputError(
                "convolution.backward is chosen by the method of the gradient: leave it out."
            )
