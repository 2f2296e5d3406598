/*
 * What the engine's process still needs once it is confined.
 * Runs in: engine.  Trusts: nothing.  Owns: nothing.
 */
#include <sys/syscall.h>

#include "engine_role_int.h"

/* What SQLite, the rules' reload and the clock need beyond every role. */
static const int engine_syscalls[] = {
	SYS_openat,
	SYS_openat2,
	SYS_newfstatat,
	SYS_fstat,
	SYS_stat,
	SYS_lstat,
	SYS_statx,
	SYS_access,
	SYS_faccessat,
	SYS_faccessat2,
	SYS_readlink,
	SYS_readlinkat,
	SYS_getdents64,
	SYS_lseek,
	SYS_pread64,
	SYS_pwrite64,
	SYS_readv,
	SYS_writev,
	SYS_fsync,
	SYS_fdatasync,
	SYS_ftruncate,
	SYS_unlink,
	SYS_unlinkat,
	SYS_rename,
	SYS_renameat,
	SYS_renameat2,
	SYS_fcntl,
	SYS_flock,
	SYS_fchmod,
	SYS_fchown,
	SYS_fallocate,
	SYS_statfs,
	SYS_fstatfs,
	SYS_geteuid,
	SYS_getuid,
	SYS_getcwd,
	SYS_mkdir,
	SYS_getrandom,
	SYS_memfd_create,
	SYS_inotify_add_watch,
	SYS_uname,
};

int
engine_limits(struct role_env *env, struct confine_options *o, struct err *e)
{
	struct engine_process *p = env->self;

	(void)e;
	p->paths[p->path_count++] = (struct confine_path){
		.path = env->config->state_dir,
		.access = CONFINE_READ | CONFINE_WRITE,
	};
	p->paths[p->path_count++] = (struct confine_path){
		/* who started whom: kin.c */
		.path = "/proc",
		.access = CONFINE_READ,
	};
	p->paths[p->path_count++] = (struct confine_path){
		/* the folder: useradd puts another file in the place
		 * of passwd, and a rule holds on to what it was made for */
		.path = "/etc",
		.access = CONFINE_READ,
	};
	o->syscalls = engine_syscalls;
	o->syscall_count = ARRAY_LEN(engine_syscalls);
	o->paths = p->paths;
	o->path_count = p->path_count;
	return ERR_OK;
}
