/*
 * PCRE2 made safe.
 * Runs in: every program that judges.  Trusts: neither the pattern nor the
 * subject.  Owns: compiled patterns; a runner owns its stack and clock.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "regex.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"

struct regex {
	pcre2_code *code;
	bool whole;
	struct str pattern;
	char text[];
};

struct regex_runner {
	pcre2_match_context *context;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
	regex_clock_fn *now;
	void *ctx;
	unsigned in_decision; /* matches */
	int64_t deadline_ns; /* 0: not set yet in this decision */
	uint64_t matches, errors;
};

/* ---- what a pattern may not hold --------------------------------------- */

struct refusal {
	const char *start; /* of the construct, behind '\' or '(' */
	const char *msg, *hint;
};

static const struct refusal refused_escapes[] = {
	{ "K", "\\K moves the start of the match", "leave it out" },
	{ "G", "\\G depends on where matching begins", "leave it out" },
	{ "C", "\\C takes single bytes of a character", "use '.'" },
	{ "g", "recursion and references are not used here",
	    "write the text out" },
	{ "k", "references are not used here", "write the text out" },
};

static const struct refusal refused_groups[] = {
	{ "*", "a verb such as (*...) is not used here", "leave it out" },
	{ "?R", "recursion is not used here", "write the text out" },
	{ "?&", "recursion is not used here", "write the text out" },
	{ "?P>", "recursion is not used here", "write the text out" },
	{ "?P=", "references are not used here", "write the text out" },
	{ "?+", "recursion is not used here", "write the text out" },
	{ "?C", "callouts are not used here", "leave it out" },
	{ "?(", "conditions are not used here", "use alternatives" },
};

static const struct refusal *
refusal_of(const struct refusal *list, size_t count, struct str rest)
{
	for (size_t i = 0; i < count; i++) {
		if (str_starts(rest, str_of(list[i].start)))
			return &list[i];
	}
	return NULL;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static const struct refusal numbered = { "", "references are not used here",
	"write the text out" };

/* What stands at the offset, outside of a class; NULL when it is fine. */
static const struct refusal *
refused_at(struct str p, size_t i)
{
	const struct str rest = str_from(p, i + 1);

	if (p.s[i] == '\\') {
		if (rest.len > 0 && rest.s[0] >= '1' && rest.s[0] <= '9')
			return &numbered;
		return refusal_of(
		    refused_escapes, ARRAY_LEN(refused_escapes), rest);
	}
	if (p.s[i] != '(')
		return NULL;
	if (rest.len > 1 && rest.s[0] == '?' &&
	    (is_digit(rest.s[1]) ||
		(rest.len > 2 && rest.s[1] == '-' && is_digit(rest.s[2]))))
		return &numbered;
	return refusal_of(refused_groups, ARRAY_LEN(refused_groups), rest);
}

/* The offset behind \Q...\E whose '\' is at i. */
static size_t
quote_end(struct str p, size_t i)
{
	const size_t n = str_search(str_from(p, i), STR("\\E"));

	return i + n + 2 < p.len ? i + n + 2 : p.len;
}

static int
check_constructs(struct str p, struct regex_error *why)
{
	for (size_t i = 0; i < p.len;) {
		const struct refusal *r = refused_at(p, i);

		if (r != NULL) {
			*why = (struct regex_error){
				.offset = i, .hint = r->hint, .refused = true
			};
			(void)snprintf(
			    why->msg, sizeof(why->msg), "%s", r->msg);
			return ERR_INVALID;
		}
		if (p.s[i] == '[')
			i = regex_class_end(p, i);
		else if (str_starts(str_from(p, i), STR("\\Q")))
			i = quote_end(p, i);
		else
			i += p.s[i] == '\\' ? 2 : 1;
	}
	return ERR_OK;
}

/* ---- compiling --------------------------------------------------------- */

/* What to write instead, for the mistakes that people make. */
static const char *
hint_of(int code)
{
	switch (code) {
	case PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS:
		return "end the group with ')', or write '\\(' for the "
		       "character itself";
	case PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS:
		return "begin the group with '(', or write '\\)' for the "
		       "character itself";
	case PCRE2_ERROR_MISSING_SQUARE_BRACKET:
		return "end the class with ']', or write '\\[' for the "
		       "character itself";
	case PCRE2_ERROR_QUANTIFIER_INVALID:
		return "write '\\+', '\\*' or '\\?' for the character itself";
	case PCRE2_ERROR_CLASS_RANGE_ORDER:
		return "the lower end of a range comes first, as in [a-z]";
	default:
		return "write '\\' before a character that stands for itself";
	}
}

static int
compile_text(
    pcre2_code **ret, struct str text, bool dotall, struct regex_error *why)
{
	const uint32_t flags = PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C |
	    PCRE2_DOLLAR_ENDONLY | PCRE2_ANCHORED | PCRE2_NO_AUTO_CAPTURE |
	    (dotall ? PCRE2_DOTALL : 0);
	PCRE2_SIZE offset = 0;
	int code = 0;

	*ret = pcre2_compile(
	    (PCRE2_SPTR)text.s, text.len, flags, &code, &offset, NULL);
	if (*ret != NULL)
		return ERR_OK;
	if (code == PCRE2_ERROR_NOMEMORY)
		return ERR_NOMEM;
	*why = (struct regex_error){ .offset = offset, .hint = hint_of(code) };
	(void)pcre2_get_error_message(
	    code, (PCRE2_UCHAR *)why->msg, sizeof(why->msg));
	return ERR_INVALID;
}

/*
 * To the end by "\z" and not by PCRE2_ENDANCHORED, which rules out partial
 * matching. The pattern compiles by itself first: its errors have its places,
 * and its parentheses are its own.
 */
static int
compile_whole(struct regex *re, bool dotall, struct regex_error *why)
{
	AUTO_BUF struct buf b = BUF_INIT(REGEX_PATTERN_MAX * 4);
	pcre2_code *alone = NULL;
	int r;

	r = compile_text(&alone, re->pattern, dotall, why);
	pcre2_code_free(alone);
	if (r != 0)
		return r;
	buf_puts(&b, "(?:");
	buf_put_str(&b, re->pattern);
	buf_puts(&b, ")\\z");
	r = buf_done(&b, NULL);
	return r != 0 ? ERR_NOMEM
		      : compile_text(&re->code, buf_str(&b), dotall, why);
}

static int
compile(
    struct regex *re, const struct regex_options *o, struct regex_error *why)
{
	const int r = o->whole
	    ? compile_whole(re, o->dotall, why)
	    : compile_text(&re->code, re->pattern, o->dotall, why);

	/* Without memory that is writable and executable (a hardened
	 * service), the interpreter does the same, slower. */
	if (r == 0)
		(void)pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE);
	return r;
}

int
regex_new(
    const struct regex_options *o, struct regex **ret, struct regex_error *why)
{
	struct regex *re;
	int r;

	*why = (struct regex_error){ .offset = 0,
		.hint = o->pattern.len == 0
		    ? "write what shall match, or leave it out"
		    : "make several rules of it" };
	if (o->pattern.len == 0 || o->pattern.len > REGEX_PATTERN_MAX) {
		(void)snprintf(why->msg, sizeof(why->msg),
		    "a regular expression has 1 to %d bytes",
		    REGEX_PATTERN_MAX);
		return ERR_INVALID;
	}
	r = check_constructs(o->pattern, why);
	if (r != 0)
		return r;
	re = malloc(sizeof(*re) + o->pattern.len + 1);
	if (re == NULL)
		return ERR_NOMEM;
	memcpy(re->text, o->pattern.s, o->pattern.len);
	re->text[o->pattern.len] = '\0';
	re->pattern = str_n(re->text, o->pattern.len);
	re->whole = o->whole;
	r = compile(re, o, why);
	if (r != 0) {
		free(re);
		return r;
	}
	*ret = re;
	return ERR_OK;
}

void
regex_free(struct regex *re)
{
	if (re == NULL)
		return;
	pcre2_code_free(re->code);
	free(re);
}

struct str
regex_pattern(const struct regex *re)
{
	return re->pattern;
}

bool
regex_is_whole(const struct regex *re)
{
	return re->whole;
}

/* ---- matching ---------------------------------------------------------- */

static int64_t
cpu_ns(void *ctx)
{
	struct timespec t;

	(void)ctx;
	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int
regex_runner_new(
    regex_clock_fn *now, void *ctx, struct regex_runner **ret, struct err *e)
{
	AUTO(regex_runner_freep)
	struct regex_runner *r = mem_new(1, sizeof(*r));

	if (r == NULL)
		return err_nomem(e);
	r->now = now == NULL ? cpu_ns : now;
	r->ctx = ctx;
	r->context = pcre2_match_context_create(NULL);
	r->data = pcre2_match_data_create(1, NULL);
	r->stack = pcre2_jit_stack_create(32768, REGEX_JIT_STACK, NULL);
	if (r->context == NULL || r->data == NULL || r->stack == NULL)
		return err_nomem(e);
	(void)pcre2_set_match_limit(r->context, REGEX_MATCH_LIMIT);
	(void)pcre2_set_depth_limit(r->context, REGEX_DEPTH_LIMIT);
	(void)pcre2_set_heap_limit(r->context, REGEX_HEAP_KIB);
	pcre2_jit_stack_assign(r->context, NULL, r->stack);
	*ret = TAKE_PTR(r);
	return ERR_OK;
}

void
regex_runner_free(struct regex_runner *r)
{
	if (r == NULL)
		return;
	pcre2_match_context_free(r->context);
	pcre2_match_data_free(r->data);
	pcre2_jit_stack_free(r->stack);
	free(r);
}

void
regex_runner_freep(struct regex_runner **r)
{
	regex_runner_free(*r);
	*r = NULL;
}

void
regex_runner_begin(struct regex_runner *r)
{
	r->deadline_ns = 0;
	r->in_decision = 0;
}

void
regex_runner_counts(
    const struct regex_runner *r, uint64_t *ret_matches, uint64_t *ret_errors)
{
	*ret_matches = r->matches;
	*ret_errors = r->errors;
}

/*
 * One match takes a tenth of a millisecond at most; the clock, a system call,
 * is read only for decisions that need many.
 */
static bool
is_late(struct regex_runner *r)
{
	if (++r->in_decision <= REGEX_UNTIMED)
		return false;
	const int64_t now = r->now(r->ctx);

	if (r->deadline_ns == 0)
		r->deadline_ns = now + REGEX_DEADLINE_NS;
	return now >= r->deadline_ns;
}

enum regex_result
regex_match(struct regex_runner *r, const struct regex *re, struct str subject)
{
	int n;

	r->matches++;
	if (subject.len > REGEX_SUBJECT_MAX || is_late(r)) {
		r->errors++;
		return REGEX_ERROR;
	}
	n = pcre2_match(re->code,
	    (PCRE2_SPTR)(subject.s == NULL ? "" : subject.s), subject.len, 0, 0,
	    r->data, r->context);
	if (n == PCRE2_ERROR_NOMATCH)
		return REGEX_NO;
	if (n >= 0)
		return REGEX_YES;
	r->errors++;
	return REGEX_ERROR;
}

bool
regex_may_go_on(struct regex_runner *r, const struct regex *re, struct str head)
{
	int n;

	r->matches++;
	if (head.len == 0 || head.len > REGEX_SUBJECT_MAX || is_late(r))
		return true;
	n = pcre2_match(re->code, (PCRE2_SPTR)(head.s == NULL ? "" : head.s),
	    head.len, 0, PCRE2_PARTIAL_HARD, r->data, r->context);
	return n != PCRE2_ERROR_NOMATCH;
}
