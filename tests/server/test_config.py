"""Settings: where they come from, which source wins, and what an operator reads about mistakes."""

from pathlib import Path

import pytest

from server import reference
from server.config import SETTINGS, Config
from server.exits import ConfigError
from server.settings import as_toml, load, split_address, variable_of

SERVER = Path(reference.__file__).parent


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without a plaza.toml."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refusal(
    *, toml: str = "", environ: dict[str, str] | None = None, flags: dict[str, object] | None = None
) -> str:
    Path("plaza.toml").write_text(toml)
    with pytest.raises(ConfigError) as caught:
        load(None, environ or {}, flags)
    return str(caught.value)


class TestSources:
    def test_without_any_the_defaults_hold(self) -> None:
        assert load(None, {}) == Config()

    def test_later_sources_win(self, folder: Path) -> None:
        (folder / "plaza.toml").write_text("[server]\nport = 1\nhost = 'file'\ndata_dir = 'file'\n")
        environ = {"PLAZA_SERVER__PORT": "2", "PLAZA_SERVER__HOST": "variable"}
        server = load(None, environ, {"server.port": 3}).server
        assert (server.port, server.host, server.data_dir) == (3, "variable", "file")

    def test_a_named_file_replaces_the_one_in_the_folder(self, folder: Path) -> None:
        (folder / "plaza.toml").write_text("[node]\nid = 1\n")
        (folder / "other.toml").write_text("[server]\nport = 2\n")
        config = load(folder / "other.toml", {})
        assert (config.node.id, config.server.port) == (0, 2)

    def test_variables_are_text_and_become_what_the_setting_is(self) -> None:
        environ = {
            "PLAZA_DEBUG__ECHO": "true",
            "PLAZA_LIMITS__MESSAGE_BYTES": "0",
            "PLAZA_SERVER__ORIGINS": "https://a.example, https://b.example:8443,",
            "PLAZA_AUTH__SIGNING_KEY": "1" * 32,
            "PLAZA_DATABASE__URL": "",
        }
        config = load(None, environ)
        assert config.debug.echo is True
        assert config.limits.message_bytes == 0
        assert config.server.origins == ["https://a.example", "https://b.example:8443"]
        assert config.auth.signing_key == "1" * 32
        assert config.database.url == ""

    def test_what_kubernetes_sets_for_a_service_called_plaza_is_ignored(self) -> None:
        environ = {
            "PLAZA_PORT": "tcp://10.0.0.1:80",
            "PLAZA_SERVICE_HOST": "10.0.0.1",
            "PLAZA_SERVER_PORT": "tcp://10.0.0.1:80",
        }
        assert load(None, environ) == Config()


class TestMistakes:
    """Each message names the key and its source, and what to do."""

    def test_a_misspelt_key_in_the_file(self) -> None:
        message = refusal(toml="[limits]\nmesage_bytes = 1\n")
        assert message == (
            "limits.mesage_bytes (plaza.toml) is no setting. Did you mean limits.message_bytes?"
        )

    def test_a_misspelt_variable(self) -> None:
        message = refusal(environ={"PLAZA_SERVER__PROT": "1"})
        assert "PLAZA_SERVER__PROT" in message
        assert "Did you mean PLAZA_SERVER__PORT?" in message

    def test_a_variable_with_one_underscore_too_few(self) -> None:
        assert "Did you mean PLAZA_SERVER__PORT?" in refusal(environ={"PLAZA_SERVER_PORT": "9"})

    def test_a_key_without_its_section(self) -> None:
        assert "Did you mean server.data_dir?" in refusal(toml="data_dir = 'x'\n")

    def test_a_key_that_two_sections_have(self) -> None:
        assert "Did you mean server.port or media.port?" in refusal(toml="port = 1\n")

    def test_a_key_like_none(self) -> None:
        assert "`plaza config` lists all" in refusal(toml="[xyzzy]\nqqqq = 1\n")

    def test_a_section_that_is_a_value(self) -> None:
        assert "write [server] on a line of its own" in refusal(toml="server = 1\n")

    def test_a_wrong_type(self) -> None:
        message = refusal(toml="[server]\nport = '8080'\n")
        assert message.startswith(
            'server.port = "8080" (plaza.toml): expected `int`, got `str`. It is: Port to listen on'
        )

    def test_a_value_out_of_range(self) -> None:
        message = refusal(flags={"server.port": 70000})
        assert message.startswith("server.port = 70000 (command line): expected `int` <= 65535.")

    def test_a_variable_that_is_no_number(self) -> None:
        message = refusal(environ={"PLAZA_NODE__ID": "one"})
        assert message.startswith('node.id = "one" (PLAZA_NODE__ID): expected `int`, got `str`.')

    def test_a_value_that_is_overridden_must_be_valid_too(self) -> None:
        assert "plaza.toml" in refusal(toml="[node]\nid = -1\n", environ={"PLAZA_NODE__ID": "1"})

    @pytest.mark.parametrize("origin", ["chat.example", "https://chat.example/", "*"])
    def test_an_origin_that_no_browser_sends(self, origin: str) -> None:
        message = refusal(environ={"PLAZA_SERVER__ORIGINS": origin})
        assert "not of the right form" in message
        assert "such as `https://chat.example`" in message

    def test_a_proxy_that_is_no_address(self) -> None:
        message = refusal(toml="[server]\ntrusted_proxies = ['10.0.0.0/8', 'proxy']\n")
        assert "proxy is neither an IP address nor a network" in message
        assert "plaza.toml" in message

    def test_a_metrics_address_without_a_port(self) -> None:
        message = refusal(environ={"PLAZA_SERVER__METRICS_ADDRESS": "localhost"})
        assert "expected host:port" in message

    @pytest.mark.parametrize(
        "environ",
        [
            {"PLAZA_AUTH__SIGNING_KEY": "hunter2"},
            {"PLAZA_DATABASE__URL": "mysql://user:hunter2@host/name"},
        ],
    )
    def test_secrets_are_not_repeated(self, environ: dict[str, str]) -> None:
        message = refusal(environ=environ)
        assert "hunter2" not in message
        assert next(iter(environ)) in message

    def test_a_file_that_is_not_there(self, folder: Path) -> None:
        with pytest.raises(ConfigError, match=r"nowhere\.toml cannot be read: No such file"):
            load(folder / "nowhere.toml", {})

    def test_a_file_that_is_no_toml(self) -> None:
        assert "plaza.toml is not valid TOML" in refusal(toml="[server\n")


class TestShowing:
    def test_what_is_shown_can_be_read_again(self, folder: Path) -> None:
        environ = {
            "PLAZA_SERVER__ORIGINS": "https://a.example,https://b.example",
            "PLAZA_SERVER__DATA_DIR": 'quote " backslash \\ tab \t delete \x7f umlaut ü',
            "PLAZA_GATEWAY__DEFLATE": "true",
        }
        config = load(None, environ)
        (folder / "plaza.toml").write_text(as_toml(config, hide_secrets=False))
        assert load(None, {}) == config

    @pytest.mark.parametrize(
        ("url", "shown"),
        [
            ("postgresql://plaza:pw@db:5432/plaza", "postgresql://plaza:********@db:5432/plaza"),
            ("postgresql://plaza:p@w/w@db/plaza", "postgresql://plaza:********@db/plaza"),
            ("postgres://db/plaza?password=pw&ssl=on", "postgres://db/plaza?password=********&ssl=on"),
            ("postgres://plaza@db/plaza", "postgres://plaza@db/plaza"),
            ("", ""),
        ],
    )  # fmt: skip
    def test_of_a_url_only_the_password_is_hidden(self, url: str, shown: str) -> None:
        assert f'url = "{shown}"\n' in as_toml(load(None, {"PLAZA_DATABASE__URL": url}))

    def test_keys_are_hidden(self) -> None:
        shown = as_toml(load(None, {"PLAZA_AUTH__SIGNING_KEY": "k" * 40}))
        assert 'signing_key = "********"' in shown
        assert "kkk" not in shown


def test_every_setting_has_a_variable_and_is_described() -> None:
    assert variable_of("limits.outbox_hard_bytes") == "PLAZA_LIMITS__OUTBOX_HARD_BYTES"
    for key, setting in SETTINGS.items():
        assert setting.text, key
        assert not setting.text.endswith("."), key


def test_every_setting_has_an_effect() -> None:
    sources = (path for path in SERVER.rglob("*.py") if path.name != "config.py")
    code = "\n".join(path.read_text(encoding="utf-8") for path in sources)
    for key, setting in SETTINGS.items():
        assert f".{setting.name}" in code, key


def test_addresses_are_split() -> None:
    assert split_address("127.0.0.1:9100") == ("127.0.0.1", 9100)
    assert split_address("[::1]:9100") == ("::1", 9100)
    for wrong in ("9100", ":9100", "host:port", "host:1/path", "host:70000"):
        with pytest.raises(ValueError, match=r"host:port|[Pp]ort"):
            split_address(wrong)


def test_the_tables_in_the_documentation_are_those_of_the_code() -> None:
    document = (SERVER.parent / reference.DOCUMENT).read_text(encoding="utf-8")
    assert reference.rewrite(document) == document, "run make docs"
