import inspect

import service.errors
from index import errors
from service.errors import MEANINGS, OURS, USERS_MISTAKE, meaning, slug


def _error_classes() -> set[type[errors.PinciteError]]:
    return {
        kind
        for module in (errors, service.errors)
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, errors.PinciteError)
    }


def test_every_error_has_its_own_entry_in_the_table() -> None:
    assert set(MEANINGS) == _error_classes()


def test_statuses_and_exit_codes_are_those_of_errors() -> None:
    for what in MEANINGS.values():
        assert 400 <= what.status <= 599
        assert what.exit_code in (USERS_MISTAKE, OURS)
        assert what.title[0].isupper()
        assert not what.title.endswith(".")


def test_an_error_of_a_kind_made_later_means_what_its_parent_means() -> None:
    class Lost(errors.UnknownDocument):
        pass

    assert meaning(Lost("x")) == MEANINGS[errors.UnknownDocument]


def test_no_two_errors_have_one_name_on_the_wire() -> None:
    names = [slug(kind) for kind in _error_classes()]
    assert len(set(names)) == len(names)
    assert "unknown-document" in names
