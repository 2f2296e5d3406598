/*
 * The built-in profiles and the lists that they are made of.
 * Runs in: assent-exec, assent, engine.  Trusts: nothing.  Owns: nothing.
 */
#include "profile.h"

#include <string.h>

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* Memory is what a machine of 4 GiB can spare; a profile may give more. */
#define LIMITS_DEFAULT                                                         \
	{                                                                      \
		.memory_bytes = 2 * GIB, .file_bytes = 2 * GIB,                \
		.tmp_bytes = 1 * GIB, .disk_bytes = 3 * GIB,                   \
		.output_bytes = 8 * MIB, .stream_bytes = 100 * MIB,            \
		.processes = 512, .descriptors = 4096, .new_files = 100000,    \
		.wall_ms = 600000,                                             \
	}

static const struct profile profiles[] = {
	{
	    .name = "read-only",
	    .summary = "reads the workspace, writes only private files",
	    .limits = LIMITS_DEFAULT,
	},
	{
	    .name = "workspace-write",
	    .summary = "writes the workspace but its protected parts; offline",
	    .write = true,
	    .limits = LIMITS_DEFAULT,
	},
	{
	    .name = "workspace-write-online",
	    .summary = "as workspace-write, and the hosts that it is granted",
	    .write = true,
	    .online = true,
	    .limits = LIMITS_DEFAULT,
	},
	{
	    .name = "danger-full-access",
	    .summary = "no sandbox: the caller's own rights",
	    .write = true,
	    .online = true,
	    .unconfined = true,
	    .limits = LIMITS_DEFAULT,
	},
};

const struct profile *
profile_at(size_t i)
{
	return i < sizeof(profiles) / sizeof(profiles[0]) ? &profiles[i] : NULL;
}

const struct profile *
profile_find(const char *name)
{
	const struct profile *p;

	for (size_t i = 0; (p = profile_at(i)) != NULL; i++) {
		if (strcmp(p->name, name) == 0)
			return p;
	}
	return NULL;
}

size_t
profile_list_len(const char *const *list)
{
	size_t n = 0;

	while (list != NULL && list[n] != NULL)
		n++;
	return n;
}

/*
 * The root shows these and nothing else: a list of what is open, because a
 * list of what is closed misses the folder with the uncommon name.
 */
const char *const profile_system[] = {
	"/usr",
	"/bin",
	"/sbin",
	"/lib",
	"/lib32",
	"/lib64",
	"/libx32",
	"/etc",
	"/opt",
	"/nix/store",
	"/gnu/store",
	"/var/lib/dpkg",
	"/var/lib/apt",
	"/var/lib/rpm",
	"/var/lib/pacman",
	"/var/lib/texmf",
	"/var/cache/fontconfig",
	"/sys/devices/system/cpu",
	"/sys/devices/system/node",
	NULL,
};

/* Toolchains and caches by their own names, where the folder that they are in
 * also keeps who somebody is. */
const char *const profile_tools[] = {
	".config/git/ignore",
	".config/git/attributes",
	".local/bin",
	".local/lib",
	".local/pipx",
	".local/share/uv/python",
	".local/share/uv/tools",
	".local/share/pipx",
	".local/share/mise",
	".local/share/rtx",
	".local/share/pnpm",
	".local/share/virtualenvs",
	".pyenv",
	".rbenv",
	".nodenv",
	".goenv",
	".jenv",
	".asdf",
	".nvm",
	".fnm",
	".volta",
	".bun/bin",
	".bun/install",
	".deno/bin",
	".rustup",
	".cargo/bin",
	".cargo/env",
	".cargo/registry",
	".cargo/git",
	"go/bin",
	"go/pkg",
	".ghcup",
	".cabal/bin",
	".cabal/packages",
	".cabal/store",
	".stack/programs",
	".stack/snapshots",
	".opam",
	".sdkman",
	".m2/repository",
	".m2/wrapper",
	".gradle/caches",
	".gradle/wrapper",
	".gradle/jdks",
	".konan",
	".ivy2/cache",
	".dotnet/dotnet",
	".dotnet/host",
	".dotnet/sdk",
	".dotnet/sdk-manifests",
	".dotnet/shared",
	".dotnet/packs",
	".dotnet/templates",
	".dotnet/tools",
	".nuget/packages",
	".julia/artifacts",
	".julia/bin",
	".julia/clones",
	".julia/compiled",
	".julia/environments",
	".julia/juliaup",
	".julia/packages",
	".julia/registries",
	".juliaup",
	".pub-cache/bin",
	".pub-cache/git",
	".pub-cache/global_packages",
	".pub-cache/hosted",
	".gem/ruby",
	".bundle/cache",
	".rvm",
	".perl5",
	"perl5",
	".cpanm",
	".luarocks",
	".conda/envs",
	".conda/pkgs",
	".conda/environments.txt",
	"miniconda3",
	"anaconda3",
	"miniforge3",
	"mambaforge",
	".platformio/packages",
	".platformio/penv",
	".platformio/platforms",
	".elan",
	".foundry/bin",
	".foundry/versions",
	".swiftly",
	".zvm",
	NULL,
};

const char *const profile_tool_settings[] = {
	".gitconfig",
	".config/git/config",
	".cargo/config.toml",
	NULL,
};

const char *const profile_tool_secrets[] = {
	".cargo/registry/token",
	".luarocks/upload_config.lua",
	"miniconda3/.condarc",
	"anaconda3/.condarc",
	"miniforge3/.condarc",
	"mambaforge/.condarc",
	NULL,
};

const char *const profile_caches[] = {
	".cache",
	".npm",
	".local/state",
	NULL,
};

const char *const profile_hidden[] = {
	"/etc/assent",
	"/etc/ssl/private",
	"/etc/shadow",
	"/etc/shadow-",
	"/etc/gshadow",
	"/etc/gshadow-",
	"/etc/sudoers",
	"/etc/sudoers.d",
	"/etc/ssh/sshd_config.d",
	"/etc/krb5.keytab",
	"/etc/security/opasswd",
	"/etc/wireguard",
	"/etc/openvpn",
	"/etc/NetworkManager/system-connections",
	"/etc/wpa_supplicant",
	"/etc/docker",
	"/etc/containers/auth.json",
	"/etc/kubernetes",
	"/etc/rancher",
	"/etc/letsencrypt",
	"/etc/ipsec.secrets",
	"/etc/ppp",
	"/etc/cups",
	"/etc/boto.cfg",
	"/etc/netrc",
	"/etc/pypirc",
	"/etc/pip.conf",
	"/etc/apt/auth.conf",
	"/etc/apt/auth.conf.d",
	"/etc/mysql/debian.cnf",
	"/etc/cron.d",
	"/etc/crontab",
	NULL,
};

const char *const profile_secrets[] = {
	".env",
	".env.local",
	".env.development.local",
	".env.production",
	".env.production.local",
	".env.staging",
	".env.test.local",
	".netrc",
	".git-credentials",
	".pypirc",
	"terraform.tfstate",
	"terraform.tfstate.backup",
	"secrets.yaml",
	"secrets.yml",
	"secrets.json",
	"credentials.json",
	"service-account.json",
	"config/master.key",
	"id_rsa",
	"id_ed25519",
	"id_ecdsa",
	".ssh",
	".aws",
	".gnupg",
	".kube",
	NULL,
};

const char *const profile_protected[] = {
	".assent",
	".envrc",
	".vscode",
	".vscode-server",
	".idea",
	".fleet",
	".zed",
	".nova",
	".vs",
	".devcontainer",
	".devcontainer.json",
	".exrc",
	".nvimrc",
	".nvim.lua",
	".lvimrc",
	".dir-locals.el",
	".vimrc",
	".gdbinit",
	".lldbinit",
	".irbrc",
	".pryrc",
	".Rprofile",
	".bazelrc",
	".direnvrc",
	".mcp.json",
	".agent",
	".agents",
	".agentguard.toml",
	".agentguard",
	".aider.conf.yml",
	".aider",
	".amazonq",
	".augment",
	".claude",
	".claude.json",
	".cline",
	".clinerules",
	".codex",
	".continue",
	".copilot",
	".crush",
	".cursor",
	".cursorrules",
	".factory",
	".gemini",
	".github/copilot-instructions.md",
	".goose",
	".goosehints",
	".junie",
	".kilocode",
	".kiro",
	".opencode",
	"opencode.json",
	"opencode.jsonc",
	".qwen",
	".roo",
	".roomodes",
	".rules",
	".trae",
	".windsurf",
	".windsurfrules",
	".husky",
	".githooks",
	".lefthook.yml",
	".lefthook.yaml",
	"lefthook.yml",
	"lefthook.yaml",
	".overcommit.yml",
	".pre-commit-config.yaml",
	".autoenv",
	".autoenv.zsh",
	".mise",
	".mise.toml",
	".mise.local.toml",
	"mise.toml",
	"mise.local.toml",
	".config/mise",
	".helix",
	".dir-locals-2.el",
	"_vimrc",
	"_exrc",
	NULL,
};

const char *const profile_env[] = {
	"LANG",
	"LANGUAGE",
	"LC_*",
	"TZ",
	"TERM",
	"COLORTERM",
	"COLUMNS",
	"LINES",
	"NO_COLOR",
	"FORCE_COLOR",
	"CLICOLOR",
	"CI",
	"PATH",
	"USER",
	"LOGNAME",
	"SHELL",
	"MAKEFLAGS",
	"CC",
	"CXX",
	"CFLAGS",
	"CXXFLAGS",
	"LDFLAGS",
	"PKG_CONFIG_PATH",
	"GOPATH",
	"GOROOT",
	"GOFLAGS",
	"CARGO_HOME",
	"RUSTUP_HOME",
	"RUSTUP_TOOLCHAIN",
	"JAVA_HOME",
	"MAVEN_HOME",
	"GRADLE_HOME",
	"NVM_DIR",
	"NVM_BIN",
	"VOLTA_HOME",
	"PNPM_HOME",
	"PYENV_ROOT",
	"PYENV_VERSION",
	"VIRTUAL_ENV",
	"CONDA_PREFIX",
	"CONDA_DEFAULT_ENV",
	"RBENV_ROOT",
	"GEM_HOME",
	"GEM_PATH",
	"SDKMAN_DIR",
	"ASDF_DIR",
	"ASDF_DATA_DIR",
	"DOTNET_ROOT",
	"SOURCE_DATE_EPOCH",
	NULL,
};

const char *const profile_no_workspace[] = {
	"/usr",
	"/bin",
	"/sbin",
	"/lib",
	"/lib32",
	"/lib64",
	"/etc",
	"/boot",
	"/dev",
	"/proc",
	"/sys",
	"/run",
	"/nix",
	"/gnu",
	"/var/lib",
	"/var/cache",
	"/var/log",
	"/var/spool",
	"/var/run",
	"/lost+found",
	NULL,
};
