"""The forward study as the command line knows it."""

from studies.forward.configuration import ForwardStudy
from studies.forward.job import run_forward
from studies.forward.results import summary_text
from studies.kind import Kind

KIND = Kind(
    keys=ForwardStudy.study_keys(),
    read=ForwardStudy.from_mapping,
    run=run_forward,
    text=summary_text,
)
