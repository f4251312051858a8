from cases import planned, recipe_data

from ganforge.recipe.dump import _without_defaults, dump_recipe, recipe_hash


def test_a_dump_holds_every_default(load):
    text = dump_recipe(load().recipe)
    assert "step: auto\n" in text and "held_out: 0.2\n" in text and "mapping: null\n" in text


def test_a_dump_loads_back_to_the_same_recipe(load):
    recipe = load().recipe
    assert load(dump_recipe(recipe)).recipe == recipe


def test_the_hash_is_sixteen_digits_and_ignores_how_a_recipe_is_written(load, recipe_text):
    first = recipe_hash(load(recipe_text).recipe)
    assert len(first) == 16 and set(first) <= set("0123456789abcdef")
    assert recipe_hash(load(recipe_text + "seed: 0 # the default\n").recipe) == first


def test_the_hash_changes_with_any_value_and_with_the_order_of_blocks(load, recipe_text):
    head = "    head:\n      kind: residual\n      channels: 8\n"
    resnet = "    resnet_3_0: {kind: residual, channels: 4}\n"
    assert head + resnet in recipe_text
    texts = [recipe_text, recipe_text + "seed: 1\n", recipe_text.replace(head + resnet, resnet + head)]
    assert len({recipe_hash(load(text).recipe) for text in texts}) == 3


def test_the_hash_leaves_out_what_is_a_default_but_not_kinds(load, recipe_text):
    recipe = load(recipe_text).recipe
    chosen = _without_defaults(recipe, recipe.model_dump(mode="json"))
    assert "microbatch" not in chosen["training"] and chosen["training"]["loss"] == {"kind": "logistic"}
    blocks = recipe.model_dump(mode="json")["generator"]["blocks"]
    assert list(chosen["generator"]["blocks"]) == list(blocks)
    assert all(chosen["generator"]["blocks"][key]["kind"] == block["kind"] for key, block in blocks.items())


def test_the_hash_sees_a_field_by_its_name_in_recipes():
    found = set()
    for weight in (1.0, 2.0):
        data = recipe_data()
        data["training"]["sampler"] = {"kind": "class_weights", "weights": [weight, 3.0]}
        found.add(recipe_hash(planned(data).recipe))
    assert len(found) == 2
