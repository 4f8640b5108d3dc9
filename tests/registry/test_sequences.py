"""Any sequence of changes does what a list of numbers says it should."""

import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from automl.exceptions import UsageError
from automl.registry import Registry

CHANGES = st.one_of(
    st.just(("add",)),
    st.tuples(st.just("promote"), st.integers(1, 6)),
    st.just(("rollback",)),
    st.tuples(st.just("prune"), st.integers(1, 3)),
    st.just(("reopen",)),
)


class Plain:
    """A registry as lists of numbers; those that served are kept in their order."""

    def __init__(self):
        self.there, self.served, self.added, self.changes = [], [], 0, 0

    def add(self):
        self.added += 1
        self.there.append(self.added)
        return True

    def promote(self, number):
        if number not in self.there:
            return None
        if self.served[-1:] == [number]:
            return False
        self.served = [n for n in self.served if n != number] + [number]
        return True

    def rollback(self):
        if len(self.served) < 2:
            return None
        self.served.pop()
        return True

    def prune(self, keep):
        gone = set(self.there[:-keep]) - set(self.served[-2:])
        self.there = [n for n in self.there if n not in gone]
        self.served = [n for n in self.served if n not in gone]
        return bool(gone)


def change(registry, name, values, model):
    if name == "add":
        registry.add(model, {"n": 1})
    else:
        getattr(registry, name)(*values)


@settings(max_examples=30, deadline=None)
@given(changes=st.lists(CHANGES, max_size=15))
def test_a_registry_is_what_was_done_to_it(changes, model):
    with tempfile.TemporaryDirectory() as folder:
        registry, plain = Registry.open(folder, create=True), Plain()
        for name, *values in changes:
            if name == "reopen":
                registry = Registry.open(folder)
                continue
            changed = getattr(plain, name)(*values)
            try:
                change(registry, name, values, model)
                assert changed is not None
            except UsageError:
                assert changed is None
            plain.changes += bool(changed)
            current, before = registry.current, registry.before
            assert [v.number for v in registry.versions()] == plain.there
            assert [v and v.number for v in (before, current)] == ([None] * 2 + plain.served)[-2:]
            assert len(registry.history()) == plain.changes
            assert current is None or current.read() == model.read_bytes()
