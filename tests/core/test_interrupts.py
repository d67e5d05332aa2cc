"""An interrupt waits until a library is whole, and is not lost."""

import os
import signal

import pytest

from edgekit.core.interrupts import defer_interrupt


@pytest.fixture
def listening():
    """A process that a shell started in the background ignores interrupts; this one is to hear them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_comes_after_what_must_not_be_half_done(capsys, listening):
    before, done = signal.getsignal(signal.SIGINT), []

    def interrupted():
        with defer_interrupt("TensorFlow is loading"):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)
            done.append(True)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert done
    assert signal.getsignal(signal.SIGINT) is before
    assert capsys.readouterr().err.count("TensorFlow is loading: stops when that is done") == 1


def test_without_an_interrupt_nothing_is_said(capsys):
    with defer_interrupt("x"):
        pass
    assert capsys.readouterr().err == ""
