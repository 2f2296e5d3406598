/*
 * The product's MCP server over HTTP (its front, its sessions, its protocol)
 * with the tools, resources and prompts of the protocol's conformance suite
 * instead of its own, and without an engine.
 *
 *     mcp_alone DIR
 *
 * Listens on a loopback port, whose number is in DIR/port; agents' token is
 * TOKEN. It ends with its standard input.
 */
#include <assert.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdio.h"
#include "base/log.h"
#include "front.h"
#include "mcp_fixture.h"
#include "mcp_hub.h"

#define TOKEN "tttttttttttttttttttttttttttttttttttttttt"
#define PORT_DIGITS 16

static int
listen_on_loopback(const char *folder)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr = { .s_addr = htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof(at);
	char path[512], port[PORT_DIGITS];
	FILE *f;
	const int fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert(fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    listen(fd, SOMAXCONN) == 0 &&
	    getsockname(fd, (struct sockaddr *)&at, &len) == 0);
	(void)snprintf(path, sizeof(path), "%s/port", folder);
	(void)snprintf(port, sizeof(port), "%u", ntohs(at.sin_port));
	f = fopen(path, "we");
	assert(f != NULL && fputs(port, f) > 0 && fclose(f) == 0);
	return fd;
}

static void
on_input(void *ctx, int fd, unsigned events)
{
	char c;

	(void)events;
	if (read(fd, &c, 1) <= 0)
		loop_stop(ctx);
}

int
main(int argc, char **argv)
{
	struct loop *l;
	struct front *f;
	int r;

	assert(argc == 2);
	assert(loop_new(&l, NULL) == 0);
	assert(front_new(l, geteuid(), &f, NULL) == 0);
	f->mcp->menu = &mcp_fixture;
	f->listen_tcp = "127.0.0.1:0";
	assert(tokens_parse("agent " TOKEN "\n", &f->tokens, NULL) == 0);
	assert(front_listen(
		   f, LISTENER_TCP, listen_on_loopback(argv[1]), NULL) == 0);
	assert(loop_fd(l, STDIN_FILENO, LOOP_READ, on_input, l, NULL) == 0);
	r = loop_run(l, NULL);
	loop_forget(l, STDIN_FILENO);
	front_free(f);
	loop_free(l);
	return r == 0 ? 0 : 1;
}
