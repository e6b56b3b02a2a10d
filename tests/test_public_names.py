"""A public name is what it was, whatever else of the package is imported (guide, python)."""

import importlib
import json
import pkgutil
import subprocess
import sys

import pytest

import bulkagent

FUNCTIONS = frozenset(
    {
        *("apply", "resume", "revert", "check", "report", "runs", "show"),
        *("doctor", "look", "explain", "bulk"),
    }
)
"""What the package's functions are called, or will be."""

# In a process of its own, because here somebody may have imported any module already.
_LOOK = """
import importlib, inspect, json, pkgutil
import bulkagent

def kinds():
    found = {}
    for name in bulkagent.__all__:
        value = getattr(bulkagent, name)
        kind = "class" if inspect.isclass(value) else "function" if callable(value) else "neither"
        found[name] = [kind, value.__module__]
    return found

for module in pkgutil.walk_packages(bulkagent.__path__, "bulkagent."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
after_imports = kinds()
print(json.dumps(after_imports))
"""


def test_every_public_name_is_a_function_or_a_class_after_every_module_is_imported() -> None:
    """A module that shadows `bulkagent.report` would break `report(...)` (guide, python)."""
    looked = subprocess.run(
        [sys.executable, "-W", "error", "-c", _LOOK], capture_output=True, text=True, check=False
    )
    assert looked.returncode == 0, looked.stderr
    kinds = json.loads(looked.stdout)
    assert set(kinds) == set(bulkagent.__all__)
    for name, (kind, module) in kinds.items():
        assert kind == ("function" if name in FUNCTIONS else "class"), name
        assert module == getattr(bulkagent, name).__module__


def test_no_module_directly_in_the_package_has_the_name_of_a_public_function() -> None:
    """Importing `bulkagent.apply` must never make `apply` a module (guide, python)."""
    modules = {module.name for module in pkgutil.iter_modules(bulkagent.__path__)}
    assert not modules & (FUNCTIONS | set(bulkagent.__all__))


@pytest.mark.parametrize("name", ["ledger", "reports", "run", "settings"])
def test_every_name_that_a_package_imports_late_is_where_it_says(name: str) -> None:
    """And no module of the package has such a name: once imported, the module would be found."""
    package = importlib.import_module(f"bulkagent.{name}")
    found = {each: home for home, names in package._HOMES.items() for each in names}
    assert set(found) == set(package.__all__)
    assert not {module.name for module in pkgutil.iter_modules(package.__path__)} & set(found)
    for each, home in found.items():
        value = getattr(package, each)
        if home.startswith(f"{package.__name__}."):
            assert getattr(value, "__module__", home) == home, each
