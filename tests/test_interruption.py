"""Ctrl-C and SIGTERM end the program in good order, whoever swallows the first exception."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator

import pytest

from qucnn_cirq.interruption import SIGNALS, check_interruption, handled, interruptible
from studies.sweep.run import stopping


@pytest.fixture(autouse=True)
def hangup_is_heard() -> Iterator[None]:
    """Whether or not the tests themselves were started with `nohup`."""
    earlier = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, earlier)


def test_under_nohup_a_closed_terminal_ends_nothing() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with interruptible():
        os.kill(os.getpid(), signal.SIGHUP)
        check_interruption()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


@pytest.mark.parametrize("number", SIGNALS)
def test_a_swallowed_interrupt_is_not_lost(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in SIGNALS]
    with interruptible():
        check_interruption()
        # Some libraries catch whatever happens while they are imported.
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            check_interruption()
    assert [signal.getsignal(each) for each in SIGNALS] == before
    with interruptible():
        check_interruption()


def test_an_interrupt_in_a_callback_is_raised_again(capsys: pytest.CaptureFixture[str]) -> None:
    class Dropped:
        def __del__(self) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.001)

    before = sys.unraisablehook
    with pytest.raises(KeyboardInterrupt), interruptible():
        own = Dropped()
        del own
        time.sleep(5)
    assert sys.unraisablehook is before
    assert "Traceback" not in capsys.readouterr().err
    with interruptible():
        check_interruption()


def test_a_handler_takes_both_signals_in_the_main_thread_only() -> None:
    heard: list[int] = []
    with handled(lambda number, frame: heard.append(number)):
        for number in SIGNALS:
            os.kill(os.getpid(), number)
    assert heard == list(SIGNALS)

    def elsewhere() -> None:
        with handled(lambda number, frame: heard.append(number)):
            heard.append(0)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert heard == [*SIGNALS, 0]


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_asks_a_sweep_to_stop_and_the_second_ends_it(
    number: signal.Signals,
) -> None:
    notes: list[str] = []
    before = [signal.getsignal(each) for each in SIGNALS]
    with pytest.raises(KeyboardInterrupt), stopping(notes.append, lambda: (2, 41.3)) as stop:
        assert not stop.asked
        os.kill(os.getpid(), number)
        assert stop.asked and len(notes) == 1
        os.kill(os.getpid(), number)
    # Not the first one.
    assert len(notes) == 1
    assert "2 point(s) under way are finished and kept, which takes about 41 s more" in notes[0]
    assert "Ctrl-C again to end at once and lose them alone" in notes[0]
    assert [signal.getsignal(each) for each in SIGNALS] == before
