/*
 * Every setting of the configuration, one row each.
 * Runs in: supervisor, tools.  Trusts: nothing.  Owns: nothing.
 */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/text.h"
#include "config_int.h"

#define SECOND_MS 1000
#define MINUTE_MS ((int64_t)60 * SECOND_MS)
#define DAY_MS (24 * 60 * MINUTE_MS)

static const char *const policy_names[] = {
	[POLICY_UNTRUSTED] = "untrusted",
	[POLICY_ON_REQUEST] = "on-request",
	[POLICY_NEVER] = "never",
};

static const char *const reviewer_names[] = {
	[REVIEWER_AUTO] = "auto_review",
	[REVIEWER_USER] = "user",
};

static const char *const grant_names[] = {
	[CONFIG_GRANTS_NONE] = "none",
	[CONFIG_GRANTS_SESSION] = "session",
	[CONFIG_GRANTS_UNTIL] = "until",
};

static const char *const payload_names[] = {
	[PAYLOADS_OFF] = "off",
	[PAYLOADS_MASKED] = "masked",
	[PAYLOADS_FULL] = "full",
};

static const char *const mode_names[] = {
	[REVIEWER_ACTIVE] = "active",
	[REVIEWER_SHADOW] = "shadow",
};

static const char *const policy_mode_names[] = {
	[REVIEWER_POLICY_ADD] = "add",
	[REVIEWER_POLICY_REPLACE] = "replace",
};

static const char *const quorum_names[] = {
	[QUORUM_NEVER] = "never",
	[QUORUM_LOW] = "low",
	[QUORUM_MEDIUM] = "medium",
	[QUORUM_HIGH] = "high",
};

static const char *const elevated_names[] = {
	[ELEVATED_OFF] = "off",
	[ELEVATED_PREFERRED] = "preferred",
	[ELEVATED_REQUIRED] = "required",
};

static const char *const audit_names[] = {
	[SANDBOX_AUDIT_OFF] = "off",
	[SANDBOX_AUDIT_AUTO] = "auto",
	[SANDBOX_AUDIT_ON] = "on",
};

static const char *const client_names[] = {
	NULL,
	"claude-code",
	"codex",
	"gemini",
	"copilot",
	"cursor",
	"opencode",
};

static const char *const otlp_names[] = {
	[OTLP_PROTOBUF] = "protobuf",
	[OTLP_JSON] = "json",
};

#define NAMES(n) .names = (n), .name_count = ARRAY_LEN(n)

const struct setting settings[] = {
	{
	    .key = "approval_policy",
	    .kind = SETTING_ENUM,
	    .at = offsetof(struct config, approval_policy),
	    NAMES(policy_names),
	    .preset = "on-request",
	    .help = "When a person is asked: untrusted (whatever is not a "
		    "listed read), on-request (what rules send to one), never "
		    "(what would ask is denied).",
	},
	{
	    .key = "approvals_reviewer",
	    .kind = SETTING_ENUM,
	    .at = offsetof(struct config, approvals_reviewer),
	    NAMES(reviewer_names),
	    .preset = "auto_review",
	    .help = "Who answers what rules send to review: a configured "
		    "reviewer, or always a person.",
	},
	{
	    .key = "ask_timeout",
	    .kind = SETTING_DURATION,
	    .at = offsetof(struct config, ask_timeout_ms),
	    .min = SECOND_MS,
	    .max = 7 * DAY_MS,
	    .preset = "10m",
	    .help = "How long a question waits for a person; then it is "
		    "denied.",
	},
	{
	    .key = "approvals",
	    .kind = SETTING_APPROVALS,
	    .help = "How many people have to allow what has a risk or a "
		    "higher one, as in {critical: 2}; else one. With "
		    "{critical: {people: 2, group: security}} one of them "
		    "has to be a member of that group.",
	},
	{
	    .key = "grants",
	    .kind = SETTING_ENUM,
	    .at = offsetof(struct config, grants),
	    NAMES(grant_names),
	    .preset = "until",
	    .help = "Which answers may count for more than once: none, those "
		    "for a session, or also those until a time.",
	},
	{
	    .key = "passphrase_file",
	    .kind = SETTING_PATH,
	    .at = offsetof(struct config, passphrase_file),
	    .help = "Passphrases that 'assent passphrase' wrote, with which "
		    "'assent run --ask' takes an answer at its own terminal; "
		    "else the file passphrases beside the configuration, "
		    "where there is one. Mode 0600.",
	},
	{
	    .key = "reviewer.timeout",
	    .kind = SETTING_DURATION,
	    .at = offsetof(struct config, review_timeout_ms),
	    .min = SECOND_MS,
	    .max = 10 * MINUTE_MS,
	    .preset = "90s",
	    .help = "How long a reviewer may take; then a person is asked.",
	},
	{
	    .key = "reviewer.providers",
	    .kind = SETTING_PROVIDERS,
	    .help = "Reviewers in order of preference: name, format "
		    "(responses, chat, messages, azure, command), url or "
		    "command, model, key_file or key_env or key_command, "
		    "ca_file, proxy, aliases, token_field, schema, addresses.",
	},
	{
	    .key = "reviewer.mode",
	    .kind = SETTING_ENUM,
	    .at = offsetof(struct config, reviewer_mode),
	    NAMES(mode_names),
	    .preset = "active",
	    .help = "shadow: the reviewer is asked and its answer recorded, "
		    "but a person decides.",
	},
	{
	    .key = "reviewer.policy_file",
	    .kind = SETTING_PATH,
	    .at = offsetof(struct config, reviewer_policy_file),
	    .help = "The site's own words to the reviewer.",
	},
	{
	    .key = "reviewer.policy_mode",
	    .kind = SETTING_ENUM,
	    .at = offsetof(struct config, reviewer_policy_mode),
	    NAMES(policy_mode_names),
	    .preset = "add",
	    .help = "Whether policy_file follows the built-in policy or "
		    "takes the place of its middle part.",
	},
	{
	    .key = "reviewer.quorum",
	    .kind = SETTING_ENUM,
	    .at = offsetof(struct config, reviewer_quorum),
	    NAMES(quorum_names),
	    .preset = "never",
	    .help = "The risk from which on two providers have to approve.",
	},
	{
	    .key = "reviewer.parallel",
	    .kind = SETTING_NUMBER,
	    .at = offsetof(struct config, reviewer_parallel),
	    .min = 1,
	    .max = 64,
	    .preset = "4",
	    .help = "Reviews under way at once.",
	},
	{
	    .key = "reviewer.queue",
	    .kind = SETTING_NUMBER,
	    .at = offsetof(struct config, reviewer_queue),
	    .min = 0,
	    .max = 1000,
	    .preset = "64",
	    .help = "Reviews that may wait; beyond that a person is asked.",
	},
	{
	    .key = "reviewer.cache",
	    .kind = SETTING_DURATION,
	    .at = offsetof(struct config, reviewer_cache_ms),
	    .min = 0,
	    .max = 60 * MINUTE_MS,
	    .preset = "5m",
	    .help = "How long an approval of low risk answers for the very "
		    "same action in the very same context; 0s: never.",
	},
	{
	    .key = "reviewer.session_tokens",
	    .kind = SETTING_NUMBER,
	    .at = offsetof(struct config, reviewer_session_tokens),
	    .min = 0,
	    .max = INT64_C(1000000000000),
	    .preset = "0",
	    .help = "Tokens that the reviews of one session may use; then a "
		    "person is asked. 0: no limit.",
	},
	{
	    .key = "profiles",
	    .kind = SETTING_PROFILES,
	    .help = "Sandbox profiles by name: base, summary, write, read, "
		    "hide, deny, protect, network, network_only, network_ech, "
		    "network_limits, network_upstream, env, identity, overlay, "
		    "strict, "
		    "limits. A built-in name changes that profile.",
	},
	{
	    .key = "credentials",
	    .kind = SETTING_CREDENTIALS,
	    .help = "What runs may use without having it: name, kind (header, "
		    "git, ssh), hosts, header, username, variable, "
		    "host_keys, ca_file, ask, plaintext; for whom: profiles, "
		    "sessions, agents, users; its secret: file, env, systemd, "
		    "secret_service or command.",
	},
	{
	    .key = "elevated",
	    .kind = SETTING_ENUM,
	    .at = offsetof(struct config, elevated),
	    NAMES(elevated_names),
	    .preset = "preferred",
	    .help = "Whether runs have accounts of their own, behind a "
		    "firewall (assent setup --elevated): required (else "
		    "nothing runs), preferred (else as the proposer, and "
		    "that is said), off.",
	},
	{
	    .key = "sandbox.audit",
	    .kind = SETTING_ENUM,
	    .at = offsetof(struct config, sandbox_audit),
	    NAMES(audit_names),
	    .preset = "auto",
	    .help = "The kernel's audit records of what Landlock denied to a "
		    "run: auto (root's runs read them where auditing is on), "
		    "on (it is switched on, for the whole machine), off (runs "
		    "make none).",
	},
	{
	    .key = "sandbox.launcher_timeout",
	    .kind = SETTING_DURATION,
	    .at = offsetof(struct config, launcher_timeout_ms),
	    .min = SECOND_MS,
	    .max = 60 * MINUTE_MS,
	    .preset = "30s",
	    .help = "A launcher that does not answer for so long, as one that "
		    "was stopped, is killed with all that it runs.",
	},
	{
	    .key = "role_timeout",
	    .kind = SETTING_DURATION,
	    .at = offsetof(struct config, role_timeout_ms),
	    .min = SECOND_MS,
	    .max = 60 * MINUTE_MS,
	    .preset = "60s",
	    .help = "A process of the daemon that does not answer for so long "
		    "is killed and started again.",
	},
	{
	    .key = "contained_clients",
	    .kind = SETTING_MASK,
	    .at = offsetof(struct config, contained_clients),
	    NAMES(client_names),
	    .help = "Clients that run their calls inside a sandbox of their "
		    "own: what relies on containment is not asked of them.",
	},
	{
	    .key = "listen.tcp",
	    .kind = SETTING_ADDRESS,
	    .at = offsetof(struct config, listen_tcp),
	    .help = "A loopback address and port, besides the unix sockets; "
		    "needs listen.token_file.",
	},
	{
	    .key = "listen.token_file",
	    .kind = SETTING_PATH,
	    .at = offsetof(struct config, token_file),
	    .help = "The bearer token that TCP callers send; mode 0600.",
	},
	{
	    .key = "log.payloads",
	    .kind = SETTING_ENUM,
	    .at = offsetof(struct config, log_payloads),
	    NAMES(payload_names),
	    .preset = "masked",
	    .help = "What the decision log keeps of commands and contents.",
	},
	{
	    .key = "log.retention",
	    .kind = SETTING_DURATION,
	    .at = offsetof(struct config, log_retention_ms),
	    .min = 0,
	    .max = 3650 * DAY_MS,
	    .preset = "0s",
	    .help = "How long rows keep their bodies; then those that every "
		    "destination has are dropped, and rows and hashes stay. "
		    "0s: for ever.",
	},
	{
	    .key = "telemetry.otlp",
	    .kind = SETTING_URL,
	    .at = offsetof(struct config, otlp),
	    .help = "The base address of an OTLP/HTTP collector, such as "
		    "http://127.0.0.1:4318: log records, spans, metrics.",
	},
	{
	    .key = "telemetry.otlp_protocol",
	    .kind = SETTING_ENUM,
	    .at = offsetof(struct config, otlp_protocol),
	    NAMES(otlp_names),
	    .preset = "protobuf",
	    .help = "The form of OTLP's requests.",
	},
	{
	    .key = "telemetry.otlp_headers_file",
	    .kind = SETTING_PATH,
	    .at = offsetof(struct config, otlp_headers_file),
	    .help = "Headers for the collector, a line 'Name: value' each, "
		    "such as Authorization; mode 0600.",
	},
	{
	    .key = "telemetry.syslog",
	    .kind = SETTING_SYSLOG,
	    .at = offsetof(struct config, syslog),
	    .help = "Syslog (RFC 5424): unix:/dev/log, udp://127.0.0.1:514, "
		    "tcp://HOST:601 or tls://HOST:6514.",
	},
	{
	    .key = "telemetry.journal",
	    .kind = SETTING_PATH,
	    .at = offsetof(struct config, journal),
	    .help = "The socket of systemd's journal, "
		    "/run/systemd/journal/socket: one entry a row, with "
		    "fields.",
	},
	{
	    .key = "telemetry.file",
	    .kind = SETTING_PATH,
	    .at = offsetof(struct config, telemetry_file),
	    .help = "A file of JSON lines, which is rotated.",
	},
	{
	    .key = "telemetry.webhook",
	    .kind = SETTING_URL,
	    .at = offsetof(struct config, webhook),
	    .help = "An address to which rows are posted, signed; needs "
		    "telemetry.webhook_key_file.",
	},
	{
	    .key = "telemetry.webhook_key_file",
	    .kind = SETTING_PATH,
	    .at = offsetof(struct config, webhook_key_file),
	    .help = "The key of the webhook's signatures; mode 0600.",
	},
	{
	    .key = "telemetry.ca_file",
	    .kind = SETTING_PATH,
	    .at = offsetof(struct config, telemetry_ca_file),
	    .help = "Certificates to trust instead of the system's.",
	},
	{
	    .key = "telemetry.cert_file",
	    .kind = SETTING_PATH,
	    .at = offsetof(struct config, telemetry_cert_file),
	    .help = "Our own certificate (PEM), for destinations that ask "
		    "for one; needs telemetry.key_file.",
	},
	{
	    .key = "telemetry.key_file",
	    .kind = SETTING_PATH,
	    .at = offsetof(struct config, telemetry_key_file),
	    .help = "The private key of telemetry.cert_file (PEM); mode "
		    "0600.",
	},
	{
	    .key = "require",
	    .kind = SETTING_REQUIRE,
	    .help = "What must be enforced here, else the daemon does not "
		    "start: landlock>=N, seccomp, no_new_privs, capabilities, "
		    "not_dumpable, userns, cgroup.",
	},
};
const size_t setting_count = ARRAY_LEN(settings);
_Static_assert(ARRAY_LEN(settings) <= SETTINGS_MAX, "reading.given has room");

bool
config_contains(unsigned contained_clients, const char *agent)
{
	for (size_t i = 1; agent != NULL && i < ARRAY_LEN(client_names); i++) {
		if (strcmp(agent, client_names[i]) == 0)
			return (contained_clients & 1u << i) != 0;
	}
	return false;
}

const char *
elevated_mode_name(enum elevated_mode m)
{
	return elevated_names[m];
}

struct str
setting_key(
    struct str section, struct str key, char ret[static CONFIG_KEY_LEN_MAX])
{
	if (key.len >= CONFIG_KEY_LEN_MAX - section.len)
		return STR("");
	if (section.len > 0)
		memcpy(ret, section.s, section.len);
	if (key.len > 0)
		memcpy(ret + section.len, key.s, key.len);
	return str_n(ret, section.len + key.len);
}

const struct setting *
setting_find(struct str key)
{
	for (size_t i = 0; i < setting_count; i++) {
		if (str_eqz(key, settings[i].key))
			return &settings[i];
	}
	return NULL;
}

bool
setting_is_section(struct str key)
{
	for (size_t i = 0; i < setting_count; i++) {
		const struct str full = str_of(settings[i].key);

		if (str_starts(full, key) && full.len > key.len &&
		    full.s[key.len] == '.')
			return true;
	}
	return false;
}

static void
describe_values(const struct setting *s, struct buf *out)
{
	for (size_t i = 1; i < s->name_count; i++)
		buf_printf(out, "%s%s", i > 1 ? " | " : "", s->names[i]);
	if (s->kind == SETTING_DURATION)
		buf_printf(out, "%llds to %lldm",
		    (long long)(s->min / SECOND_MS),
		    (long long)(s->max / MINUTE_MS));
	if (s->kind == SETTING_NUMBER)
		buf_printf(
		    out, "%lld to %lld", (long long)s->min, (long long)s->max);
}

void
config_describe(struct buf *out)
{
	for (size_t i = 0; i < setting_count; i++) {
		const struct setting *s = &settings[i];

		buf_printf(out, "%s", s->key);
		if (s->name_count > 0 || s->kind == SETTING_DURATION ||
		    s->kind == SETTING_NUMBER) {
			buf_puts(out, ": ");
			describe_values(s, out);
		}
		if (s->preset != NULL)
			buf_printf(out, " (default %s)", s->preset);
		buf_printf(out, "\n    %s\n", s->help);
	}
}
