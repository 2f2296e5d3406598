/*
 * Put the words to the model together.
 * Runs in: reviewer.  Trusts: the site's policy, which its owner wrote.
 * Owns: nothing.
 */
#include "policy.h"

#include "base/text.h"
#include "policy_files.h"

#define PLACE STR("{{POLICY}}\n")

static struct str
file_of(const char *name)
{
	for (size_t i = 0; i < policy_files_count; i++) {
		if (str_eqz(str_of(policy_files[i].name), name))
			return policy_files[i].text;
	}
	return STR("");
}

int
policy_build(struct str site, bool replace, struct buf *out, struct err *e)
{
	const struct str frame = file_of("frame.md");
	const size_t at = str_search(frame, PLACE);

	if (frame.len == 0 || at == frame.len)
		return err_set(e, ERR_INTERNAL, "the policy's frame is broken");
	if (site.len > POLICY_SITE_MAX)
		return err_set(e, ERR_LIMIT,
		    "the reviewer's policy file has more than %zu bytes",
		    POLICY_SITE_MAX);
	if (!text_is_utf8(site))
		return err_set(
		    e, ERR_INVALID, "the reviewer's policy file is not UTF-8");
	buf_put_str(out, str_head(frame, at));
	if (!replace || site.len == 0)
		buf_put_str(out, file_of("default.md"));
	if (site.len > 0) {
		buf_puts(out, "\nThe site's own policy\n");
		buf_put_str(out, site);
		buf_puts(out, "\n");
	}
	buf_put_str(out, str_from(frame, at + PLACE.len));
	return buf_done(out, e);
}
