"""Results of a sweep as whoever runs it from Python has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from noise_models.files import read_json
from noise_models.writing import atomic_write
from qucnn_cirq.drawing.theme import theme
from qucnn_cirq.errors import InputError
from studies.drawing import About, drawn_of, save_drawn
from studies.files import LARGEST_RESULT, SUMMARY, read_result
from studies.plotting.selection import Where
from studies.plotting.table_figure import Names, TableFigure, plot_table
from studies.report.report import write_report
from studies.runs.notebook import results_html
from studies.sweep import results as stored
from studies.sweep.catalogue import study_of_results
from studies.sweep.job import drawn_from


@dataclass(frozen=True, eq=False, repr=False)
class Results(stored.Results):
    """What a folder of a sweep holds at one moment: its table, raw arrays, figures, and a page."""

    def __repr__(self) -> str:
        state = self.status()
        return f"<Results of {state.study}: {state.done} of {state.points} points, {self.folder}>"

    def _repr_html_(self) -> str:
        return results_html(self)

    def summary(self) -> Mapping[str, Any]:
        """The content of ``summary.json``: points, failures, figures, what was found in words.

        Raises:
            InputError: If the run has not come to its end yet.
        """
        content: dict[str, Any] = read_json(self.folder / SUMMARY, LARGEST_RESULT)
        return content

    def plot(
        self,
        x: str | None = None,
        hue: Names = None,
        facet: Names = None,
        y: str | None = None,
        where: Where | None = None,
        band: str = "interval",
    ) -> Figure:
        """Draws any measured column against any axis, as `qucnn plot --x ... --y ...` does.

        Means are taken over repetitions alone. Axes are logarithmic where positive numbers spread
        over a decade.

        Args:
            x: The axis: any column; the only axis that varies if None.
            hue: The column, or columns, that tell lines apart.
            facet: Those that tell panels apart.
            y: The measured column, of numbers; the only one if None. Rows that lack it are left
                out.
            where: Which rows are drawn: values by column, one or a list, as in
                ``{"shots": [100, 1000]}``; or texts such as "noise.scale<=1".
            band: What bands, and bars at categories, are: "interval", Student's 95 % interval of
                the mean, or "error", its standard error.

        Returns:
            The figure.

        Raises:
            InputError: If there is no such column or value, or a mean would pool anything but
                repetitions.
        """
        return self._plotted(x, hue, facet, y, where, band).figure

    def write_plot(
        self,
        x: str | None = None,
        hue: Names = None,
        facet: Names = None,
        y: str | None = None,
        where: Where | None = None,
        band: str = "interval",
        out: str | Path | None = None,
    ) -> Path:
        """Draws as `plot` and writes PNG, SVG and PDF, and the numbers that are shown as CSV.

        Args:
            x: As for `plot`.
            hue: As for `plot`.
            facet: As for `plot`.
            y: As for `plot`.
            where: As for `plot`.
            band: As for `plot`.
            out: A path without suffix in an existing folder; a name that says what is drawn, in
                the folder of the results, if None.

        Returns:
            The PNG; the other files stand beside it.

        Raises:
            InputError: As of `plot`, or if there is no such folder.
            OSError: If writing fails.
        """
        drawn = self._plotted(x, hue, facet, y, where, band)
        path = self.folder / drawn.name if out is None else _in_existing_folder(Path(out))
        with theme(), drawn_of(self._origin()):
            save_drawn(drawn.figure, drawn.data, path.parent, path.name)
        return path.with_name(f"{path.name}.png")

    def _origin(self) -> About:
        """What the metadata of figures say of these results."""
        try:
            return replace(drawn_from(study_of_results(self.plan.study), self), titled=False)
        except InputError:
            # A study of the user's own that this process has not named.
            return About(source=stored.source_text(self))

    def _plotted(
        self,
        x: str | None,
        hue: Names,
        facet: Names,
        y: str | None,
        where: Where | None,
        band: str,
    ) -> TableFigure:
        table, plan = self.table(), self.plan
        if table.empty:
            raise InputError(f"{self.folder} has no measured points yet: run the study first.")
        return plot_table(
            table,
            plan.axes,
            plan.columns,
            x=x,
            hue=hue,
            facet=facet,
            y=y,
            where=where,
            band=band,
        )

    def findings(self, study: str | None = None) -> list[str]:
        """What was found, in sentences with numbers and intervals, as the report has them.

        Args:
            study: As for `report`.

        Raises:
            InputError: If the study is not known.
        """
        return study_of_results(self.plan.study, study).found(self)

    def report(
        self,
        out: str | Path | None = None,
        study: str | None = None,
        title: str | None = None,
        author: str | None = None,
    ) -> Path:
        """Writes one self-contained HTML page, as `qucnn report` does.

        Args:
            out: A file that takes a copy of the page, for results in a temporary place.
            study: The name of the study, if it is one of the user's own that this process has
                not named.
            title: The title of the page; that of the configuration if None.
            author: Who wrote it; as the configuration says if None.

        Returns:
            The page: ``report.html`` in the folder of the results, or the copy.

        Raises:
            InputError: If the study is not known, or there is no folder for the copy.
            OSError: If writing fails.
        """
        page = write_report(self.folder, study, title, author)
        if out is None:
            return page
        copy = _in_existing_folder(Path(out))
        with atomic_write(copy) as file:
            file.write(read_result(page))
        return copy


def _in_existing_folder(path: Path) -> Path:
    if not path.parent.is_dir():
        raise InputError(f"out = {path}: there is no folder {path.parent}; create it first.")
    return path


def read_results(folder: str | Path) -> Results:
    """What a folder holds, whoever put it there.

    Args:
        folder: A folder that `qucnn study` or `studies.run` wrote.

    Raises:
        InputError: If the folder holds no sweep, or a file of it is damaged.
    """
    return Results(**vars(stored.read_results(Path(folder))))
