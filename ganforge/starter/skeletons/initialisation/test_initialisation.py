from ganforge.testing import check_initialisation

from mylab_plugin.initialisation import Orthogonal


def test_orthogonal_is_an_initialisation() -> None:
    check_initialisation(Orthogonal())
