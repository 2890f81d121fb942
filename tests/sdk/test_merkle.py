"""Merkle trees: the published vectors, the RFC's own definition, and proofs of something else."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import merkle
from tests.sdk.merkle_by_the_rfc import root_by_the_rfc

# Of the tests of Certificate Transparency's first log, for the first leaf, the first two, ...
LEAVES = [
    bytes.fromhex(leaf)
    for leaf in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657",
                 "606162636465666768696a6b6c6d6e6f")
]  # fmt: skip
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def made(count: int) -> list[bytes]:
    return [hashlib.sha256(at.to_bytes(4, "big")).digest() for at in range(count)]


def test_root_of_nothing_is_the_hash_of_nothing() -> None:
    assert merkle.root([]).hex() == EMPTY


@pytest.mark.parametrize("count", range(1, 9))
def test_root_is_the_published_one(count: int) -> None:
    assert merkle.root(LEAVES[:count]).hex() == ROOTS[count - 1]


@pytest.mark.parametrize("count", [9, 31, 32, 33, 100, 257])
def test_root_is_that_of_the_rfc(count: int) -> None:
    assert merkle.root(made(count)) == root_by_the_rfc(made(count))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 13, 64, 65])
def test_a_path_proves_its_leaf_at_its_place_alone(size: int) -> None:
    leaves, other = made(size), made(size + 1)[-1]
    root = merkle.root(leaves)
    for index, leaf in enumerate(leaves):
        path = merkle.inclusion(leaves, index)
        proven = [
            (at, of)
            for of in range(size + 2)
            for at in range(-1, size + 2)
            if merkle.is_included(leaf, at, of, path, root)
        ]
        # A path of that length says nothing of how large the tree is where its turns are the same.
        assert (index, size) in proven and {at for at, of in proven if of == size} == {index}
        assert not merkle.is_included(other, index, size, path, root)
        assert not merkle.is_included(leaf, index, size, [*path, root], root)
        assert not path or not merkle.is_included(leaf, index, size, path[:-1], root)
        for at in range(len(path)):
            bent = [*path[:at], other, *path[at + 1 :]]
            assert not merkle.is_included(leaf, index, size, bent, root)


def test_a_node_is_no_leaf() -> None:
    leaves = made(4)
    inner = b"".join(map(merkle.hash_of_leaf, leaves[:2]))
    path = [merkle.root(leaves[2:])]
    assert not merkle.is_included(inner, 0, 2, path, merkle.root(leaves))


@given(st.integers(1, 70), st.data())
def test_a_tree_extends_its_own_beginning_and_no_other(size: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, size))
    leaves = made(size)
    path = merkle.consistency(leaves, first)
    roots = merkle.root(leaves[:first]), merkle.root(leaves)
    assert merkle.is_consistent(first, size, path, *roots)
    at = data.draw(st.integers(0, first - 1))
    rewritten = merkle.root([*leaves[:at], b"another", *leaves[at + 1 : first]])
    assert not merkle.is_consistent(first, size, path, rewritten, roots[1])
    assert not merkle.is_consistent(first, size, path, roots[0], rewritten)
    assert not merkle.is_consistent(first, size, [*path, roots[0]], *roots)
    assert not path or not merkle.is_consistent(first, size, path[:-1], *roots)
    for other in {first - 1, first + 1, size} - {first}:
        if other != size or first != size:
            assert not merkle.is_consistent(other, size, path, *roots)


def test_every_tree_extends_the_empty_one_and_none_a_longer() -> None:
    nothing, three = merkle.root([]), merkle.root(made(3))
    assert merkle.is_consistent(0, 3, [], nothing, three)
    assert merkle.is_consistent(0, 0, [], nothing, nothing)
    assert not merkle.is_consistent(0, 3, [], three, three)
    assert not merkle.is_consistent(0, 3, [three], nothing, three)
    assert not merkle.is_consistent(4, 3, [], three, three)
    assert not merkle.is_consistent(-1, 3, [three], three, three)


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_there_is_no_path_to_a_leaf_that_is_not_there(index: int) -> None:
    with pytest.raises(IndexError):
        merkle.inclusion(made(3), index)


@pytest.mark.parametrize("first", [-1, 0, 4])
def test_there_is_no_path_from_a_tree_that_was_not(first: int) -> None:
    with pytest.raises(IndexError):
        merkle.consistency(made(3), first)
