import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ganforge.errors import RecipeError
from ganforge.recipe.nodes import Origin
from ganforge.recipe.yaml import MAX_BYTES, dump, parse

FILE = Path("x.yaml")


def read(text: str):
    return parse(text, lambda line, column: Origin(FILE, line, column))


def complaints(text: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-4", 1e-4),
        ("1", 1),
        ("-7", -7),
        ("+7", 7),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("0b11", "0b11"),
        (".5", 0.5),
        ("1.", 1.0),
        ("-.inf", float("-inf")),
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("True", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("2024-01-01", "2024-01-01"),
        ("1:30", "1:30"),
        ("'1'", "1"),
        ('"null"', "null"),
        ("C:\\x", "C:\\x"),
    ],
)
def test_plain_text_means_what_yaml_1_2_says(text, value):
    result = read(f"a: {text}").plain()["a"]
    assert result == value and type(result) is type(value)


def test_nodes_know_where_they_stand():
    root = read("a:\n  b: 1\n  c: [2, {d: 3}]\n")
    assert str(root.place(("a", "b"))) == "x.yaml:2:6"
    assert str(root.key_place(("a", "b"))) == "x.yaml:2:3"
    assert str(root.place(("a", "c"))) == "x.yaml:3:3"
    assert str(root.place(("a", "c", 1))) == "x.yaml:3:10"
    assert str(root.place(("a", "c", 1, "d"))) == "x.yaml:3:14"
    assert str(root.place(("a", "nowhere", "to", 3))) == "x.yaml:1:1"
    assert str(root.leaf_origin(("a", "nowhere"))) == "default"


def test_every_fault_of_the_document_is_told_at_once_with_its_place():
    text = (
        "a: 1\na: 2\nb: !!python/object/apply:os.system x\nc: !mine [1]\n"
        "? [d]\n: 3\n<<: {}\n1.5: 3\ne: *nobody\n'a': 4\n"
    )
    assert complaints(text) == [
        "x.yaml:2:1 the key 'a' is given twice, first at 1:1.",
        "x.yaml:3:4 the tag '!!python/object/apply:os.system' is not allowed: recipes are plain data.",
        "x.yaml:4:4 the tag '!mine' is not allowed: recipes are plain data.",
        "x.yaml:5:3 a key must be text: put it in quotes.",
        "x.yaml:7:1 merge keys ('<<') are not part of YAML 1.2. Write the keys out.",
        "x.yaml:8:1 a key must be text: put it in quotes.",
        "x.yaml:9:4 the alias '*nobody' stands for nothing that is complete before it.",
        "x.yaml:10:1 the key 'a' is given twice, first at 1:1.",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\n---\nb: 2", "x.yaml:2:1 a second document starts here, but a recipe is one document."),
        ("a: &b [*b]", "x.yaml:1:8 the alias '*b' stands for nothing that is complete before it."),
        ("a: b: c", "x.yaml:1:5 a ': ' stands where no key can be. Quote the text, or check the indent."),
        ("a:\n\tb: 1", "x.yaml:2:1 a tab stands where only spaces can be. Indent with spaces."),
        ("a: 1\nb: \x01", "x.yaml:2:4 the character U+0001 is not allowed in YAML."),
        ("a: @b", "x.yaml:1:4 not valid YAML: while scanning for the next token: "
         "found character '@' that cannot start any token."),
        ("%YAML 1.1\n---\na: 1", "x.yaml:2:1 recipes are YAML 1.2. Remove the %YAML line."),
    ],
)  # fmt: skip
def test_syntax_errors_have_line_and_column(text, message):
    assert complaints(text) == [message]


def bomb() -> str:
    """Two hundred bytes that stand for ten million values."""
    return "a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{name}: &{name} [{','.join(['*' + chr(ord(name) - 1)] * 9)}]\n" for name in "bcdefgh"
    )


DEEP = "more than 32 levels deep; a recipe needs fewer than ten."
MANY = "more than 100,000 values, aliases counted as often as they repeat; a recipe needs a few hundred."


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (bomb, f"x.yaml:6:8 {MANY}"),
        (lambda: "[" + "1," * 400_000 + "]", f"x.yaml:1:200001 {MANY}"),
        (lambda: "- 1\n" * 200_000, f"x.yaml:100001:4 {MANY}"),
        (lambda: "[" * 10_000, f"x.yaml:1:33 {DEEP}"),
        (lambda: "{a: " * 10_000, f"x.yaml:1:129 {DEEP}"),
        (lambda: "- " * 10_000, f"x.yaml:1:65 {DEEP}"),
        (lambda: "".join(" " * i + "a:\n" for i in range(1000)), f"x.yaml:33:33 {DEEP}"),
        (lambda: "- &a [[[[[[[[[[1]]]]]]]]]]\n- &b [[[[[[[[[[[*a]]]]]]]]]]]\n- [[[[[[[[[[[[*b]]]]]]]]]]]]\n",
         f"x.yaml:3:15 {DEEP}"),
        (lambda: "- &a 1\n" + "- *a\n" * 65, "x.yaml:66:3 more than 64 aliases."),
    ],
    ids=["aliases", "flow list", "block list", "brackets", "braces", "dashes", "indent", "deep aliases", "65 aliases"],
)  # fmt: skip
def test_hostile_text_is_refused_in_a_tenth_of_a_second(make: Callable[[], str], message: str):
    text = make()
    start = time.process_time()
    assert complaints(text) == [message]
    assert time.process_time() - start < 0.1


def test_the_largest_allowed_file_is_checked_by_its_bytes():
    assert MAX_BYTES == 1_000_000


def test_text_that_looks_like_something_else_is_dumped_in_quotes():
    data = {
        "a": [
            "no",
            "1e-4",
            "010",
            "",
            "null",
            "~",
            "<<",
            "x: y",
            "a #b",
            "\x85",
            "\u2028",
            "\ufeff",
            "it's",
            "é",
            ".0E0",
        ]
    }
    assert read(dump(data)).plain() == data


def test_numbers_survive_a_dump():
    data = [1e-5, 1e16, 1e22, 0.1, 1.0, float("inf"), -0.0, True, None, 12345678901234567890]
    assert [repr(value) for value in read(dump(data)).plain()] == [repr(value) for value in data]


def test_the_order_of_keys_survives_a_dump():
    assert list(read(dump({"b": 1, "a": 2})).plain()) == ["b", "a"]
