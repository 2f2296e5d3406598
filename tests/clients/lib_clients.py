"""The clients: how each is installed, set up for the model, and started."""

import json
import os
import shutil
import subprocess

PACKAGES = ("@anthropic-ai/claude-code", "@openai/codex",
            "@google/gemini-cli", "@github/copilot", "opencode-ai")
PLUGIN = "@opencode-ai/plugin"  # what opencode wants beside its settings
PROMPT = "run the requested command"


def peers():
    return os.environ.get("ASSENT_CLIENTS") or os.path.expanduser(
        "~/.cache/assent-clients")


def install():
    """The npm packages; None, or why there are none."""
    return add(peers(), PACKAGES) or add(f"{peers()}/plugin", [PLUGIN])


def add(folder, packages, installed=None):
    """installed: what one of them is called once it is there. The newest, not
    the newest that says it suits this node: some bring their own."""
    missing = [p for p in packages if not os.path.isdir(
        f"{folder}/node_modules/{installed or p}")]
    if not missing:
        return None
    os.makedirs(folder, exist_ok=True)
    wanted = [p if "@" in p[1:] else f"{p}@latest" for p in missing]
    try:
        ran = subprocess.run(
            ["npm", "install", "--no-fund", "--no-audit", "--prefix",
             folder, *wanted], capture_output=True, text=True, check=False,
            timeout=1200)
    except (OSError, subprocess.TimeoutExpired) as e:
        return f"npm: {e}"
    return None if ran.returncode == 0 else f"npm: {ran.stderr[-300:]}"


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text if isinstance(text, str) else json.dumps(text, indent=1))


class Client:
    """One client in a home of its own."""
    name = program = None
    contains = True  # --contain: it lets a hook rewrite the command
    acp = None  # its words as an agent of an editor, behind a bridge
    bridge = "acp"  # the command of assent between them
    editor = "lib_acp.py"
    commands = {}  # what it asks about where others do not, by cell
    guardian = False  # its own reviews of actions go to the daemon
    reasons = {}  # what its model is told where the client itself says it
    serves = False  # a server, with assent opencode beside it

    def __init__(self, home, project, port):
        self.home, self.project, self.port = home, project, port

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def environment(self):
        return {"HOME": self.home, "TERM": "xterm", "SHELL": "/bin/bash",
                "LANG": "C.UTF-8", "TMPDIR": "/tmp", "NO_COLOR": "1",
                "PATH": f"{peers()}/node_modules/.bin:{os.environ['PATH']}"}

    def set_up(self):
        pass

    def arguments(self):
        raise NotImplementedError

    def version(self):
        ran = subprocess.run(
            [self.program, "--version"], env=self.environment(), check=False,
            capture_output=True, text=True, timeout=60,
            stdin=subprocess.DEVNULL)
        return ran.stdout.strip().splitlines()[0]


class ClaudeCode(Client):
    name, program = "claude-code", "claude"

    def environment(self):
        return {**super().environment(), "ANTHROPIC_BASE_URL": self.url(),
                "ANTHROPIC_API_KEY": "sk-ant-dummy", "IS_SANDBOX": "1",
                "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
                "DISABLE_AUTOUPDATER": "1", "DISABLE_TELEMETRY": "1",
                "DISABLE_ERROR_REPORTING": "1",
                # A scripted model does not search for the tools of servers.
                "ENABLE_TOOL_SEARCH": "false"}

    def set_up(self):
        write(f"{self.home}/.claude.json", {
            "hasCompletedOnboarding": True, "theme": "dark", "projects": {
                self.project: {"hasTrustDialogAccepted": True,
                               "allowedTools": []}}})

    def arguments(self):
        return ["-p", PROMPT, "--model", "claude-opus-4-8",
                "--output-format", "stream-json", "--verbose"]


class Codex(Client):
    name, program = "codex", "codex"
    sandbox = "workspace-write"

    def environment(self):
        return {**super().environment(), "CODEX_HOME": f"{self.home}/.codex"}

    def set_up(self):
        write(f"{self.home}/.codex/config.toml", f"""\
model = "mock-model"
model_provider = "mock"
sandbox_mode = "{self.sandbox}"
[model_providers.mock]
name = "mock"
base_url = "{self.url()}/v1"
wire_api = "responses"
requires_openai_auth = false
supports_websockets = false
[sandbox_workspace_write]
exclude_slash_tmp = true
[analytics]
enabled = false
[features]
enable_request_compression = false
""")

    def arguments(self):
        return ["exec", "--skip-git-repo-check", "--json", PROMPT]


class Gemini(Client):
    name, program = "gemini", "gemini"

    def environment(self):
        return {**super().environment(), "GEMINI_API_KEY": "dummy",
                "GOOGLE_GEMINI_BASE_URL": self.url(),
                "GEMINI_CLI_NO_RELAUNCH": "true"}

    def set_up(self):
        write(f"{self.home}/.gemini/settings.json", {
            "security": {"auth": {"selectedType": "gemini-api-key"},
                         "folderTrust": {"enabled": False}},
            "privacy": {"usageStatisticsEnabled": False},
            "telemetry": {"enabled": False},
            "general": {"disableAutoUpdate": True,
                        "enableAutoUpdate": False}})

    def arguments(self):
        return ["-p", PROMPT, "-m", "gemini-2.5-flash", "--output-format",
                "stream-json"]


class Copilot(Client):
    name, program = "copilot", "copilot"

    def environment(self):
        return {**super().environment(), "COPILOT_OFFLINE": "true",
                "COPILOT_AUTO_UPDATE": "false",
                "COPILOT_PROVIDER_BASE_URL": f"{self.url()}/v1",
                "COPILOT_PROVIDER_TYPE": "openai",
                "COPILOT_PROVIDER_API_KEY": "dummy",
                "COPILOT_MODEL": "mock-model"}

    def set_up(self):
        for name in ("settings", "config"):
            write(f"{self.home}/.copilot/{name}.json", {
                "trustedFolders": [self.project], "banner": "never"})

    def arguments(self):
        return ["-p", PROMPT, "--output-format", "json", "--log-dir",
                f"{self.home}/logs"]


class Opencode(Client):
    name, program = "opencode", "opencode"

    def environment(self):
        return {**super().environment(), "OPENCODE_DISABLE_AUTOUPDATE": "1",
                "OPENCODE_DISABLE_MODELS_FETCH": "1",
                "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
                "OPENCODE_DISABLE_SHARE": "1",
                "npm_config_registry": "http://127.0.0.1:9"}

    def set_up(self):
        folder = f"{self.home}/.config/opencode"
        write(f"{folder}/opencode.json", {
            "autoupdate": False, "share": "disabled",
            "model": "mock/mock-model", "small_model": "mock/mock-model",
            "provider": {"mock": {
                "npm": "@ai-sdk/openai-compatible", "name": "mock",
                "options": {"baseURL": f"{self.url()}/v1",
                            "apiKey": "dummy"},
                "models": {"mock-model": {
                    "name": "mock", "tool_call": True, "limit": {
                        "context": 100000, "output": 4096}}}}}})
        # else it looks for this package for a minute
        shutil.copytree(f"{peers()}/plugin", folder, dirs_exist_ok=True,
                        symlinks=True)

    def arguments(self):
        return ["run", "--format", "json", PROMPT]


class GeminiAcp(Gemini):
    name, contains = "gemini-acp", False
    acp = ["--acp", "-m", "gemini-2.5-flash"]


class CopilotAcp(Copilot):
    name, contains = "copilot-acp", False
    acp = ["--acp"]


class CodexApp(Codex):
    """Its app-server, as an editor starts it."""
    name, contains = "codex-app-server", False
    acp, bridge, editor = ["app-server"], "codex", "lib_app.py"
    # it runs "cat" without asking
    commands = {"allow": "sort note.txt"}


class CodexGuardian(Codex):
    """No hook: assent in place of the model that it asks for reviews."""
    name, contains, guardian = "codex-guardian", False, True
    reasons = {"dead": ("was not run", "could not be completed"),
               "slow": ("did not finish before its deadline",)}

    def set_up(self):
        super().set_up()
        with open(f"{self.home}/.codex/config.toml", "a",
                  encoding="utf-8") as f:
            f.write("[auto_review]\ntimeout_ms = 30000\n")

    def arguments(self):
        return ["exec", "--skip-git-repo-check", "--json", "--approve-for-me",
                PROMPT]


class OpencodeAsks(Opencode):
    contains = False

    def set_up(self):
        super().set_up()
        path = f"{self.home}/.config/opencode/opencode.json"
        with open(path, encoding="utf-8") as f:
            settings = json.load(f)
        # else it asks nobody
        write(path, {**settings, "permission": {"bash": "ask",
                                                "edit": "ask"}})


class OpencodeAcp(OpencodeAsks):
    name, acp = "opencode-acp", ["acp"]


class OpencodeServe(OpencodeAsks):
    name, serves = "opencode-serve", True


CLIENTS = (ClaudeCode, Codex, Gemini, Copilot, Opencode, CodexApp,
           CodexGuardian, GeminiAcp, CopilotAcp, OpencodeAcp, OpencodeServe)
