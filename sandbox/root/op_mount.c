/*
 * The mount calls that work by descriptor.
 * Runs in: assent-exec.  Trusts: its callers.  Owns: nothing.
 */
#include "root/mnt.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/mem.h"

#define OPTION_BYTES_MAX 128

int
mnt_tree(int fd, bool deep, int *ret, struct err *e)
{
	unsigned flags = AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int tree;

	if (deep)
		flags |= AT_RECURSIVE;
	tree = open_tree(fd, "", flags);
	if (tree < 0)
		return err_sys(e, "cannot copy a mount");
	*ret = tree;
	return ERR_OK;
}

static int
set(int tree, struct mount_attr *attr, bool deep)
{
	unsigned flags = AT_EMPTY_PATH;

	if (deep)
		flags |= AT_RECURSIVE;
	return mount_setattr(tree, "", flags, attr, sizeof(*attr));
}

int
mnt_restrict(int tree, unsigned flags, bool deep, struct err *e)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_NOSUID };

	if ((flags & MNT_READ_ONLY) != 0)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	if ((flags & MNT_NO_EXEC) != 0)
		attr.attr_set |= MOUNT_ATTR_NOEXEC;
	if ((flags & MNT_DEVICES) == 0)
		attr.attr_set |= MOUNT_ATTR_NODEV;
	if (set(tree, &attr, deep) != 0)
		return err_sys(e, "cannot restrict a mount");
	return ERR_OK;
}

int
mnt_idmap(int tree, int userns, bool deep, struct err *e)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP,
		.userns_fd = (__u64)(unsigned)userns,
	};

	if (set(tree, &attr, deep) == 0)
		return ERR_OK;
	if (errno == EINVAL)
		return err_set(e, ERR_DENIED,
		    "cannot map the owners of files: with this kernel this "
		    "file system cannot show them as another user's (a tmpfs "
		    "can from Linux 6.3 on); use a workspace on a disk, or "
		    "start assent as a plain user");
	return err_sys(e, "cannot map the owners of files");
}

int
mnt_put(int tree, int target, struct err *e)
{
	if (move_mount(tree, "", target, "",
		MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
		return err_sys(e, "cannot attach a mount");
	return ERR_OK;
}

static int
configure(int fs, const char *option)
{
	char key[OPTION_BYTES_MAX];
	char *value;

	if (strlen(option) >= sizeof(key))
		return -1;
	(void)snprintf(key, sizeof(key), "%s", option);
	value = strchr(key, '=');
	if (value == NULL)
		return fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0);
	*value++ = '\0';
	return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
}

int
mnt_new(const char *type, const char *const *options, unsigned flags, int *ret,
    struct err *e)
{
	AUTO_FD int fs = fsopen(type, FSOPEN_CLOEXEC);
	unsigned attr = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	int fd;

	if (fs < 0)
		return err_sys(e, "cannot open the file system '%s'", type);
	for (size_t i = 0; options != NULL && options[i] != NULL; i++) {
		if (configure(fs, options[i]) != 0)
			return err_sys(e, "the file system '%s' refuses '%s'",
			    type, options[i]);
	}
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
		return err_sys(e, "cannot make a '%s' file system", type);
	if ((flags & MNT_READ_ONLY) != 0)
		attr |= MOUNT_ATTR_RDONLY;
	if ((flags & MNT_NO_EXEC) != 0)
		attr |= MOUNT_ATTR_NOEXEC;
	if ((flags & MNT_DEVICES) != 0)
		attr &= ~(unsigned)MOUNT_ATTR_NODEV;
	fd = fsmount(fs, FSMOUNT_CLOEXEC, attr);
	if (fd < 0)
		return err_sys(e, "cannot mount a '%s' file system", type);
	*ret = fd;
	return ERR_OK;
}

int
mnt_private(struct err *e)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return err_sys(e, "cannot make the mounts private");
	return ERR_OK;
}
