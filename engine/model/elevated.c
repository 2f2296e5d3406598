/*
 * The table of nftables for the accounts of elevated runs.
 * Runs in: supervisor, tools, as root.  Trusts: nft's reading of its own table.
 * Owns: the table of that name.
 */
#include "elevated.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/tool.h"

#define NFT "/usr/sbin/nft"
#define RULES_BYTES_MAX ((size_t)64 << 10)

/* What is not for a named proxy of this machine goes nowhere: every protocol,
 * both families, the loopback interface too. */
static void
put_online(const struct config_elevated *s, uint32_t uid, struct buf *out)
{
	for (size_t i = 0; i < s->port_count; i++) {
		buf_printf(out,
		    "\t\tmeta skuid %u ip daddr 127.0.0.0/8 tcp dport %u "
		    "accept\n",
		    uid, s->ports[i]);
		buf_printf(out,
		    "\t\tmeta skuid %u ip6 daddr ::1 tcp dport %u accept\n",
		    uid, s->ports[i]);
	}
}

static void
put_reject(uint32_t uid, struct buf *out)
{
	buf_printf(out,
	    "\t\tmeta skuid %u counter reject with icmpx admin-prohibited\n",
	    uid);
}

void
elevated_firewall_put(const struct config_elevated *s, struct buf *out)
{
	buf_puts(out,
	    "table inet " ELEVATED_TABLE " {\n"
	    "\tchain output {\n"
	    "\t\ttype filter hook output priority filter - 10; policy "
	    "accept;\n");
	for (size_t i = 0; i < s->online_count; i++)
		put_online(s, s->online[i].uid, out);
	put_reject(s->offline.uid, out);
	for (size_t i = 0; i < s->online_count; i++)
		put_reject(s->online[i].uid, out);
	buf_puts(out, "\t}\n}\n");
}

static int
nft(char *const *argv, struct str input, struct buf *out, struct err *e)
{
	const int r = tool_run(
	    &(struct tool_call){ .path = NFT, .argv = argv, .input = input },
	    out, e);

	return r == 0 ? r : err_wrap(e, r, "the firewall of elevated runs");
}

int
elevated_firewall_load(const struct config_elevated *s, struct err *e)
{
	AUTO_BUF struct buf text = BUF_INIT(RULES_BYTES_MAX);
	AUTO_BUF struct buf said = BUF_INIT(RULES_BYTES_MAX);
	char name[] = "nft", option[] = "-f", file[] = "-";
	char *const argv[] = { name, option, file, NULL };
	int r;

	/* To take away what is not there would be an error. */
	buf_puts(&text,
	    "table inet " ELEVATED_TABLE "\n"
	    "delete table inet " ELEVATED_TABLE "\n");
	elevated_firewall_put(s, &text);
	r = buf_done(&text, e);
	return r == 0 ? nft(argv, buf_str(&text), &said, e) : r;
}

int
elevated_firewall_check(const struct config_elevated *s, struct err *e)
{
	AUTO_BUF struct buf want = BUF_INIT(RULES_BYTES_MAX);
	AUTO_BUF struct buf have = BUF_INIT(RULES_BYTES_MAX);
	char name[] = "nft", option[] = "-s", list[] = "list", what[] = "table",
	     family[] = "inet", table[] = ELEVATED_TABLE;
	char *const argv[] = { name, option, list, what, family, table, NULL };
	int r;

	elevated_firewall_put(s, &want);
	r = buf_done(&want, e);
	if (r == 0)
		r = nft(argv, STR(""), &have, e);
	if (r == ERR_SYS)
		return err_wrap(e, ERR_NOTFOUND, "there is no such table");
	if (r != 0)
		return r;
	if (!str_eq(buf_str(&want), buf_str(&have)))
		return err_set(e, ERR_DENIED,
		    "the firewall of elevated runs is not as it was set up: "
		    "somebody has changed the table " ELEVATED_TABLE);
	return ERR_OK;
}

int
elevated_firewall_remove(struct err *e)
{
	AUTO_BUF struct buf said = BUF_INIT(RULES_BYTES_MAX);
	char name[] = "nft", option[] = "-f", file[] = "-";
	char *const argv[] = { name, option, file, NULL };

	return nft(argv,
	    STR("table inet " ELEVATED_TABLE "\n"
		"delete table inet " ELEVATED_TABLE "\n"),
	    &said, e);
}
