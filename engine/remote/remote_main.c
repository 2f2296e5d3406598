/*
 * assent-mcp-remote: an MCP server on standard input and output that is a
 * remote one over HTTP. A program of its own, so that no other one of a
 * person's has the network client; it can read and start nothing.
 *
 *     assent-mcp-remote URL HEADER-FILE CA-FILE      "": none
 *
 * Runs in: assent-mcp-remote.  Trusts: who started it.  Owns: nothing.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/confine.h"
#include "base/fdio.h"
#include "base/mem.h"
#include "base/text.h"
#include "model/command.h"
#include "model/provider_url.h"
#include "remote_int.h"
#include "tools/lines.h"
#include "web/limits.h"

#define HEADERS_MAX 16384
#define SAY_BYTES 4096
#define PATHS_MAX 16

struct program {
	struct loop *loop;
	struct remote *remote;
	struct line_in *in;
	struct line_out *out;
	struct buf headers;
	bool idle;
};

static void
say(const char *why)
{
	AUTO_BUF struct buf text = BUF_INIT(SAY_BYTES);

	buf_puts(&text, "assent-mcp-remote: ");
	text_escape(&text, str_of(why));
	buf_putc(&text, '\n');
	(void)fputs(buf_cstr(&text), stderr);
}

static void
on_trouble(void *ctx, const char *why)
{
	(void)ctx;
	say(why);
}

static void
end_if_idle(const struct program *p)
{
	if (p->idle && (line_out_len(p->out) == 0 || line_out_gone(p->out)))
		loop_stop(p->loop);
}

static void
on_idle(void *ctx)
{
	struct program *p = ctx;

	p->idle = true;
	end_if_idle(p);
}

static void
on_room(void *ctx)
{
	end_if_idle(ctx);
}

static void
on_answer(void *ctx, struct str line)
{
	struct program *p = ctx;

	line_out_put(p->out, line);
}

static void
on_line(void *ctx, struct str line)
{
	struct program *p = ctx;

	if (line.len > 0)
		remote_send(p->remote, line);
}

static void
on_input_end(void *ctx, const struct err *why)
{
	struct program *p = ctx;

	if (why->code != ERR_OK)
		say(why->msg);
	remote_end(p->remote);
}

/* ---- the beginning ------------------------------------------------------- */

/* Name: value. libcurl would leave out what is neither, without a word. */
static bool
is_header(struct str line)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";
	struct str value = line;
	const struct str name = str_cut(&value, ':');

	for (size_t i = 0; i < name.len; i++) {
		const char c = name.s[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= 'a' && c <= 'z') &&
		    memchr(marks, c, sizeof(marks) - 1) == NULL)
			return false;
	}
	value = str_trim(value);
	for (size_t i = 0; i < value.len; i++) {
		if ((unsigned char)value.s[i] < ' ' && value.s[i] != '\t')
			return false;
	}
	return name.len > 0 && value.len > 0;
}

/* The line itself may be a key: its number is said. */
static int
check_headers(struct str lines, const char *path, struct err *e)
{
	for (size_t at = 1; lines.len > 0; at++) {
		const struct str line = str_trim(str_cut(&lines, '\n'));

		if (line.len > 0 && !is_header(line))
			return err_set(e, ERR_INVALID,
			    "header file '%s': line %zu is no 'Name: value'",
			    path, at);
	}
	return ERR_OK;
}

static int
read_headers(struct program *p, const char *path, struct err *e)
{
	struct stat st;
	int r;

	if (path[0] == '\0')
		return ERR_OK;
	if (stat(path, &st) != 0)
		return err_sys(e, "cannot read header file '%s'", path);
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(e, ERR_DENIED,
		    "others can read header file '%s': chmod 600 it", path);
	r = fdio_read_file(path, &p->headers, e);
	return r != 0 ? r : check_headers(buf_str(&p->headers), path, e);
}

static int
check_url(const char *text, struct err *e)
{
	struct provider_url url;
	const char *why = NULL;

	if (strncmp(text, "https://", 8) != 0 &&
	    strncmp(text, "http://", 7) != 0)
		return err_set(e, ERR_INVALID,
		    "'%s' begins with neither https:// nor http://", text);
	if (provider_url_parse(text, &url, &why) != 0)
		return err_set(e, ERR_INVALID, "'%s': %s", text, why);
	return ERR_OK;
}

static int
give_up_rights(const char *ca_file, struct err *e)
{
	struct confine_path paths[PATHS_MAX];
	struct confine_report report;
	size_t n = 0;

	for (; n < web_path_count && n < PATHS_MAX - 1; n++)
		paths[n] = (struct confine_path){ .path = web_paths[n],
			.access = CONFINE_READ };
	if (ca_file[0] != '\0')
		paths[n++] = (struct confine_path){ .path = ca_file,
			.access = CONFINE_READ };
	return confine(&(struct confine_options){ .role = "mcp-remote",
			   .syscalls = web_syscalls,
			   .syscall_count = web_syscall_count,
			   .paths = paths,
			   .path_count = n,
			   .allow_connect = true,
			   .threads = true },
	    &report, e);
}

static int
begin(struct program *p, char **argv, struct err *e)
{
	int r = loop_new(&p->loop, e);

	if (r == 0)
		r = line_out_new(
		    p->loop, STDOUT_FILENO, on_room, p, &p->out, e);
	if (r == 0)
		r = remote_new(
		    &(struct remote_options){ .loop = p->loop,
			.url = argv[1],
			.ca_file = argv[3][0] == '\0' ? NULL : argv[3],
			.headers = buf_str(&p->headers),
			.on_line = on_answer,
			.on_idle = on_idle,
			.on_trouble = on_trouble,
			.ctx = p },
		    &p->remote, e);
	if (r == 0)
		r = line_in_new(&(struct line_in_options){ .loop = p->loop,
				    .fd = STDIN_FILENO,
				    .line_max = REMOTE_MESSAGE_MAX,
				    .on_line = on_line,
				    .on_end = on_input_end,
				    .ctx = p },
		    &p->in, e);
	return r;
}

static void
done(struct program *p)
{
	remote_free(p->remote);
	line_in_free(p->in);
	if (p->out != NULL)
		line_out_free(p->out);
	loop_free(p->loop);
	if (p->headers.s != NULL)
		explicit_bzero(p->headers.s, p->headers.len);
	buf_free(&p->headers);
	curl_global_cleanup();
}

int
main(int argc, char **argv)
{
	struct program p = { .headers = BUF_INIT(HEADERS_MAX) };
	struct err e = ERR_INIT;
	int r;

	if (argc != 4) {
		say("started by assent mcp-proxy --url, not by hand");
		return EXIT_USAGE;
	}
	confine_forbid_dumps();
	r = check_url(argv[1], &e);
	if (r == 0)
		r = read_headers(&p, argv[2], &e);
	if (r == 0 && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		r = err_nomem(&e);
	if (r == 0)
		r = begin(&p, argv, &e);
	if (r == 0)
		r = give_up_rights(argv[3], &e);
	if (r == 0)
		r = loop_run(p.loop, &e);
	if (r != 0)
		say(e.msg);
	done(&p);
	return r == 0 ? EXIT_OK : EXIT_USAGE;
}
