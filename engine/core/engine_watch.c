/*
 * Notice that rule files changed (inotify).
 * Runs in: engine.  Trusts: nothing in names of files.  Owns: the descriptor.
 */
#include "engine_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "model/limits.h"

#define EVENT_BYTES 4096
#define EVENTS                                                                 \
	(IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |            \
	    IN_CREATE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF)

struct watch {
	struct loop *loop;
	watch_fn *fn;
	void *ctx;
	int fd;
	struct loop_timer *timer;
	int64_t since_ns; /* of the first change that was not told; 0: none */
};

static void
on_rest(void *ctx)
{
	struct watch *w = ctx;

	w->timer = NULL;
	w->since_ns = 0;
	w->fn(w->ctx);
}

static void
on_event(void *ctx, int fd, unsigned events)
{
	char bytes[EVENT_BYTES]
	    __attribute__((aligned(__alignof__(struct inotify_event))));
	struct watch *w = ctx;
	const int64_t now = loop_now_ns();

	(void)events;
	while (read(fd, bytes, sizeof(bytes)) > 0)
		;
	if (w->since_ns == 0)
		w->since_ns = now;
	if (w->timer != NULL && now - w->since_ns > WATCH_PATIENCE_NS)
		return;
	loop_cancel(w->loop, w->timer);
	w->timer = NULL;
	if (loop_after(w->loop, WATCH_REST_MS, on_rest, w, &w->timer, NULL) !=
	    0)
		on_rest(w);
}

int
watch_new(
    struct loop *l, watch_fn *fn, void *ctx, struct watch **ret, struct err *e)
{
	struct watch *w = mem_new(1, sizeof(*w));
	int r;

	if (w == NULL)
		return err_nomem(e);
	*w = (struct watch){ .loop = l, .fn = fn, .ctx = ctx };
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	r = w->fd < 0 ? err_sys(e, "cannot watch the rules")
		      : loop_fd(l, w->fd, LOOP_READ, on_event, w, e);
	if (r != 0) {
		fd_closep(&w->fd);
		free(w);
		return r;
	}
	*ret = w;
	return ERR_OK;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	loop_cancel(w->loop, w->timer);
	loop_forget(w->loop, w->fd);
	fd_closep(&w->fd);
	free(w);
}

/* Where it will appear: the nearest folder above it that is there. */
static bool
watch_above(struct watch *w, const char *path)
{
	char above[PATH_BYTES_MAX];
	size_t len = strlen(path);

	while (len > 0 && len < sizeof(above)) {
		len = str_rfind(str_n(path, len), '/');
		memcpy(above, path, len);
		above[len] = '\0';
		if (inotify_add_watch(w->fd, len == 0 ? "/" : above,
			IN_CREATE | IN_MOVED_TO | IN_ONLYDIR | IN_MASK_ADD) >=
		    0)
			return true;
		if (errno != ENOENT)
			return false;
	}
	return false;
}

void
watch_dir(struct watch *w, const char *path)
{
	if (w == NULL || inotify_add_watch(w->fd, path, EVENTS) >= 0 ||
	    (errno == ENOENT && watch_above(w, path)))
		return;
	log_warn("rules", "'%s' is not watched: reload after a change", path);
}
