/*
 * The wrappers: how each is called and where its command begins. Sorted by
 * name (a test checks it). An option that is not listed refuses the part, so
 * a gap here costs a question, never an allow.
 * Runs in: engine, assent.  Trusts: nothing.  Owns: constants.
 */
#include "shell/wrappers.h"

#define NO ""

/* "docker run" and its long name. */
static const char docker_run_flags[] =
    "detach init interactive no-healthcheck oom-kill-disable "
    "privileged publish-all quiet read-only rm sig-proxy tty";
static const char docker_run_values[] =
    "add-host annotation attach blkio-weight cap-add "
    "cap-drop cgroup-parent cgroupns cidfile cpu-period "
    "cpu-quota cpu-shares cpus cpuset-cpus cpuset-mems "
    "detach-keys device dns dns-option dns-search domainname "
    "entrypoint env env-file expose gpus group-add "
    "health-cmd health-interval health-retries "
    "health-timeout hostname ip ip6 ipc isolation label "
    "label-file link log-driver log-opt mac-address memory "
    "memory-reservation memory-swap mount name network "
    "network-alias net oom-score-adj pid pids-limit platform "
    "publish pull restart runtime security-opt shm-size "
    "stop-signal stop-timeout storage-opt sysctl tmpfs "
    "ulimit user userns uts volume volume-driver "
    "volumes-from workdir";

const struct wrapper wrapper_table[] = {
	{ ".", NO, NO, NO, NO, W_KEEP, 0, 0, NO, NO, wrap_source },
	{ "Rscript", NO, NO, NO, NO, W_KEEP, 0, 0, "e", NO, wrap_interpreter },
	{ "asdf exec", NO, NO, NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "ash", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
	{ "at", NO, NO, NO, NO, 0, CONTEXT_REPEATED, 0, NO, NO, wrap_at },
	{ "autossh", "1246AaCfGgKkMNnqsTtVvXxYy", "BbcDEeFIiJLlmOopQRSWw", NO,
	    NO, 0, CONTEXT_REMOTE, 0, NO, NO, wrap_ssh },
	{ "bash", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
	{ "batch", NO, NO, NO, NO, 0, CONTEXT_REPEATED, 0, NO, NO, wrap_at },
	{ "bear", "hv", "o",
	    "append force-wrapper force-preload verbose help version",
	    "output config", W_NEEDS_DASHES, 0, 0, NO, NO, NULL },
	{ "builtin", NO, NO, NO, NO, W_BUILTIN, 0, 0, NO, NO, NULL },
	{ "bun x", NO, NO, "bun", NO, 0, 0, 0, NO, NO, NULL },
	{ "bundle exec", NO, NO, "keep-file-descriptors", "gemfile", 0, 0, 0,
	    NO, NO, NULL },
	{ "bunx", NO, NO, "bun", NO, 0, 0, 0, NO, NO, NULL },
	{ "busybox", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_busybox },
	{ "bwrap", NO, NO,
	    "unshare-all unshare-user unshare-ipc unshare-pid "
	    "unshare-net unshare-uts unshare-cgroup share-net "
	    "die-with-parent new-session as-pid-1 clearenv help "
	    "version",
	    "chdir unsetenv proc dev tmpfs mqueue dir perms size "
	    "lock-file uid gid hostname seccomp args",
	    0, CONTEXT_CONTAINER, 0, NO, NO, NULL },
	{ "catchsegv", NO, NO, NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "ccache", NO, NO, NO, NO, W_KEEP, 0, 0, NO, NO, NULL },
	{ "chpst", "vP012", "uUbeotlnmdcf/", NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "chronic", "ve", NO, NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "chroot", NO, NO, "skip-chdir help version", "groups userspec",
	    W_ABBREV, CONTEXT_CONTAINER | CONTEXT_PRIVILEGE, 1, NO, NO, NULL },
	{ "chrt", "abdfimoprRvhV", "TPD",
	    "all-tasks batch deadline fifo idle max other pid rr "
	    "reset-on-fork verbose help version",
	    "sched-runtime sched-period sched-deadline", W_ABBREV, 0, 1, NO, NO,
	    NULL },
	{ "command", "pvV", NO, NO, NO, W_BUILTIN, 0, 0, NO, NO, wrap_command },
	{ "concurrently", "krgm", "ncpt",
	    "kill-others raw group kill-others-on-fail",
	    "names prefix-colors prefix success max-processes", 0, 0, 0, NO, NO,
	    wrap_texts },
	{ "conda run", "v", "np", "no-capture-output live-stream verbose",
	    "name prefix cwd", 0, 0, 0, NO, "cwd", NULL },
	{ "cpulimit", "zvib", "lpe", "lazy verbose include-children background",
	    "limit pid exe", 0, 0, 0, NO, NO, NULL },
	{ "cross-env", NO, NO, NO, NO, W_ASSIGNS, 0, 0, NO, NO, NULL },
	{ "cross-env-shell", NO, NO, NO, NO, W_ASSIGNS | W_TEXT, 0, 0, NO, NO,
	    NULL },
	{ "csh", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
	{ "daemonize", "av", "ceopluE", NO, NO, 0, CONTEXT_BACKGROUND, 0, NO,
	    "c", NULL },
	{ "dash", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
	{ "dbus-launch", NO, NO,
	    "exit-with-session sh-syntax csh-syntax auto-syntax "
	    "binary-syntax close-stderr",
	    "config-file", 0, 0, 0, NO, NO, NULL },
	{ "dbus-run-session", NO, NO, "help version", "config-file dbus-daemon",
	    0, 0, 0, NO, NO, NULL },
	{ "direnv exec", NO, NO, NO, NO, 0, 0, 1, NO, NO, NULL },
	{ "distcc", NO, NO, NO, NO, W_KEEP, 0, 0, NO, NO, NULL },
	{ "doas", "Lns", "Cu", NO, NO, 0, CONTEXT_PRIVILEGE, 0, NO, NO,
	    wrap_sudo },
	{ "docker compose exec", "dT", "euw",
	    "detach privileged no-TTY no-tty interactive tty",
	    "env index user workdir", 0, CONTEXT_CONTAINER, 1, NO, NO, NULL },
	{ "docker compose run", "dTiPq", "elpuvw",
	    "build detach interactive no-TTY no-deps quiet-pull rm "
	    "service-ports use-aliases remove-orphans",
	    "entrypoint env label name publish user volume workdir "
	    "cap-add cap-drop pull",
	    W_ENTRYPOINT, CONTEXT_CONTAINER, 1, NO, NO, NULL },
	{ "docker container exec", "dit", "euw",
	    "detach interactive privileged tty",
	    "detach-keys env env-file user workdir", 0, CONTEXT_CONTAINER, 1,
	    NO, NO, NULL },
	{ "docker container run", "diPqt", "aceEhlmpuvw", docker_run_flags,
	    docker_run_values, W_ENTRYPOINT, CONTEXT_CONTAINER, 1, NO, NO,
	    NULL },
	{ "docker exec", "dit", "euw", "detach interactive privileged tty",
	    "detach-keys env env-file user workdir", 0, CONTEXT_CONTAINER, 1,
	    NO, NO, NULL },
	{ "docker run", "diPqt", "aceEhlmpuvw", docker_run_flags,
	    docker_run_values, W_ENTRYPOINT, CONTEXT_CONTAINER, 1, NO, NO,
	    NULL },
	{ "docker-compose exec", "dT", "euw", "detach privileged no-TTY",
	    "env index user workdir", 0, CONTEXT_CONTAINER, 1, NO, NO, NULL },
	{ "dotenv", NO, "efv", "override no-override", "file", W_ASSIGNS, 0, 0,
	    NO, NO, NULL },
	{ "entr", "acdnprsxz", NO, NO, NO, 0, CONTEXT_REPEATED, 0, NO, NO,
	    NULL },
	{ "env", "0iv", "CSu",
	    "ignore-environment null debug help version block-signal "
	    "default-signal ignore-signal list-signal-handling",
	    "chdir split-string unset block-signal default-signal "
	    "ignore-signal",
	    W_ASSIGNS | W_ABBREV, 0, 0, NO, "C chdir", wrap_env },
	{ "exec", "cl", "a", NO, NO, 0, 0, 0, NO, NO, wrap_exec },
	{ "fakeroot", "hvu", "lsib", "unknown-is-real help version",
	    "lib faked", W_SHELL, 0, 0, NO, NO, NULL },
	{ "faketime", "m", "fp", NO, "date-prog", 0, 0, 1, NO, NO, NULL },
	{ "fd", NO, NO, NO, NO, W_KEEP, 0, 0, NO, NO, wrap_fd },
	{ "fdfind", NO, NO, NO, NO, W_KEEP, 0, 0, NO, NO, wrap_fd },
	{ "find", NO, NO, NO, NO, W_KEEP, 0, 0, NO, NO, wrap_find },
	{ "firejail", "c?h", NO,
	    "quiet private net noprofile help version caps.drop "
	    "seccomp nonewprivs",
	    "profile whitelist blacklist net private read-only name", 0, 0, 0,
	    NO, NO, NULL },
	{ "fish", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
	{ "flock", "exnsuoFhV", "wEc",
	    "shared exclusive unlock nonblock close no-fork verbose "
	    "nb help version",
	    "wait timeout conflict-exit-code command", W_ABBREV, 0, 1, NO, NO,
	    wrap_flock },
	{ "gdb", NO, NO,
	    "args batch nx nh quiet q n silent batch-silent h help "
	    "version",
	    "ex eval-command x command p pid core c cd d directory "
	    "iex ix s symbols e exec se tty",
	    W_KEEP | W_ONE_DASH, 0, 0, NO, NO, wrap_gdb },
	{ "git", "hvpP", "cC",
	    "version help html-path man-path info-path paginate "
	    "no-pager no-replace-objects bare literal-pathspecs "
	    "glob-pathspecs noglob-pathspecs icase-pathspecs "
	    "no-optional-locks no-advice exec-path",
	    "exec-path git-dir work-tree namespace super-prefix "
	    "config-env list-cmds attr-source",
	    W_KEEP, 0, 0, NO, NO, wrap_git },
	{ "gmake", NO, NO, NO, NO, W_KEEP, 0, 0, NO, NO, wrap_make },
	{ "gtimeout", "v", "ks",
	    "foreground preserve-status verbose help version",
	    "kill-after signal", W_ABBREV, 0, 1, NO, NO, NULL },
	{ "hatch run", "vq", "ep", "verbose quiet", "env project", 0, 0, 0, NO,
	    NO, NULL },
	{ "heaptrack", "r", "o", "raw record-only", "output", 0, 0, 0, NO, NO,
	    NULL },
	{ "hyperfine", "Ni", "wmMrpcPDLns",
	    "show-output ignore-failure no-shell help version",
	    "warmup min-runs max-runs runs setup prepare conclude "
	    "cleanup parameter-scan parameter-list shell export-json "
	    "export-markdown export-csv style time-unit command-name "
	    "output input sort",
	    0, 0, 0, "p prepare s setup c cleanup C conclude", NO, wrap_texts },
	{ "ionice", "thV", "cnpPu", "ignore help version",
	    "class classdata pid pgid uid", W_ABBREV, 0, 0, NO, NO, NULL },
	{ "julia", NO, "JLCpt", NO, NO, W_KEEP, 0, 0, "e E eval print", NO,
	    wrap_interpreter },
	{ "ksh", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
	{ "ksh93", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
	{ "kubectl exec", NO, NO, NO, NO, 0, CONTEXT_REMOTE, 0, NO, NO,
	    wrap_kubectl },
	{ "linux32", NO, NO, NO, NO, W_SHELL, 0, 0, NO, NO, NULL },
	{ "linux64", NO, NO, NO, NO, W_SHELL, 0, 0, NO, NO, NULL },
	{ "ltrace", "bcCfhiLrStTV", "aAeFlnopsuwx",
	    "demangle help version no-signals",
	    "align config debug indent library output where", 0, 0, 0, NO, NO,
	    NULL },
	{ "lua", NO, "lW", NO, NO, W_KEEP, 0, 0, "e v i", NO,
	    wrap_interpreter },
	{ "luajit", NO, "lbj", NO, NO, W_KEEP, 0, 0, "e v i", NO,
	    wrap_interpreter },
	{ "make", NO, NO, NO, NO, W_KEEP, 0, 0, NO, NO, wrap_make },
	{ "mise exec", "q", "Cc", "quiet raw", "cd command jobs",
	    W_NEEDS_DASHES, 0, 0, "c command", "C cd", NULL },
	{ "mise x", "q", "Cc", "quiet raw", "cd command jobs", W_NEEDS_DASHES,
	    0, 0, "c command", "C cd", NULL },
	{ "mksh", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
	{ "newgrp", NO, NO, NO, NO, W_KEEP, CONTEXT_PRIVILEGE, 0, NO, NO,
	    NULL },
	{ "nice", "0123456789", "n", "help version", "adjustment", W_ABBREV, 0,
	    0, NO, NO, NULL },
	{ "nix develop", NO, "c", "impure offline quiet",
	    "ignore-environment profile", W_KEEP, 0, 0, NO, NO, wrap_nix },
	{ "nix shell", NO, "c", "impure offline quiet",
	    "ignore-environment profile", W_KEEP, 0, 0, NO, NO, wrap_nix },
	{ "nix-shell", NO, "pAE", "pure impure quiet",
	    "run command packages attr expr arg argstr", W_KEEP, 0, 0,
	    "run command", NO, NULL },
	{ "node", NO, "rCp", NO, NO, W_KEEP, 0, 0, "e p eval print test check",
	    NO, wrap_interpreter },
	{ "nodejs", NO, "rCp", NO, NO, W_KEEP, 0, 0,
	    "e p eval print test check", NO, wrap_interpreter },
	{ "nodemon", "qVL", "xewidI",
	    "quiet verbose legacy-watch no-stdin help version",
	    "exec ext watch ignore delay signal", W_KEEP, CONTEXT_REPEATED, 0,
	    "x exec", NO, NULL },
	{ "nohup", NO, NO, "help version", NO, W_ABBREV, 0, 0, NO, NO, NULL },
	{ "npm exec", "yq", "pcw", "yes no quiet workspaces offline",
	    "package call workspace", 0, 0, 0, "c call", NO, NULL },
	{ "npm x", "yq", "pcw", "yes no quiet workspaces offline",
	    "package call workspace", 0, 0, 0, "c call", NO, NULL },
	{ "npx", "yq", "pcnw",
	    "yes no no-install quiet ignore-existing offline "
	    "prefer-offline workspaces help version",
	    "package call workspace node-arg", 0, 0, 0, "c call", NO, NULL },
	{ "nsenter", "aFhVZemuinpCUTrw", "tSGWmuinpCUTrw",
	    "all preserve-credentials no-fork follow-context env "
	    "help version mount uts ipc net pid user cgroup time "
	    "root wd",
	    "target setuid setgid wdns mount uts ipc net pid user "
	    "cgroup time root wd",
	    0, CONTEXT_CONTAINER | CONTEXT_PRIVILEGE, 0, NO, NO, NULL },
	{ "numactl", "lhsH", "imNCpP",
	    "localalloc hardware show all preferred-many",
	    "interleave membind cpunodebind physcpubind preferred", 0, 0, 0, NO,
	    NO, NULL },
	{ "oc exec", NO, NO, NO, NO, 0, CONTEXT_REMOTE, 0, NO, NO,
	    wrap_kubectl },
	{ "parallel", "0kquXmtvV", "aCdDEIijLlMNnPrSsW",
	    "keep-order quote line-buffer linebuffer ungroup group "
	    "xargs dry-run dryrun bar progress eta no-notice "
	    "will-cite verbose no-run-if-empty null tag silent help "
	    "version halt-on-error bg fg wait citation plus",
	    "arg-file colsep delimiter halt jobs joblog max-args "
	    "max-chars max-procs max-replace-args max-lines nice "
	    "retries results sshlogin sshloginfile timeout tmpdir "
	    "load memfree shuf tagstring rpl delay header workdir "
	    "env resume",
	    W_ABBREV, 0, 0, NO, NO, wrap_parallel },
	{ "pdm run", "vqs", "p", "verbose quiet site-packages no-site-packages",
	    "project", 0, 0, 0, NO, NO, NULL },
	{ "perf record", "agGFvqTdb", "eFcopiumCtM",
	    "all-cpus call-graph verbose quiet timestamp no-inherit",
	    "event count freq output pid call-graph", 0, 0, 0, NO, NO, NULL },
	{ "perf stat", "advABnSi", "erpCopxtI",
	    "all-cpus detailed verbose no-aggr null sync big-num "
	    "no-big-num",
	    "event repeat pid cpu output delay field-separator", 0, 0, 0, NO,
	    NO, NULL },
	{ "perl", NO, "I", "iMmxCDFV0dl", NO, W_KEEP, 0, 0, "e E v", NO,
	    wrap_interpreter },
	{ "php", NO, "cdzt", NO, NO, W_KEEP, 0, 0,
	    "r f B R F E S m i run file server", NO, wrap_interpreter },
	{ "pipenv run", NO, NO, NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "pipx run", "vq", NO, "verbose quiet no-cache",
	    "spec python pip-args index-url", 0, 0, 0, NO, NO, NULL },
	{ "pkexec", NO, NO, "disable-internal-agent help version keep-cwd",
	    "user", 0, CONTEXT_PRIVILEGE, 0, NO, NO, NULL },
	{ "pnpm dlx", "cs", NO, "silent shell-mode", "package", 0, 0, 0, NO, NO,
	    NULL },
	{ "pnpm exec", "cr", NO, "recursive parallel shell-mode", NO, 0, 0, 0,
	    NO, NO, NULL },
	{ "podman exec", "ditl", "euw",
	    "detach interactive privileged tty latest",
	    "detach-keys env env-file user workdir", 0, CONTEXT_CONTAINER, 1,
	    NO, NO, NULL },
	{ "podman run", "diPqt", "aceEhlmpuvw",
	    "detach init interactive no-healthcheck oom-kill-disable "
	    "privileged publish-all quiet read-only rm sig-proxy tty "
	    "replace rmi",
	    "add-host annotation attach cap-add cap-drop cidfile "
	    "cpus device dns entrypoint env env-file expose gpus "
	    "group-add hostname ip ipc label link log-driver log-opt "
	    "memory mount name network net pid pids-limit platform "
	    "pod publish pull restart runtime security-opt shm-size "
	    "stop-signal sysctl timeout tmpfs ulimit user userns uts "
	    "volume volumes-from workdir",
	    W_ENTRYPOINT, CONTEXT_CONTAINER, 1, NO, NO, NULL },
	{ "poetry run", NO, NO, NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "prlimit", "hV", NO,
	    "noheadings raw verbose help version core cpu data fsize "
	    "nofile nproc as stack memlock",
	    "pid output core cpu data fsize nofile nproc as stack memlock", 0,
	    0, 0, NO, NO, NULL },
	{ "proxychains", "q", "f", NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "proxychains4", "q", "f", NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "pyenv exec", NO, NO, NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "python", NO, "WX", NO, NO, W_KEEP, 0, 0, "c m", NO,
	    wrap_interpreter },
	{ "python2", NO, "WX", NO, NO, W_KEEP, 0, 0, "c m", NO,
	    wrap_interpreter },
	{ "python3", NO, "WX", NO, NO, W_KEEP, 0, 0, "c m", NO,
	    wrap_interpreter },
	{ "rbash", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
	{ "rbenv exec", NO, NO, NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "rlwrap", "acimnNoprRuv", "bCdefFgHlMPqsStwz", NO, NO, 0, 0, 0, NO,
	    NO, NULL },
	{ "rr record", "hnwu", "cso", "chaos no-syscall-buffer",
	    "output-trace-dir", 0, 0, 0, NO, NO, NULL },
	{ "ruby", NO, "IrC", "iEFKTWx0", NO, W_KEEP, 0, 0, "e v", NO,
	    wrap_interpreter },
	{ "runcon", "c", "tulr", "compute help version", "type user role range",
	    W_ABBREV, 0, 1, NO, NO, NULL },
	{ "runuser", "lmpfPhV", "ucsgGwT",
	    "login preserve-environment fast pty help version",
	    "user command session-command shell group supp-group "
	    "whitelist-environment",
	    W_ABBREV, CONTEXT_PRIVILEGE, 0, NO, NO, wrap_su },
	{ "rustup run", NO, NO, "install", NO, 0, 0, 1, NO, NO, NULL },
	{ "rye run", NO, NO, NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "scan-build", "vkV", "o", "status-bugs keep-going use-cc",
	    "use-analyzer", 0, 0, 0, NO, NO, NULL },
	{ "sccache", NO, NO, NO, NO, W_KEEP, 0, 0, NO, NO, NULL },
	{ "script", "aefqhV", "cBEIOTlmot",
	    "append return flush force quiet help version",
	    "command echo log-in log-out log-io log-timing "
	    "logging-format output-limit timing",
	    W_ABBREV | W_KEEP, 0, 0, "c command", NO, wrap_script },
	{ "setarch", "BFILRSTXZ3vhV", NO,
	    "32bit addr-no-randomize uname-2.6 verbose help version", NO,
	    W_ABBREV | W_ARCH | W_SHELL, 0, 0, NO, NO, NULL },
	{ "setpriv", "dhV", NO,
	    "dump no-new-privs nnp clear-groups keep-groups "
	    "init-groups reset-env help version",
	    "ambient-caps inh-caps bounding-set ruid euid rgid egid "
	    "reuid regid groups securebits pdeathsig selinux-label "
	    "apparmor-profile",
	    W_ABBREV, 0, 0, NO, NO, NULL },
	{ "setsid", "cfwhV", NO, "ctty fork wait help version", NO, W_ABBREV,
	    CONTEXT_BACKGROUND, 0, NO, NO, NULL },
	{ "sg", NO, "c", NO, NO, 0, CONTEXT_PRIVILEGE, 1, "c", NO, wrap_sg },
	{ "sh", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
	{ "shx", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_busybox },
	{ "softlimit", NO, "acdflmoprst", NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "source", NO, NO, NO, NO, W_KEEP, 0, 0, NO, NO, wrap_source },
	{ "ssh", "46AaCfGgKkMNnqsTtVvXxYy", "BbcDEeFIiJLlmOopQRSWw", NO, NO, 0,
	    CONTEXT_REMOTE, 0, NO, NO, wrap_ssh },
	{ "ssh-agent", "cDdks", "aEOPt", NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "sshpass", "ehvV", "dfpP", NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "start-stop-daemon", "SKTHobtvqmVC", "xpsunNIkdrRcga",
	    "start stop status background test verbose quiet "
	    "make-pidfile oknodo",
	    "exec pidfile signal user name startas chdir chuid group "
	    "nicelevel retry",
	    W_KEEP, 0, 0, NO, NO, wrap_refuse },
	{ "stdbuf", NO, "eio", "help version", "input output error", W_ABBREV,
	    0, 0, NO, NO, NULL },
	{ "strace", "cCdDfFhiknqrtTvVwxyYzZ", "abeEIoOpPsSuUX",
	    "follow-forks help version summary-only summary "
	    "instruction-pointer no-abbrev relative-timestamps "
	    "absolute-timestamps syscall-times decode-fds quiet "
	    "successful-only failed-only seccomp-bpf "
	    "output-separately stack-traces daemonize",
	    "trace signal expr detach-on env output attach "
	    "string-limit user columns status abbrev inject fault "
	    "quiet decode-fds const-print-style trace-path",
	    W_ABBREV, 0, 0, NO, NO, NULL },
	{ "su", "lmpfPhV", "csgGwT",
	    "login preserve-environment fast pty help version",
	    "command session-command shell group supp-group "
	    "whitelist-environment",
	    W_ABBREV, CONTEXT_PRIVILEGE, 0, NO, NO, wrap_su },
	{ "sudo", "AbBEeHiKklnNPSsVv", "CcDghpRrTtUu",
	    "askpass background bell preserve-env edit set-home "
	    "login remove-timestamp reset-timestamp list "
	    "non-interactive preserve-groups stdin shell version "
	    "validate help no-update",
	    "close-from chdir preserve-env group host prompt chroot "
	    "role command-timeout type other-user user login-class",
	    W_ASSIGNS | W_ABBREV, CONTEXT_PRIVILEGE, 0, NO, "D chdir",
	    wrap_sudo },
	{ "systemd-inhibit", "h", NO, "help version no-pager no-legend",
	    "what who why mode", 0, 0, 0, NO, NO, NULL },
	{ "systemd-run", "dGPqrSthM", "EHMpu",
	    "user system scope slice-inherit remain-after-exit "
	    "send-sighup same-dir pty pipe quiet collect no-block "
	    "wait shell no-ask-password help version",
	    "unit property description slice service-type uid gid "
	    "nice working-directory setenv host machine on-active "
	    "on-boot on-calendar timer-property path-property "
	    "socket-property",
	    0, CONTEXT_PRIVILEGE | CONTEXT_BACKGROUND, 0, NO,
	    "working-directory", NULL },
	{ "taskset", "apchV", NO, "all-tasks pid cpu-list help version", NO,
	    W_ABBREV, 0, 1, NO, NO, NULL },
	{ "tclsh", NO, NO, NO, NO, W_KEEP, 0, 0, NO, NO, wrap_interpreter },
	{ "tcsh", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
	{ "time", "apqvhV", "fo",
	    "append portability quiet verbose help version", "format output",
	    W_ABBREV, 0, 0, NO, NO, NULL },
	{ "timeout", "v", "ks",
	    "foreground preserve-status verbose help version",
	    "kill-after signal", W_ABBREV, 0, 1, NO, NO, NULL },
	{ "torify", "av", NO, NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "torsocks", "adi", "uaP", NO, "user pass address port", 0, 0, 0, NO,
	    NO, NULL },
	{ "toybox", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_busybox },
	{ "tsocks", NO, NO, NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "unbuffer", "p", NO, NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "unshare", "cfhirmunpCTUV", "GRSwl",
	    "fork map-root-user map-current-user map-auto help "
	    "version kill-child keep-caps mount uts ipc net pid user "
	    "cgroup time mount-proc",
	    "map-user map-group map-users map-groups propagation "
	    "setgroups root wd setuid setgid monotonic boottime "
	    "load-interp mount uts ipc net pid user cgroup time "
	    "mount-proc kill-child",
	    0, CONTEXT_CONTAINER, 0, NO, "w wd", NULL },
	{ "uv run", "qvnsm", "pwo",
	    "quiet verbose isolated active no-sync locked frozen "
	    "offline no-project no-cache exact all-extras no-dev "
	    "only-dev all-packages refresh no-config no-progress",
	    "with with-editable with-requirements python extra group "
	    "no-group only-group package project directory env-file "
	    "index-url extra-index-url index default-index "
	    "find-links no-extra",
	    0, 0, 0, NO, "directory", NULL },
	{ "uv tool run", "qvn", "pw", "quiet verbose isolated offline no-cache",
	    "with from python index-url default-index index", 0, 0, 0, NO, NO,
	    NULL },
	{ "uvx", "qvn", "pw", "quiet verbose isolated offline no-cache",
	    "with from python index-url default-index index with-editable", 0,
	    0, 0, NO, NO, NULL },
	{ "valgrind", "qvhd", NO, NO, NO, W_KEEP, 0, 0, NO, NO, wrap_valgrind },
	{ "watch", "bcdegtxwCrhv", "nqp",
	    "beep color differences errexit chgexit no-title exec "
	    "no-wrap no-color precise no-rerun help version "
	    "cumulative",
	    "interval equexit", W_ABBREV, CONTEXT_REPEATED, 0, NO, NO,
	    wrap_watch },
	{ "watchexec", "crnWpvq", "wefioNsd",
	    "clear restart shell no-shell postpone notify verbose "
	    "quiet no-vcs-ignore no-global-ignore",
	    "watch exts filter ignore on-busy-update signal debounce "
	    "shell delay-run stop-timeout",
	    0, CONTEXT_REPEATED, 0, NO, NO, wrap_watch },
	{ "xargs", "0oprtxile", "aEdIiLlnPse",
	    "null no-run-if-empty interactive verbose exit open-tty "
	    "help version show-limits replace eof max-lines",
	    "arg-file delimiter eof replace max-lines max-args "
	    "max-procs max-chars process-slot-var",
	    W_ABBREV, 0, 0, NO, NO, wrap_xargs },
	{ "xvfb-run", "al", "efnpsw", "auto-servernum listen-tcp help",
	    "error-file auth-file server-num xauth-protocol "
	    "server-args wait",
	    0, 0, 0, NO, NO, NULL },
	{ "yarn dlx", "q", "p", "quiet", "package", 0, 0, 0, NO, NO, NULL },
	{ "yarn exec", NO, NO, NO, NO, 0, 0, 0, NO, NO, NULL },
	{ "yash", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
	{ "zsh", NO, NO, NO, NO, 0, 0, 0, NO, NO, wrap_shell },
};
const size_t wrapper_count = ARRAY_LEN(wrapper_table);
