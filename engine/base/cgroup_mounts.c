/*
 * Find the control groups of this process.
 * Runs in: supervisor, assent-exec.  Trusts: the kernel's /proc.
 * Owns: nothing.
 */
#include "cgroup_int.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fdio.h"
#include "mem.h"

#define MOUNTS_BYTES_MAX ((size_t)1 << 20)
#define OWN_BYTES_MAX ((size_t)16 << 10)
#define LISTED_BYTES 256

static const struct {
	const char *name;
	unsigned control;
} controllers[] = {
	{ "memory", CGROUP_MEMORY },
	{ "pids", CGROUP_PIDS },
	{ "cpu", CGROUP_CPU },
};

static unsigned
control_of(struct str name)
{
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++) {
		if (str_eqz(name, controllers[i].name))
			return controllers[i].control;
	}
	return 0;
}

static unsigned
controls_in(struct str list, char separator)
{
	unsigned found = 0;

	while (list.len > 0)
		found |= control_of(str_cut(&list, separator));
	return found;
}

/* The path behind "ID:controllers:" of the line that matches. */
static bool
own_path(struct str own, bool unified, unsigned controls, struct str *ret)
{
	while (own.len > 0) {
		struct str line = str_cut(&own, '\n');
		struct str list;

		(void)str_cut(&line, ':');
		list = str_cut(&line, ':');
		if (unified ? list.len > 0
			    : (controls_in(list, ',') & controls) == 0)
			continue;
		*ret = line;
		return line.len > 0;
	}
	return false;
}

/* What lies above the mount's root is not to be seen. */
static bool
below_root(struct str path, struct str root, struct str *ret)
{
	if (str_eqz(root, "/")) {
		*ret = path;
		return !str_starts(path, STR("/.."));
	}
	if (!str_starts(path, root) ||
	    (path.len > root.len && path.s[root.len] != '/'))
		return false;
	*ret = str_from(path, root.len);
	return true;
}

bool
cgroup_parse_mount(struct str line, struct str own, struct cgroup_mount *ret)
{
	struct str root, point, type, path;
	size_t dash = str_search(line, STR(" - "));
	struct str tail = str_from(line, dash + 3);

	if (dash >= line.len)
		return false;
	type = str_cut(&tail, ' ');
	(void)str_cut(&tail, ' '); /* the source */
	ret->unified = str_eqz(type, "cgroup2");
	ret->controls = ret->unified ? 0 : controls_in(tail, ',');
	if (!ret->unified && (!str_eqz(type, "cgroup") || ret->controls == 0))
		return false;
	for (int i = 0; i < 3; i++)
		(void)str_cut(&line, ' ');
	root = str_cut(&line, ' ');
	point = str_cut(&line, ' ');
	/* Names with spaces are written in another way; nobody has them. */
	if (str_find(point, '\\') < point.len ||
	    !own_path(own, ret->unified, ret->controls, &path) ||
	    !below_root(path, root, &path))
		return false;
	if (str_eqz(path, "/"))
		path = STR_NONE;
	return snprintf(ret->path, sizeof(ret->path), "%.*s%.*s",
		   STR_ARG(point), STR_ARG(path)) < (int)sizeof(ret->path);
}

size_t
cgroup_own(struct cgroup_mount ret[static CGROUP_MOUNTS_MAX])
{
	AUTO_BUF struct buf mounts = BUF_INIT(MOUNTS_BYTES_MAX);
	AUTO_BUF struct buf own = BUF_INIT(OWN_BYTES_MAX);
	struct str rest;
	size_t n = 0;

	if (fdio_read_file("/proc/self/mountinfo", &mounts, NULL) != 0 ||
	    fdio_read_file("/proc/self/cgroup", &own, NULL) != 0)
		return 0;
	rest = buf_str(&mounts);
	while (rest.len > 0 && n < CGROUP_MOUNTS_MAX) {
		if (cgroup_parse_mount(
			str_cut(&rest, '\n'), buf_str(&own), &ret[n]))
			n++;
	}
	return n;
}

bool
cgroup_read(int dir, const char *name, char *text, size_t size)
{
	AUTO_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (n < 0)
		return false;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return true;
}

int
cgroup_write(int dir, const char *name, const char *text)
{
	AUTO_FD int fd = openat(dir, name, O_WRONLY | O_CLOEXEC);
	const size_t n = strlen(text);

	return fd >= 0 && write(fd, text, n) == (ssize_t)n ? 0 : -1;
}

unsigned
cgroup_listed(int dir, const char *name)
{
	char text[LISTED_BYTES];

	return cgroup_read(dir, name, text, sizeof(text))
	    ? controls_in(str_of(text), ' ')
	    : 0;
}

unsigned
cgroup_enable(int dir)
{
	/* One by one: one that is missing does not take the others along. */
	for (size_t i = 0; i < ARRAY_LEN(controllers); i++) {
		char text[16];

		(void)snprintf(text, sizeof(text), "+%s", controllers[i].name);
		(void)cgroup_write(dir, "cgroup.subtree_control", text);
	}
	return cgroup_listed(dir, "cgroup.subtree_control");
}
