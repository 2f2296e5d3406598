/*
 * Internationalised names, by libidn2.
 * Runs in: assent-proxy.  Trusts: libidn2.  Owns: nothing.
 */
#include "idn.h"

#include <idn2.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

#define TEXT_MAX 1024

static bool
is_ascii(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		if ((unsigned char)s.s[i] >= 0x80)
			return false;
	}
	return true;
}

int
idn_host_parse(struct str text, struct net_host *ret, struct err *e)
{
	AUTO_FREE char *utf8 = NULL;
	char *ascii = NULL;
	int r;

	if (is_ascii(text) || text.len > TEXT_MAX || !text_is_utf8(text) ||
	    memchr(text.s, '\0', text.len) != NULL)
		return net_host_parse(text, ret, e);
	utf8 = mem_strndup(text.s, text.len);
	if (utf8 == NULL)
		return err_nomem(e);
	r = idn2_to_ascii_8z(
	    utf8, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (r != IDN2_OK)
		return err_set(e, ERR_INVALID,
		    "the host is not a proper international name (%s)",
		    idn2_strerror_name(r));
	r = net_host_parse(str_of(ascii), ret, e);
	idn2_free(ascii);
	return r;
}
