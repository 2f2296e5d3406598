#ifndef UNIT_RULES_FX_TESTS_H
#define UNIT_RULES_FX_TESTS_H
/*
 * The `tests:` of a program entry: a command, and all of its effects.
 *
 *     if (!fx_test_holds(&w, &tests->keys[i], &tests->items[i]))
 *             fx_test_report(&w, file, ...);
 */
#include "fx_world.h"

#define FX_SCRIPT_BYTES 4000

/* Every expected item is there, and every item was expected. */
static inline bool
fx_as_expected(const struct fx_world *w, struct str expect)
{
	bool used[FX_ITEMS] = { false };

	while (expect.len > 0) {
		const struct str one = str_trim(str_cut(&expect, ','));
		char want[600];
		bool found = false;

		(void)snprintf(want, sizeof(want), "%.*s", STR_ARG(one));
		for (size_t i = 0; i < w->count && one.len > 0; i++) {
			if (!fx_item_is(w->items[i], want))
				continue;
			used[i] = true;
			found = true;
		}
		if (!found && one.len > 0)
			return false;
	}
	for (size_t i = 0; i < w->count; i++) {
		if (!used[i])
			return false;
	}
	return true;
}

/* One line of `tests:`; what was found is in w->items. */
static inline bool
fx_test_holds(
    struct fx_world *w, const struct yaml *command, const struct yaml *expect)
{
	char script[FX_SCRIPT_BYTES];

	(void)snprintf(script, sizeof(script), "%.*s", STR_ARG(command->text));
	fx_script(w, script);
	return fx_as_expected(w, expect->text);
}

#endif
