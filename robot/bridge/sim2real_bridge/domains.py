"""The one switch over domains.

What belongs here: which simulators there are and what each module must offer. What does not: anything of one of
them. A domain's module is imported only when it is chosen, because each needs packages that others must not have.
"""

import contextlib
import importlib
import types

from . import BridgeError

# By name, the lock that installs what it needs, in robot/bridge.
DOMAINS = {
    "calibration": "requirements.lock",
    "kitchen": "requirements.lock",
    "metaworld": "requirements.lock",
    "rgb_stacking": "requirements-rgb_stacking.lock",
}
OFFERS = (
    "TASKS",
    "DEFAULT_TASK",
    "PRESETS",
    "DEFAULT_PRESET",
    "EXPERTS",
    "CAMERAS",
    "DEFAULT_CAMERA",
    "build",
    "place",
)
DEFAULT_VIEW = "default"  # a camera of this name is every domain's: its DEFAULT_CAMERA where it has none so called


class DomainError(BridgeError):
    """A domain that cannot be had here; the text names it and the remedy."""


def load(name: str) -> types.ModuleType:
    """The module of a domain, a name of DOMAINS, holding all of OFFERS. Raises DomainError.

    TASKS, PRESETS and EXPERTS are names, or mappings by name; CAMERAS maps names to render.Camera or
    render.FixedCamera; build(task) is a domain.Domain; place(model, data, snapshot) puts a copy of its model, with data
    of its own, as a snapshot of it says, cameras and lights included.
    """
    _silence_notifications()
    try:
        module = importlib.import_module(f".{name}", __package__)
    except ImportError as err:
        why = str(err).splitlines()[0]
        lock = DOMAINS[name]
        remedy = f"use build/venv-{name}/bin/python, which make setup makes, or pip install -r robot/bridge/{lock}"
        raise DomainError(f"--domain {name}: {why}: {remedy}") from err
    if missing := [offer for offer in OFFERS if not hasattr(module, offer)]:
        raise DomainError(f"--domain {name}: its module lacks {', '.join(missing)}: mend {module.__file__}")
    return module


def cameras(module: types.ModuleType) -> dict:
    """The cameras of a domain by name, DEFAULT_VIEW always among them."""
    return {DEFAULT_VIEW: module.CAMERAS[module.DEFAULT_CAMERA]} | dict(module.CAMERAS)


def _silence_notifications() -> None:
    """Printed when some simulators are imported, about environments that are not used here."""
    with contextlib.suppress(ImportError):
        import farama_notifications

        farama_notifications.notifications.clear()
