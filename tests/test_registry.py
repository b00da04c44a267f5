"""A registry takes what is of its kind, finds it by name, and says what is wrong in one line."""

from __future__ import annotations

import abc
import hashlib
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from noise_models import registry as registry_module
from noise_models.errors import LONGEST_MESSAGE, InputError, NoiseError
from noise_models.registry import Registry
from qucnn_cirq import errors


class Shape(abc.ABC):
    """The smallest kind of thing."""

    @abc.abstractmethod
    def area(self) -> float:
        """The area."""


class Square(Shape):
    """A member."""

    def area(self) -> float:
        """The area."""
        return 1.0


class Circle(Square):
    """Another member."""


class Outline(Shape):
    """Lacks the method."""


SOURCE = """
from test_registry import Shape

class Triangle(Shape):
    def area(self):
        return 0.5

triangle = Triangle()
"""


@pytest.fixture
def shapes() -> Registry[type[Shape]]:
    registry: Registry[type[Shape]] = Registry("shape", Shape, classes=True)
    registry.register("square", Square)
    registry.register("circle", Circle)
    return registry


@pytest.fixture
def triangle(tmp_path: Path) -> Path:
    path = tmp_path / "triangles.py"
    path.write_text(SOURCE)
    return path


def refusal(registry: Registry[type[Shape]], name: object) -> str:
    with pytest.raises(InputError) as caught:
        registry[name]
    text = str(caught.value)
    assert len(text) <= LONGEST_MESSAGE and "\n" not in text
    return text


def test_there_is_one_root_of_all_errors() -> None:
    assert issubclass(NoiseError, InputError)
    assert errors.InputError is InputError


def test_members_are_found_by_name_in_the_order_of_registration(
    shapes: Registry[type[Shape]],
) -> None:
    assert shapes["square"] is Square
    assert list(shapes) == ["square", "circle"] and len(shapes) == 2
    assert dict(shapes.items()) == {"square": Square, "circle": Circle}
    assert "circle" in shapes and "cube" not in shapes


def test_an_unknown_name_is_answered_with_the_nearest(shapes: Registry[type[Shape]]) -> None:
    text = refusal(shapes, "sqare")
    assert text == "unknown shape 'sqare'. Did you mean 'square'? Known: circle, square."
    assert "unknown shape 3" in refusal(shapes, 3)
    assert "unknown shape ['square']" in refusal(shapes, ["square"])


@pytest.mark.parametrize("name", ["", "two words", "a:b", " a", "a\n", 3, None])
def test_a_name_is_one_word_without_colons(shapes: Registry[type[Shape]], name: str) -> None:
    with pytest.raises(InputError, match="give a word without spaces or colons"):
        shapes.register(name, Square)


def test_a_name_is_given_once_but_a_class_may_be_defined_anew(
    shapes: Registry[type[Shape]],
) -> None:
    shapes.register("square", Square)
    with pytest.raises(InputError, match="'square' is taken by another shape"):
        shapes.register("square", Circle)
    again = type("Square", (Shape,), {"area": Square.area, "__module__": Square.__module__})
    shapes.register("square", again)
    assert shapes["square"] is again


@pytest.mark.parametrize(
    ("member", "words"),
    [
        (Outline, "does not implement area"),
        (Square(), "give a subclass of"),
        (int, "is the class int: give a subclass of"),
        (None, "is None: give a subclass of"),
    ],
)
def test_what_is_of_another_kind_is_refused(
    shapes: Registry[type[Shape]], member: type[Shape], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        shapes.register("mine", member)
    assert "mine" not in shapes


def test_a_registry_of_objects_refuses_classes() -> None:
    objects: Registry[Shape] = Registry("overlap test", Shape)
    square = objects.register("square", Square())
    assert objects["square"] is square
    with pytest.raises(InputError, match="is the class Square: give an object of a subclass of"):
        objects.register("mine", Square)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="taken"):
        objects.register("square", Square())


def test_a_file_of_the_users_own_is_imported_once(
    shapes: Registry[type[Shape]], triangle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = shapes[f"{triangle}:Triangle"]
    assert found().area() == 0.5
    monkeypatch.chdir(triangle.parent)
    assert shapes["triangles.py:Triangle"] is found
    digest = hashlib.sha256(SOURCE.encode()).hexdigest()
    assert shapes.source_digest("triangles.py:Triangle") == digest
    assert list(shapes) == ["square", "circle"]


def test_a_module_of_the_users_own_is_imported_when_asked_for(
    shapes: Registry[type[Shape]], triangle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(triangle.parent))
    assert "triangles" not in sys.modules
    assert shapes["triangles:Triangle"].__name__ == "Triangle"
    del sys.modules["triangles"]


def test_what_comes_with_the_project_has_no_digest() -> None:
    kinds: Registry[type[Exception]] = Registry("error", Exception, classes=True)
    kinds.register("noise", NoiseError)
    assert kinds.source_digest("noise") is None


@pytest.mark.parametrize(
    ("source", "attribute", "words"),
    [
        (SOURCE, "Circle", "has no attribute 'Circle'"),
        (SOURCE, "triangle", "give a subclass of test_registry.Shape"),
        (SOURCE, "", "write module:attribute or path/to/file.py:attribute"),
        ("a = 1\ndef broken(:\n", "a", "fails in line 2 when imported: SyntaxError"),
        ("a = 1\nb = c\n", "a", "fails in line 2 when imported: NameError: name 'c'"),
        ("\n\nint('x')\n", "a", "fails in line 3 when imported: ValueError"),
        ("import no_such_module_at_all", "a", "fails in line 1 when imported: ModuleNotFound"),
        ("raise SystemExit('stop')", "a", "fails in line 1 when imported: SystemExit: stop"),
        ("open('no_such_file')", "a", "fails in line 1 when imported: FileNotFoundError"),
        (None, "a", "there is no file"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(
    shapes: Registry[type[Shape]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str | None,
    attribute: str,
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if source is not None:
        Path("mine.py").write_text(source)
    text = refusal(shapes, f"mine.py:{attribute}")
    assert words in text and "shape = 'mine.py:" in text


def test_a_module_that_is_not_installed_is_said_so(shapes: Registry[type[Shape]]) -> None:
    text = refusal(shapes, "no_such_package.shapes:Mine")
    assert "no module 'no_such_package' is installed" in text and "path/to/file.py" in text
    assert "nothing on one side" in refusal(shapes, ":Mine")


def test_installed_packages_offer_members_by_entry_points(
    shapes: Registry[type[Shape]], triangle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offered(group: str) -> list[EntryPoint]:
        assert group == "qucnn_cirq.shape"
        return [
            EntryPoint("triangle", "triangles:Triangle", group),
            EntryPoint("broken", "triangles:Nothing", group),
        ]

    monkeypatch.syspath_prepend(str(triangle.parent))
    monkeypatch.setattr(registry_module, "entry_points", offered)
    assert shapes["square"] is Square and "triangles" not in sys.modules
    assert shapes["triangle"].__name__ == "Triangle"
    assert "shape 'broken' of an installed package" in refusal(shapes, "broken")
    assert "Did you mean 'triangle'? Known: broken, circle" in refusal(shapes, "triangel")
    del sys.modules["triangles"]
