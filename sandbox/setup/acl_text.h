#ifndef SANDBOX_ACL_TEXT_H
#define SANDBOX_ACL_TEXT_H
/*
 * An ACL as the kernel keeps it (system.posix_acl_access and _default), and
 * what is added to it. Pure.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ACL_ENTRIES_MAX 256
#define ACL_BYTES_MAX (4 + ACL_ENTRIES_MAX * 8)

enum acl_tag {
	ACL_USER_OBJ = 0x01,
	ACL_USER = 0x02,
	ACL_GROUP_OBJ = 0x04,
	ACL_GROUP = 0x08,
	ACL_MASK = 0x10,
	ACL_OTHER = 0x20,
};

struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

struct acl {
	struct acl_entry at[ACL_ENTRIES_MAX + 4];
	size_t count;
};

/* The three entries that a mode stands for. */
void acl_of_mode(mode_t mode, struct acl *ret);
/* False: not one that this kernel could have made. */
bool acl_decode(const uint8_t *bytes, size_t len, struct acl *ret);
size_t acl_encode(const struct acl *a, uint8_t ret[static ACL_BYTES_MAX]);
/* An entry of its own; what the mask held back from others stays so. */
bool acl_add(struct acl *a, uint16_t tag, uint32_t id, uint16_t perm);
void acl_take_out(struct acl *a, uint16_t tag, uint32_t id);
/* No more than a mode can say; then *ret_group are the group's three bits. */
bool acl_is_mode(const struct acl *a, mode_t *ret_group);
/* The bits of that base entry. */
uint16_t acl_perm(const struct acl *a, uint16_t tag);
void acl_set_perm(struct acl *a, uint16_t tag, uint16_t perm);

#endif
