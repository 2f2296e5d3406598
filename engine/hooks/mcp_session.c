/*
 * What one client of the MCP server said of itself.
 * Runs in: front, assent.  Trusts: nothing of it.  Owns: its texts.
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "mcp_int.h"

static const char *const versions[] = { "2025-11-25", "2025-06-18",
	"2025-03-26", "2024-11-05" };

static const char *const levels[] = {
	[MCP_LEVEL_UNSET] = "unset",
	[MCP_LEVEL_DEBUG] = "debug",
	[MCP_LEVEL_INFO] = "info",
	[MCP_LEVEL_NOTICE] = "notice",
	[MCP_LEVEL_WARNING] = "warning",
	[MCP_LEVEL_ERROR] = "error",
	[MCP_LEVEL_CRITICAL] = "critical",
	[MCP_LEVEL_ALERT] = "alert",
	[MCP_LEVEL_EMERGENCY] = "emergency",
};
_Static_assert(
    ARRAY_LEN(levels) == MCP_LEVEL_EMERGENCY + 1, "every level has a name");

int
mcp_session_new(const struct mcp_menu *menu, const char *workspace,
    struct mcp_session **ret, struct err *e)
{
	struct mcp_session *s = mem_new(1, sizeof(*s));

	if (s == NULL)
		return err_nomem(e);
	s->menu = menu;
	if (workspace != NULL) {
		s->workspace = mem_strndup(workspace, strlen(workspace));
		if (s->workspace == NULL) {
			mcp_session_free(s);
			return err_nomem(e);
		}
	}
	*ret = s;
	return ERR_OK;
}

void
mcp_session_free(struct mcp_session *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < MCP_SUBSCRIPTIONS_MAX; i++)
		free(s->watched[i]);
	free(s->workspace);
	free(s);
}

void
mcp_session_freep(struct mcp_session **s)
{
	mcp_session_free(*s);
	*s = NULL;
}

bool
mcp_session_primes(const struct mcp_session *s)
{
	return s->primes;
}

static const char *
version_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
		if (str_eqz(name, versions[i]))
			return versions[i];
	}
	return NULL;
}

bool
mcp_speaks(struct str version)
{
	return version_of(version) != NULL;
}

const char *
mcp_session_greet(struct mcp_session *s, const struct rpc *m)
{
	const char *asked =
	    m->params == 0 ? NULL : rpc_text(m, m->params, "protocolVersion");
	const size_t can =
	    m->params == 0 ? 0 : rpc_node(m, m->params, "capabilities");
	const char *version = asked == NULL ? NULL : version_of(str_of(asked));

	s->elicits = can != 0 && rpc_node(m, can, "elicitation") != 0;
	s->samples = can != 0 && rpc_node(m, can, "sampling") != 0;
	if (version == NULL)
		version = versions[0];
	s->primes = version == versions[0];
	return version;
}

enum mcp_level
mcp_level_of(const char *name)
{
	for (int l = MCP_LEVEL_DEBUG; l <= MCP_LEVEL_EMERGENCY; l++) {
		if (strcmp(levels[l], name) == 0)
			return (enum mcp_level)l;
	}
	return MCP_LEVEL_UNSET;
}

const char *
mcp_level_name(enum mcp_level level)
{
	return levels[level];
}

/* ---- what it watches ----------------------------------------------------- */

const char *
mcp_session_watches(const struct mcp_session *s, size_t i)
{
	return i < MCP_SUBSCRIPTIONS_MAX ? s->watched[i] : NULL;
}

static size_t
find_watched(const struct mcp_session *s, const char *uri)
{
	size_t i = 0;

	while (i < MCP_SUBSCRIPTIONS_MAX && s->watched[i] != NULL &&
	    strcmp(s->watched[i], uri) != 0)
		i++;
	return i;
}

int
mcp_session_watch(struct mcp_session *s, const char *uri, struct err *e)
{
	const size_t i = find_watched(s, uri);

	if (i == MCP_SUBSCRIPTIONS_MAX)
		return err_set(e, ERR_LIMIT,
		    "a session subscribes to %d resources at most; unsubscribe "
		    "from one",
		    MCP_SUBSCRIPTIONS_MAX);
	if (s->watched[i] == NULL)
		s->watched[i] = mem_strndup(uri, strlen(uri));
	return s->watched[i] == NULL ? err_nomem(e) : ERR_OK;
}

void
mcp_session_unwatch(struct mcp_session *s, const char *uri)
{
	const size_t at = find_watched(s, uri);

	if (at == MCP_SUBSCRIPTIONS_MAX || s->watched[at] == NULL)
		return;
	free(s->watched[at]);
	for (size_t i = at; i < MCP_SUBSCRIPTIONS_MAX; i++)
		s->watched[i] =
		    i + 1 < MCP_SUBSCRIPTIONS_MAX ? s->watched[i + 1] : NULL;
}
