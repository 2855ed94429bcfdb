import pytest

from tests.trainings import everything, fit, trainer


@pytest.fixture(scope="session")
def uninterrupted():
    """What a training that nothing interrupts ends with."""
    training = trainer()
    fit(training)
    return everything(training)
