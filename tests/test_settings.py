"""Settings: the defaults, and errors that name the key."""

from __future__ import annotations

import pytest

from release.call.variables import check_environment
from release.errors import Usage
from release.settings import DEFAULTS, Settings, defaults_beside, read


def test_the_defaults_are_the_job() -> None:
    assert read(DEFAULTS) == Settings()
    assert read({}) == Settings()
    assert Settings().sdk.inputs == {"publish_s3": True, "is_release": True}
    assert Settings().image.pythons == ["3.7", "3.8", "3.9", "3.10", "3.11"]


def test_a_mapping_that_is_given_takes_the_defaults_place_and_nothing_else_does() -> None:
    given = {"sdk": {"inputs": {"upload": True}, "bucket": "x"}, "release": {"components": {}}}
    beside = defaults_beside(given)
    assert (beside["sdk"]["inputs"], beside["release"]["components"]) == ({}, {})
    assert (beside["sdk"]["bucket"], beside["image"]) == ("lepton-sdk", DEFAULTS["image"])
    assert defaults_beside({}) == DEFAULTS
    beside["image"]["inputs"].clear()
    assert DEFAULTS["image"]["inputs"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"sdk": {"buket": "x"}}, "sdk.buket"),
        ({"sdk": {"bucket": 3}}, "sdk.bucket"),
        ({"release": {"yes": "true"}}, "release.yes"),
        ({"release": {"poll": "2"}}, "release.poll"),
        ({"release": {"timeout": True}}, "release.timeout"),
        ({"release": {"output": "xml"}}, "release.output"),
        ({"image": {"pythons": "3.7"}}, "image.pythons"),
        ({"image": {"pythons": [3.7]}}, "image.pythons"),
        ({"sdk": {"inputs": ["is_release"]}}, "sdk.inputs"),
        ({"release": {"trunk": "--upload-pack=x"}}, "release.trunk"),
        ({"release": {"trunk": "a..b"}}, "release.trunk"),
        ({"release": {"remote": "ext::sh -c x"}}, "release.remote"),
        ({"release": {"remote": ""}}, "release.remote"),
        ({"image": {"config_file": "a.py\nb.py"}}, "image.config_file"),
        ({"sdk": {"bucket": "a\0"}}, "sdk.bucket"),
        ({"release": {"components": {"sdk": {"interface": "a\nb"}}}}, "release.components.sdk.interface"),
        ({"sdk": "leptonai"}, "sdk: 'leptonai' is not a mapping"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, dict[str, object]], named: str) -> None:
    with pytest.raises(Usage, match=named):
        read(given)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("INVOKE_SDK_BUKET", "x"),
        ("INVOKE_RELEASE_YES", "false"),
        ("INVOKE_RELEASE_TIMEOUT", "soon"),
        ("INVOKE_RELEASE_TIMEOUT", ""),
        ("INVOKE_RELEASE_TIMEOUT", "²"),
        ("INVOKE_IMAGE_PYTHONS", "3.7"),
    ],
)
def test_a_wrong_variable_is_named(name: str, text: str) -> None:
    with pytest.raises(Usage, match=name):
        check_environment({name: text})


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("INVOKE_SDK_BUKET", "INVOKE_SDK_BUCKET"),
        ("INVOKE_SDK_Bucket", "INVOKE_SDK_BUCKET"),  # invoke reads upper case alone
        ("invoke_sdk_bucket", "INVOKE_SDK_BUCKET"),
        ("INVOKE_SKD_BUCKET", "INVOKE_SDK_BUCKET"),
        ("INVOKE_RELASE_YES", "INVOKE_RELEASE_YES"),
        ("INVOKE_RELEASE_COMPONENTS_SDK_PATH", "INVOKE_RELEASE_COMPONENTS"),
    ],
)
def test_f28_a_variable_without_effect_is_an_error_with_the_nearest_right_name(name: str, near: str) -> None:
    with pytest.raises(Usage, match=name) as failure:
        check_environment({name: "1"})
    assert failure.value.hint == f"did you mean {near}?"


def test_f28_a_variable_of_an_input_needs_that_input_in_the_settings() -> None:
    given = {"INVOKE_SDK_INPUTS_FLAVOUR": "plain"}
    check_environment(given)  # the inputs are not known yet
    check_environment(given, {"sdk": {"inputs": {"flavour": "fancy"}}})
    with pytest.raises(Usage, match="INVOKE_SDK_INPUTS_FLAVOUR"):
        check_environment(given, DEFAULTS)
    with pytest.raises(Usage, match="It must be a number, like 3"):
        check_environment({"INVOKE_SDK_INPUTS_TRIES": "1.5"}, {"sdk": {"inputs": {"tries": 3}}})


def test_variables_of_others_pass() -> None:
    check_environment({"INVOKE_DOCS_TARGET": "x", "INVOKE_RUN_ECHO": "1", "INVOKE_DEBUG": "1", "INVOKED": "x"})


def test_a_wrong_variable_says_what_it_must_be() -> None:
    with pytest.raises(Usage, match="INVOKE_RELEASE_YES is 'no'") as failure:
        check_environment({"INVOKE_RELEASE_YES": "no"})
    assert failure.value.hint == "It must be 1 for true, or 0 or empty for false."
    with pytest.raises(Usage, match="It must be a number, like 2"):
        check_environment({"INVOKE_RELEASE_POLL": ""})


@pytest.mark.parametrize("text", ["1", "0", ""])
def test_what_invoke_takes_for_true_or_false_passes(text: str) -> None:
    check_environment({"INVOKE_RELEASE_YES": text, "INVOKE_SDK_INPUTS_IS_RELEASE": text})


def test_right_variables_pass() -> None:
    check_environment(
        {
            "INVOKE_SDK_BUCKET": "x",
            "INVOKE_RELEASE_YES": "1",
            "INVOKE_SDK_INPUTS_IS_RELEASE": "0",
            "INVOKE_RUN_ECHO": "1",
        }
    )


def test_components_are_checked_and_named() -> None:
    with pytest.raises(Usage, match=r"release\.components\.docs\.kind"):
        read({"release": {"components": {"docs": {"kind": "prose"}}}})
    with pytest.raises(Usage, match=r"release\.components"):
        read({"release": {"components": ["docs"]}})
    assert set(Settings().release.components) == {"backend", "web", "sdk"}


def test_a_mistyped_section_is_named_and_another_collections_passes() -> None:
    with pytest.raises(Usage, match="realease: no such section") as refused:
        read({"realease": {"trunk": "main"}})
    assert refused.value.hint == "Did you mean release?"
    assert read({"images": {"folder": "x"}, "docs": {"path": "x"}}) == Settings()
