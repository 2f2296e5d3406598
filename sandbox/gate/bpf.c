/*
 * Assemble seccomp programs, and evaluate them for tests.
 * Runs in: assent-exec.  Trusts: its callers.  Owns: nothing.
 */
#include "gate/bpf.h"

#include <errno.h>
#include <linux/audit.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

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
#define GROUP 3 /* rules that are looked at one by one */

struct builder {
	struct bpf_program *p;
	const struct bpf_rule *rules;
	uint32_t fallback;
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

/* When the loaded word equals k, the answer is value. */
static void
when_equal(struct builder *b, uint32_t k, uint32_t value)
{
	(void)put(b, BPF_JMP | BPF_JEQ | BPF_K, k, 0, 1);
	ret(b, value);
}

static void
when_bits(struct builder *b, uint32_t k, uint32_t value)
{
	(void)put(b, BPF_JMP | BPF_JSET | BPF_K, k, 0, 1);
	ret(b, value);
}

/*
 * Unix datagram sockets name a receiver with each message, so no check at
 * connect would hold; of netlink only routes and links (its own) are of use.
 */
static void
leaf_socket(struct builder *b, uint32_t good, bool network)
{
	unsigned unix_at, net_at;

	load_arg(b, 0);
	if (!network) {
		(void)put(b, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0);
		ret(b, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	}
	when_equal(b, AF_INET, good);
	when_equal(b, AF_INET6, good);
	unix_at = put(b, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 0);
	net_at = put(b, BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 0);
	ret(b, SECCOMP_RET_ERRNO | EAFNOSUPPORT);
	b->p->at[unix_at].jt = (uint8_t)(b->p->len - unix_at - 1);
	load_arg(b, 1);
	(void)put(b, BPF_ALU | BPF_AND | BPF_K, 0xf, 0, 0);
	when_equal(b, SOCK_STREAM, good);
	when_equal(b, SOCK_SEQPACKET, good);
	ret(b, RET_EPERM);
	b->p->at[net_at].jt = (uint8_t)(b->p->len - net_at - 1);
	load_arg(b, 2);
	when_equal(b, 0, good);
	ret(b, RET_EPERM);
}

static void
leaf_node(struct builder *b, unsigned arg)
{
	load_arg(b, arg);
	when_bits(b, SET_ID_BITS, RET_EPERM);
	(void)put(b, BPF_ALU | BPF_AND | BPF_K, S_IFMT, 0, 0);
	when_equal(b, S_IFCHR, RET_EPERM);
	when_equal(b, S_IFBLK, RET_EPERM);
	ret(b, SECCOMP_RET_USER_NOTIF);
}

static void
leaf_list(struct builder *b, const struct bpf_rule *r, bool only)
{
	load_arg(b, r->arg);
	for (size_t i = 0; i < r->list_count; i++)
		when_equal(b, r->list[i],
		    only ? SECCOMP_RET_ALLOW : (uint32_t)RET_EPERM);
	ret(b, only ? (uint32_t)RET_EPERM : SECCOMP_RET_ALLOW);
}

static void
leaf(struct builder *b, const struct bpf_rule *r)
{
	switch (r->act) {
	case BPF_ACT_ALLOW:
		ret(b, SECCOMP_RET_ALLOW);
		break;
	case BPF_ACT_ERRNO:
		ret(b, SECCOMP_RET_ERRNO | r->value);
		break;
	case BPF_ACT_NOTIFY:
		ret(b, SECCOMP_RET_USER_NOTIF);
		break;
	case BPF_ACT_BITS_ERRNO:
		load_arg(b, r->arg);
		when_bits(b, r->value, RET_EPERM);
		ret(b, SECCOMP_RET_ALLOW);
		break;
	case BPF_ACT_BITS_NOTIFY:
		load_arg(b, r->arg);
		when_bits(b, r->value, SECCOMP_RET_USER_NOTIF);
		ret(b, SECCOMP_RET_ALLOW);
		break;
	case BPF_ACT_ONLY:
		leaf_list(b, r, true);
		break;
	case BPF_ACT_NOT:
		leaf_list(b, r, false);
		break;
	case BPF_ACT_SOCKET:
		leaf_socket(b, SECCOMP_RET_ALLOW, true);
		break;
	case BPF_ACT_SOCKET_UNIX:
		leaf_socket(b, SECCOMP_RET_ALLOW, false);
		break;
	case BPF_ACT_WHO:
		load_arg(b, 0);
		when_equal(b, r->value, RET_EPERM);
		load_arg(b, 1);
		when_equal(b, 1, RET_EPERM);
		ret(b, SECCOMP_RET_ALLOW);
		break;
	case BPF_ACT_SOCKET_NOTIFY:
		leaf_socket(b, SECCOMP_RET_USER_NOTIF, true);
		break;
	case BPF_ACT_NODE:
		leaf_node(b, r->arg);
		break;
	case BPF_ACT_MODE_NOTIFY:
		load_arg(b, r->arg);
		when_bits(b, SET_ID_BITS, RET_EPERM);
		ret(b, SECCOMP_RET_USER_NOTIF);
		break;
	}
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

/* Goes on behind itself when the number is another. */
static void
one(struct builder *b, const struct bpf_rule *r)
{
	unsigned below, above;

	if (r->more == 0) {
		below = put(b, BPF_JMP | BPF_JEQ | BPF_K, r->nr, 0, 0);
		leaf(b, r);
		patch(b, below, false);
		return;
	}
	below = put(b, BPF_JMP | BPF_JGE | BPF_K, r->nr, 0, 0);
	above = put(b, BPF_JMP | BPF_JGT | BPF_K, r->nr + r->more, 0, 0);
	leaf(b, r);
	patch(b, below, false);
	patch(b, above, true);
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
			one(b, &b->rules[i]);
		ret(b, b->fallback);
		return;
	}
	test = put(b, BPF_JMP | BPF_JGE | BPF_K, b->rules[mid].nr, 0, 0);
	tree(b, lo, mid, depth + 1);
	jump_here(b, test);
	tree(b, mid, hi, depth + 1);
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
		tree(&b, 0, count, 0);
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
