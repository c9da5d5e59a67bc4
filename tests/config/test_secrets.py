"""Secrets: the three ways to give one, and that none is ever in any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logagent.config.load import load
from logagent.config.secret import split_credentials, without_credentials
from logagent.config.settings import Output
from logagent.config.show import dump
from logagent.errors import Failure

SECRET = "hunter2hunter2"


def loaded(tmp_path, text, environ=None):
    """Return the first output of the settings `text`."""
    file = tmp_path / "logagent.yaml"
    file.write_text(text)
    return load(file, environ or {})


def secrets(output: Output) -> dict[str, str]:
    """Return the secrets of `output` in the clear."""
    found = {name: getattr(output, name) for name in ("username", "password", "api_key", "bearer_token")}
    return {name: value.get_secret_value() for name, value in found.items() if value is not None}


def test_a_secret_is_given_as_value_variable_or_file(tmp_path):
    """A value stands for itself, ${NAME} for a variable, and a key with _file for what the file holds."""
    (tmp_path / "pw").write_text(f"{SECRET}\n")
    text = f"outputs: [{{url: http://es:1, username: '${{ES_USER}}', password_file: {tmp_path}/pw}}, {{url: http://es:2, api_key: k}}]"
    settings = loaded(tmp_path, text, {"ES_USER": "me"})
    assert {"username": "me", "password": SECRET} == secrets(settings.outputs[0])
    assert {"api_key": "k"} == secrets(settings.outputs[1])


def test_credentials_in_the_url_become_username_and_password(tmp_path):
    """They are decoded, taken out of the url, and may be variables as well."""
    settings = loaded(tmp_path, "outputs: [{url: 'https://me%40x:${PW}@es:9200/es/'}]", {"PW": SECRET})
    assert {"username": "me@x", "password": SECRET} == secrets(settings.outputs[0])
    assert settings.outputs[0].url == "https://es:9200/es"


def test_secrets_from_the_environment(tmp_path):
    """Every secret, and its _file, is an environment variable as well."""
    (tmp_path / "key").write_text(SECRET)
    environ = {
        "LOGAGENT_OUTPUTS__0__URL": "http://es:9200",
        "LOGAGENT_OUTPUTS__0__API_KEY_FILE": str(tmp_path / "key"),
        "LOGAGENT_OUTPUTS__1__URL": "http://es:9201",
        "LOGAGENT_OUTPUTS__1__BEARER_TOKEN": "null",
    }
    settings = loaded(tmp_path, "", environ)
    assert [{"api_key": SECRET}, {"bearer_token": "null"}] == [secrets(output) for output in settings.outputs]


def test_no_secret_in_any_rendering(tmp_path):
    """Neither str, repr, dump nor the values as data have a secret in them."""
    text = f"outputs: [{{url: 'http://{SECRET}:{SECRET}@es:1'}}, {{url: http://es:2, api_key: {SECRET}}}, {{url: http://es:3, bearer_token: {SECRET}}}]"
    settings = loaded(tmp_path, text)
    texts = [str(settings), repr(settings), dump(settings), str(settings.model_dump()), settings.model_dump_json()]
    assert [False] * 5 == [SECRET in text for text in texts]
    assert "password: '***'" in dump(settings)


BAD = [
    "outputs: [{url: 'http://u:SECRET@es', password: SECRET}]",
    "outputs: [{url: 'http://u:SECRET@es', api_key: SECRET}]",
    "outputs: [{url: 'http://u:SEC/SECRET@es'}]",
    "outputs: [{url: 'http://u:1/SECRET@es'}]",
    "outputs: [{url: 'http://u:SECRET?x@es'}]",
    "outputs: [{url: 'http://u:SECRET@[es'}]",
    "outputs: [{url: 'u:SECRET@es'}]",
    "outputs: [{url: 'http://es/?token=SECRET'}]",
    "outputs: [{url: 'http://es/#SECRET'}]",
    "outputs: ['http://u:SECRET@es']",
    "outputs: [SECRET]",
    "outputs: SECRET",
    "outputs: {password: SECRET}",
    "outputs: [{url: http://es, password: SECRET}]",
    "outputs: [{url: http://es, pasword: SECRET}]",
    "outputs: [{url: http://es, password: [SECRET]}]",
    "outputs: [{url: http://es, password: {SECRET: SECRET}}]",
    "outputs: [{url: http://es, username: u, password: SECRET, api_key: SECRET}]",
    'outputs: [{url: http://es, api_key: "SECRET\\n"}]',
    "outputs: [{url: http://es, api_key_file: SECRET}]",
    "outputs: [{url: http://es, api_key: SECRET, api_key_file: /etc/passwd}]",
    "outputs: [{url: http://es, api_key: *SECRET}]",
    "outputs: [{url: http://es, api_key: &SECRET x, bearer_token: SECRET}]",
    "outputs: [{url: http://es, api_key: !SECRET x}]",
    "outputs: [{url: http://es, api_key: !SECRET!x y}]",
    "outputs: [{url: http://es, password: /SECRET}]",
    "outputs: [{url: http://es, api_key: !!int SECRET}]",
    "outputs: [{url: http://es, api_key: 'SECRET",
    "outputs: [{url: http://es, api_key: %SECRET}]",
    "outputs: [{url: http://es, api_key: SECRET]]",
    "password: SECRET",
    "SECRET",
    "- SECRET",
    "engine: {socket: 'ssh://u:SECRET@h'}",
]


@pytest.mark.parametrize("text", BAD)
def test_no_secret_in_a_problem(tmp_path, text):
    """Whatever is wrong with a secret, or wherever it went astray, its text is not in the message."""
    with pytest.raises(Failure) as caught:
        loaded(tmp_path, text.replace("SECRET", SECRET))
    assert SECRET[:5] not in str(caught.value)


def test_no_secret_in_a_problem_of_the_environment(tmp_path):
    """A mistyped variable, and a broken list in one, are told without their values."""
    environ = {
        "LOGAGENT_OUTPUTS__0__PASWORD": SECRET,
        "LOGAGENT_OUTPUTS": f"[{{url: http://es, api_key: {SECRET}",
        "LOGAGENT_OUTPUTS__0__API_KEY": f"{SECRET}\n",
    }
    with pytest.raises(Failure) as caught:
        loaded(tmp_path, "", environ)
    assert SECRET not in str(caught.value)
    assert "LOGAGENT_OUTPUTS__0__PASWORD: unknown setting; did you mean LOGAGENT_OUTPUTS__0__PASSWORD?" in str(
        caught.value
    )


MISSING = [
    ("password: '${NOT_THERE}'", "outputs.0.password = ***: the environment has no NOT_THERE, or it is empty"),
    (
        "password_file: /nowhere/pw",
        'outputs.0.password_file = "/nowhere/pw": cannot be read: No such file or directory',
    ),
    ("password_file: /dev/null", 'outputs.0.password_file = "/dev/null": the file is empty'),
    ("password_file: /dev/zero", "is larger than 65536 bytes, too large for a secret"),
    ("password_file: relative", "outputs.0.password_file = ***: must be an absolute path"),
    ("password: x, password_file: /dev/null", "password is given as well: keep one of them"),
]


@pytest.mark.parametrize(("keys", "line"), MISSING)
def test_a_secret_that_cannot_be_had_is_one_problem(tmp_path, keys, line):
    """A variable or file that is missing, empty or too large is told once, and not as a missing secret on top."""
    with pytest.raises(Failure) as caught:
        loaded(tmp_path, f"outputs: [{{url: http://es, username: u, {keys}}}]")
    assert line in str(caught.value)
    assert str(caught.value).startswith("1 problem ")


def test_the_model_alone_shows_no_input():
    """Whoever builds an output in code gets errors without its values too."""
    with pytest.raises(ValueError, match="2 validation errors") as caught:
        Output(url=f"http://u:{SECRET}@es:1", name=f"/{SECRET}")
    assert SECRET not in str(caught.value)


_words = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="/?#@[]%:\\"), min_size=1)


@given(_words, _words)
def test_credentials_leave_the_url(user, password):
    """Whatever user and password are, they are found and the url is free of them."""
    assert ("http://es:9200/x", {"username": user, "password": password}) == split_credentials(
        f"http://{user}:{password}@es:9200/x"
    )


@given(st.text(min_size=8), st.sampled_from(["http://{}@host", "{}@host", "http://u:{}@host:1/x", "unix://{}@"]))
def test_shown_text_has_nothing_before_an_at(secret, shape):
    """What stands before the last @ is never shown."""
    assert secret not in without_credentials(shape.format(f"~{secret}~")).replace("***", "").replace("http://", "")
