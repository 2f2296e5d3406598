/*
 * Assemble seccomp programs, and evaluate them for tests.
 * Runs in: assent-exec.  Trusts: its callers.  Owns: nothing.
 */
#include "gate/bpf.h"

#include <errno.h>
#include <linux/audit.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/mem.h"

#if defined(__x86_64__)
#define BPF_ARCH AUDIT_ARCH_X86_64
#define BPF_X32_FIRST 0x40000000U
#elif defined(__aarch64__)
#define BPF_ARCH AUDIT_ARCH_AARCH64
#else
#error "name this architecture's audit number"
#endif

#define RET_EPERM (SECCOMP_RET_ERRNO | EPERM)
#define SET_ID_BITS 06000U
#define JUMP_MAX 255U
#define GROUP 4 /* rules that are looked at one by one */
#define PENDING_MAX 512

/* A jump to what is put behind the tree: a look at arguments, or an answer. */
struct pending {
	unsigned at;
	bool when_true;
	const struct bpf_rule *rule; /* NULL: value is the answer */
	uint32_t value;
};

struct builder {
	struct bpf_program *p;
	const struct bpf_rule *rules;
	uint32_t fallback;
	struct pending pending[PENDING_MAX];
	size_t pending_count;
	bool failed;
};

static unsigned
put(struct builder *b, uint16_t code, uint32_t k, uint8_t jt, uint8_t jf)
{
	struct bpf_program *p = b->p;

	if (p->len == BPF_INSNS_MAX) {
		b->failed = true;
		return 0;
	}
	p->at[p->len] = (struct sock_filter){
		.code = code,
		.jt = jt,
		.jf = jf,
		.k = k,
	};
	return p->len++;
}

static void
ret(struct builder *b, uint32_t value)
{
	(void)put(b, BPF_RET | BPF_K, value, 0, 0);
}

static void
load_arg(struct builder *b, unsigned arg)
{
	/* Little endian: the low half comes first. */
	(void)put(b, BPF_LD | BPF_W | BPF_ABS,
	    (uint32_t)(offsetof(struct seccomp_data, args) + 8UL * arg), 0, 0);
}

/* Jumps over what follows it, up to here. */
static void
patch(struct builder *b, unsigned at, bool when_true)
{
	const unsigned n = b->p->len - at - 1U;

	if (n > JUMP_MAX)
		b->failed = true;
	else if (when_true)
		b->p->at[at].jt = (uint8_t)n;
	else
		b->p->at[at].jf = (uint8_t)n;
}

static void
later(struct builder *b, struct pending jump)
{
	if (b->pending_count == PENDING_MAX)
		b->failed = true;
	else
		b->pending[b->pending_count++] = jump;
}

static void
answer(struct builder *b, unsigned at, bool when_true, uint32_t value)
{
	later(b,
	    (struct pending){
		.at = at,
		.when_true = when_true,
		.value = value,
	    });
}

/* When the loaded word equals k, the answer is value. */
static void
when_equal(struct builder *b, uint32_t k, uint32_t value)
{
	answer(b, put(b, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 0), true, value);
}

static void
when_bits(struct builder *b, uint32_t k, uint32_t value)
{
	answer(b, put(b, BPF_JMP | BPF_JSET | BPF_K, k, 0, 0), true, value);
}

/* After at least one of these. */
static void
otherwise(struct builder *b, uint32_t value)
{
	answer(b, b->p->len - 1U, false, value);
}

static uint32_t
refusal(const struct bpf_rule *r)
{
	return r->tell ? SECCOMP_RET_USER_NOTIF : (uint32_t)RET_EPERM;
}

/* What programs use. Whatever else is asked for, the kernel loads a module. */
static const uint32_t inet_protocols[] = {
	0, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP, IPPROTO_ICMPV6,
	262, /* IPPROTO_MPTCP */
};

static void
leaf_inet(struct builder *b, uint32_t good)
{
	unsigned at;

	load_arg(b, 1);
	(void)put(b, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0);
	at = put(b, BPF_JMP | BPF_JGT | BPF_K, SOCK_RAW, 0, 0);
	answer(b, at, true, SECCOMP_RET_ERRNO | ESOCKTNOSUPPORT);
	load_arg(b, 2);
	for (size_t i = 0; i < ARRAY_LEN(inet_protocols); i++)
		when_equal(b, inet_protocols[i], good);
	otherwise(b, SECCOMP_RET_ERRNO | EPROTONOSUPPORT);
}

/*
 * Unix datagram sockets name a receiver with each message, so no check at
 * connect would hold; of netlink only routes and links (its own) are of use.
 */
static void
leaf_socket(
    struct builder *b, const struct bpf_rule *r, uint32_t good, bool network)
{
	const uint32_t bad = refusal(r);
	unsigned unix_at, net_at, four_at, six_at;

	load_arg(b, 0);
	if (!network) {
		(void)put(b, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 0);
		otherwise(b, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	}
	four_at = put(b, BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 0, 0);
	six_at = put(b, BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 0);
	unix_at = put(b, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 0);
	net_at = put(b, BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 0);
	otherwise(b, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	patch(b, unix_at, true);
	load_arg(b, 1);
	(void)put(b, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0);
	when_equal(b, SOCK_STREAM, good);
	when_equal(b, SOCK_SEQPACKET, good);
	otherwise(b, bad);
	patch(b, net_at, true);
	load_arg(b, 2);
	when_equal(b, 0, good);
	otherwise(b, bad);
	patch(b, four_at, true);
	patch(b, six_at, true);
	leaf_inet(b, good);
}

static void
leaf_node(struct builder *b, unsigned arg)
{
	load_arg(b, arg);
	when_bits(b, SET_ID_BITS, RET_EPERM);
	(void)put(b, BPF_ALU | BPF_AND | BPF_K, S_IFMT, 0, 0);
	when_equal(b, S_IFCHR, RET_EPERM);
	when_equal(b, S_IFBLK, RET_EPERM);
	otherwise(b, SECCOMP_RET_USER_NOTIF);
}

static void
leaf_list(struct builder *b, const struct bpf_rule *r, bool only)
{
	load_arg(b, r->arg);
	for (size_t i = 0; i < r->list_count; i++)
		when_equal(
		    b, r->list[i], only ? SECCOMP_RET_ALLOW : refusal(r));
	if (r->list_count == 0)
		b->failed = true;
	else
		otherwise(b, only ? refusal(r) : SECCOMP_RET_ALLOW);
}

static void
leaf_bits(struct builder *b, const struct bpf_rule *r, uint32_t bits,
    uint32_t with, uint32_t without)
{
	load_arg(b, r->arg);
	when_bits(b, bits, with);
	otherwise(b, without);
}

/* Does the number alone tell? */
static bool
is_plain(const struct bpf_rule *r, uint32_t *ret_value)
{
	if (r->act == BPF_ACT_ALLOW)
		*ret_value = SECCOMP_RET_ALLOW;
	else if (r->act == BPF_ACT_ERRNO)
		*ret_value = SECCOMP_RET_ERRNO | r->value;
	else if (r->act == BPF_ACT_NOTIFY)
		*ret_value = SECCOMP_RET_USER_NOTIF;
	else
		return false;
	return true;
}

static void
leaf(struct builder *b, const struct bpf_rule *r)
{
	switch (r->act) {
	case BPF_ACT_ALLOW:
	case BPF_ACT_ERRNO:
	case BPF_ACT_NOTIFY:
		b->failed = true; /* they look at nothing */
		break;
	case BPF_ACT_BITS_ERRNO:
		leaf_bits(b, r, r->value, refusal(r), SECCOMP_RET_ALLOW);
		break;
	case BPF_ACT_BITS_NOTIFY:
		leaf_bits(
		    b, r, r->value, SECCOMP_RET_USER_NOTIF, SECCOMP_RET_ALLOW);
		break;
	case BPF_ACT_ONLY:
		leaf_list(b, r, true);
		break;
	case BPF_ACT_NOT:
		leaf_list(b, r, false);
		break;
	case BPF_ACT_PRETEND:
		load_arg(b, r->arg);
		when_equal(b, r->value, SECCOMP_RET_ERRNO);
		leaf_list(b, r, false);
		break;
	case BPF_ACT_SOCKET:
		leaf_socket(b, r, SECCOMP_RET_ALLOW, true);
		break;
	case BPF_ACT_SOCKET_UNIX:
		leaf_socket(b, r, SECCOMP_RET_ALLOW, false);
		break;
	case BPF_ACT_WHO:
		load_arg(b, 0);
		when_equal(b, r->value, RET_EPERM);
		load_arg(b, 1);
		when_equal(b, 1, RET_EPERM);
		otherwise(b, SECCOMP_RET_ALLOW);
		break;
	case BPF_ACT_SOCKET_NOTIFY:
		leaf_socket(b, r, SECCOMP_RET_USER_NOTIF, true);
		break;
	case BPF_ACT_NODE:
		leaf_node(b, r->arg);
		break;
	case BPF_ACT_MODE_NOTIFY:
		leaf_bits(
		    b, r, SET_ID_BITS, refusal(r), SECCOMP_RET_USER_NOTIF);
		break;
	}
}

static void
by_rule(
    struct builder *b, unsigned at, bool when_true, const struct bpf_rule *r)
{
	struct pending jump = {
		.at = at,
		.when_true = when_true,
		.rule = r,
	};

	if (is_plain(r, &jump.value))
		jump.rule = NULL;
	later(b, jump);
}

/* Goes on behind itself when the number is a higher one, and one follows. */
static void
one(struct builder *b, const struct bpf_rule *r, bool last)
{
	unsigned at;

	if (r->more == 0) {
		at = put(b, BPF_JMP | BPF_JEQ | BPF_K, r->nr, 0, 0);
		by_rule(b, at, true, r);
		if (last)
			answer(b, at, false, b->fallback);
		return;
	}
	at = put(b, BPF_JMP | BPF_JGE | BPF_K, r->nr, 0, 0);
	answer(b, at, false, b->fallback);
	at = put(b, BPF_JMP | BPF_JGT | BPF_K, r->nr + r->more, 0, 0);
	by_rule(b, at, false, r);
	if (last)
		answer(b, at, true, b->fallback);
}

static bool
same(const struct pending *p, const struct pending *q)
{
	const struct bpf_rule *x = p->rule, *y = q->rule;

	if (x == NULL || y == NULL)
		return x == y && p->value == q->value;
	return x->act == y->act && x->tell == y->tell && x->arg == y->arg &&
	    x->value == y->value && x->list == y->list &&
	    x->list_count == y->list_count;
}

/* Puts what the first of them waits for, and lets all alike jump to it. */
static void
put_first(struct builder *b, size_t first)
{
	const struct pending it = b->pending[first];
	size_t left = first;

	for (size_t i = first; i < b->pending_count; i++) {
		if (same(&it, &b->pending[i]))
			patch(b, b->pending[i].at, b->pending[i].when_true);
		else
			b->pending[left++] = b->pending[i];
	}
	b->pending_count = left;
	if (it.rule == NULL)
		ret(b, it.value);
	else
		leaf(b, it.rule);
}

/* Looks at arguments first: they wait for answers, too. Each stands once. */
static void
put_pending(struct builder *b)
{
	size_t i = 0;

	while (i < b->pending_count && !b->failed) {
		if (b->pending[i].rule == NULL)
			i++;
		else
			put_first(b, i);
	}
	while (b->pending_count > 0 && !b->failed)
		put_first(b, 0);
	b->pending_count = 0;
}

/* A jump reaches 255 instructions: a longer one goes by way of another. */
static void
jump_here(struct builder *b, unsigned test)
{
	struct bpf_program *p = b->p;
	const unsigned n = p->len - test - 1U;

	if (n <= JUMP_MAX) {
		p->at[test].jt = (uint8_t)n;
		return;
	}
	(void)put(b, BPF_JMP | BPF_JA, 0, 0, 0);
	if (b->failed)
		return;
	memmove(&p->at[test + 2], &p->at[test + 1], n * sizeof(p->at[0]));
	p->at[test].jf = 1;
	p->at[test + 1] = (struct sock_filter){
		.code = BPF_JMP | BPF_JA,
		.k = n,
	};
}

/* Rules lo (included) to hi (excluded); the accumulator holds the number. */
static void
tree(struct builder *b, size_t lo, size_t hi, unsigned depth)
{
	const size_t mid = lo + (hi - lo) / 2;
	unsigned test;

	if (b->failed || depth > 16)
		return;
	if (hi - lo <= GROUP) {
		for (size_t i = lo; i < hi; i++)
			one(b, &b->rules[i], i + 1 == hi);
		return;
	}
	test = put(b, BPF_JMP | BPF_JGE | BPF_K, b->rules[mid].nr, 0, 0);
	tree(b, lo, mid, depth + 1);
	patch(b, test, true);
	tree(b, mid, hi, depth + 1);
}

/* One tree with its answers; or two, where a jump would be too long. */
static void
forest(struct builder *b, size_t lo, size_t hi, unsigned depth)
{
	const size_t mid = lo + (hi - lo) / 2;
	const unsigned short begin = b->p->len;
	unsigned test;

	tree(b, lo, hi, 0);
	put_pending(b);
	if (!b->failed || hi - lo < 2 || depth > 8)
		return;
	b->failed = false;
	b->pending_count = 0;
	b->p->len = begin;
	test = put(b, BPF_JMP | BPF_JGE | BPF_K, b->rules[mid].nr, 0, 0);
	forest(b, lo, mid, depth + 1);
	jump_here(b, test);
	forest(b, mid, hi, depth + 1);
}

int
bpf_build(const struct bpf_rule *rules, size_t count, uint32_t fallback,
    struct bpf_program *prog)
{
	struct builder b = {
		.p = prog,
		.rules = rules,
		.fallback = fallback,
	};

	for (size_t i = 1; i < count; i++) {
		if (rules[i - 1].nr + rules[i - 1].more >= rules[i].nr)
			return -1;
	}
	prog->len = 0;
	(void)put(&b, BPF_LD | BPF_W | BPF_ABS,
	    offsetof(struct seccomp_data, arch), 0, 0);
	(void)put(&b, BPF_JMP | BPF_JEQ | BPF_K, BPF_ARCH, 1, 0);
	ret(&b, SECCOMP_RET_KILL_PROCESS);
	(void)put(&b, BPF_LD | BPF_W | BPF_ABS,
	    offsetof(struct seccomp_data, nr), 0, 0);
#ifdef BPF_X32_FIRST
	(void)put(&b, BPF_JMP | BPF_JGE | BPF_K, BPF_X32_FIRST, 0, 1);
	ret(&b, SECCOMP_RET_ERRNO | ENOSYS);
#endif
	if (count == 0)
		ret(&b, fallback);
	else
		forest(&b, 0, count, 0);
	return b.failed ? -1 : 0;
}

static bool
jump_taken(const struct sock_filter *i, uint32_t a)
{
	switch (BPF_OP(i->code)) {
	case BPF_JEQ:
		return a == i->k;
	case BPF_JGE:
		return a >= i->k;
	case BPF_JGT:
		return a > i->k;
	default:
		return (a & i->k) != 0;
	}
}

uint32_t
bpf_run(const struct bpf_program *p, const struct seccomp_data *data)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < p->len; pc++) {
		const struct sock_filter *i = &p->at[pc];

		switch (BPF_CLASS(i->code)) {
		case BPF_LD:
			memcpy(&a, (const char *)data + i->k, sizeof(a));
			break;
		case BPF_ALU:
			a &= i->k;
			break;
		case BPF_JMP:
			if (BPF_OP(i->code) == BPF_JA)
				pc += i->k;
			else
				pc += jump_taken(i, a) ? i->jt : i->jf;
			break;
		default:
			return i->k;
		}
	}
	return SECCOMP_RET_KILL_PROCESS;
}
