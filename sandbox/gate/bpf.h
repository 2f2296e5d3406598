#ifndef SANDBOX_BPF_H
#define SANDBOX_BPF_H
/*
 * Classic BPF programs for seccomp, built as a balanced tree over system
 * call numbers: the kernel evaluates ten instructions, not four hundred. Each
 * answer stands once: every run has its program translated by the kernel.
 *
 *     bpf_build(rules, count, &prog)        rules in order of number
 *     bpf_run(&prog, &data)                 what the kernel would answer
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BPF_INSNS_MAX 1024

enum bpf_act {
	BPF_ACT_ALLOW,
	BPF_ACT_ERRNO, /* value */
	BPF_ACT_NOTIFY,
	/* Looks at arguments; the low 32 bits, as the kernel does. */
	BPF_ACT_BITS_ERRNO, /* EPERM when arg & value is not 0 */
	BPF_ACT_BITS_NOTIFY, /* the supervisor when arg & value is not 0 */
	BPF_ACT_ONLY, /* EPERM unless arg is one of list */
	BPF_ACT_NOT, /* EPERM when arg is one of list */
	BPF_ACT_PRETEND, /* the same; said to be done when arg is value */
	BPF_ACT_SOCKET, /* families, types and netlink protocols */
	BPF_ACT_SOCKET_UNIX, /* the same without any network */
	BPF_ACT_SOCKET_NOTIFY, /* the supervisor learns of those allowed */
	/* arg 0 says what arg 1 names: EPERM when it is value (all processes
	 * of a user), or arg 1 is the first process. */
	BPF_ACT_WHO,
	BPF_ACT_NODE, /* mknod: no devices; else the supervisor */
	BPF_ACT_MODE_NOTIFY, /* no set-id bits in arg; else the supervisor */
};

struct bpf_rule {
	unsigned nr;
	unsigned more; /* the same for so many numbers after nr */
	enum bpf_act act;
	/* The supervisor refuses, and says so, where it would be EPERM. */
	bool tell;
	unsigned arg; /* index */
	uint32_t value;
	const uint32_t *list;
	size_t list_count;
};

struct bpf_program {
	struct sock_filter at[BPF_INSNS_MAX];
	unsigned short len;
};

/* fallback: the answer to what no rule names, SECCOMP_RET_*.
 * 0, or -1 when the rules are not sorted or the program grows too long. */
int bpf_build(const struct bpf_rule *rules, size_t count, uint32_t fallback,
    struct bpf_program *ret);
/* The kernel's answer, for tests: SECCOMP_RET_* with data. */
uint32_t bpf_run(const struct bpf_program *p, const struct seccomp_data *data);

#endif
