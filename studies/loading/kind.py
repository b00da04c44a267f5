"""The loading study as the command line knows it."""

from studies.kind import Kind
from studies.loading.configuration import LoadingStudy
from studies.loading.job import run_loading, summary_text

KIND = Kind(
    keys=LoadingStudy.study_keys(),
    read=LoadingStudy.from_mapping,
    run=run_loading,
    text=summary_text,
)
