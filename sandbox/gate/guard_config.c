/*
 * Read a repository's configuration as git would, and accept it only when
 * every setting is known to run nothing and to load nothing.
 * Runs in: assent-exec (the first process of a run).  Trusts: nothing.
 * Owns: nothing.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "gate/guard.h"

struct setting {
	const char *section;
	const char *key;
};

static const struct setting harmless[] = {
	{ "core", "repositoryformatversion" },
	{ "core", "filemode" },
	{ "core", "bare" },
	{ "core", "logallrefupdates" },
	{ "core", "ignorecase" },
	{ "core", "precomposeunicode" },
	{ "core", "symlinks" },
	{ "core", "autocrlf" },
	{ "core", "eol" },
	{ "core", "safecrlf" },
	{ "core", "abbrev" },
	{ "core", "compression" },
	{ "core", "quotepath" },
	{ "core", "sharedrepository" },
	{ "core", "sparsecheckout" },
	{ "core", "sparsecheckoutcone" },
	{ "core", "preloadindex" },
	{ "core", "untrackedcache" },
	{ "extensions", "objectformat" },
	{ "user", "name" },
	{ "user", "email" },
	{ "init", "defaultbranch" },
	{ "branch", "remote" },
	{ "branch", "merge" },
	{ "branch", "rebase" },
	{ "branch", "description" },
	{ "remote", "fetch" },
	{ "remote", "url" },
	{ "remote", "tagopt" },
	{ "remote", "prune" },
	{ "submodule", "url" },
	{ "submodule", "active" },
	{ "pull", "rebase" },
	{ "push", "default" },
	{ "merge", "ff" },
	{ "rebase", "autostash" },
	{ "commit", "gpgsign" },
	{ "gc", "auto" },
	{ "advice", "detachedhead" },
};

static bool
same(struct str s, const char *name)
{
	return s.len == strlen(name) && strncasecmp(s.s, name, s.len) == 0;
}

bool
guard_setting_harmless(struct str section, struct str key)
{
	for (size_t i = 0; i < ARRAY_LEN(harmless); i++) {
		if (same(section, harmless[i].section) &&
		    same(key, harmless[i].key))
			return true;
	}
	return false;
}

/* "[core]" or "[branch \"main\"]", alone on its line. */
static bool
read_section(struct str line, struct str *ret)
{
	const size_t end = str_find(line, ']');
	struct str inner;
	size_t n = 0;

	if (end + 1 != line.len)
		return false;
	inner = str_head(str_from(line, 1), end - 1);
	while (n < inner.len &&
	    (isalnum((unsigned char)inner.s[n]) != 0 || inner.s[n] == '-'))
		n++;
	*ret = str_head(inner, n);
	inner = str_trim(str_from(inner, n));
	if (inner.len == 0)
		return n > 0;
	/* Escapes in a name could hide where it ends: none is needed. */
	return n > 0 && inner.len >= 2 && inner.s[0] == '"' &&
	    inner.s[inner.len - 1] == '"' &&
	    str_find(inner, '\\') == inner.len &&
	    str_find(str_from(inner, 1), '"') == inner.len - 2;
}

/* The transport "ext" runs its address; a leading - is an option. */
static bool
is_plain_value(struct str value)
{
	return str_search(value, STR("::")) == value.len &&
	    !str_starts(value, STR("-")) && !str_starts(value, STR("!")) &&
	    !str_starts(value, STR("\"-")) && !str_starts(value, STR("\"!"));
}

static bool
read_setting(struct str section, struct str line)
{
	struct str rest = line;
	const struct str key = str_trim(str_cut(&rest, '='));

	if (section.len == 0 || key.len == 0)
		return false;
	return guard_setting_harmless(section, key) &&
	    is_plain_value(str_trim(rest));
}

bool
guard_config_harmless(struct str text)
{
	struct str section = STR_NONE;

	if (text.len > 0 && memchr(text.s, '\0', text.len) != NULL)
		return false;
	while (text.len > 0) {
		const struct str line = str_trim(str_cut(&text, '\n'));

		if (line.len == 0 || line.s[0] == '#' || line.s[0] == ';')
			continue;
		/* A line that goes on in the next could hide anything. */
		if (line.s[line.len - 1] == '\\')
			return false;
		if (line.s[0] == '[' ? !read_section(line, &section)
				     : !read_setting(section, line))
			return false;
	}
	return true;
}
