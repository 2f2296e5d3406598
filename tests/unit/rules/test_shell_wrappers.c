/*
 * Commands inside commands.
 */
#include "shell/wrappers.h"
#include "test_shell_sketch.h"

static const struct sketch_case what_a_wrapper_starts_is_a_part_cases[] = {
	{ "env", "w env\n" },
	{ "env X=1 rm a",
	    "w env X=1 rm a\n"
	    "c X=1 rm a\n" },
	{ "env -i -u Y X=1 rm a",
	    "w env -i -u Y X=1 rm a\n"
	    "c X=1 rm a\n" },
	{ "env --unset=Y -- rm a",
	    "w env --unset=Y -- rm a\n"
	    "c rm a\n" },
	{ "env -S 'X=1 rm -f' a",
	    "w env -S 'X=1 rm -f' a\n"
	    "w env X=1 rm -f a\n"
	    "c X=1 rm -f a\n" },
	{ "env -C d rm a",
	    "w env -C d rm a\n"
	    "c rm a @/w/d\n" },
	{ "env --chd=d rm a",
	    "w env --chd=d rm a\n"
	    "c rm a @/w/d\n" },
	{ "env -Z rm a",
	    "w env -Z rm a !an option that is not known\n"
	    "c~ rm a\n" },
	{ "/usr/bin/env rm a",
	    "w /usr/bin/env rm a\n"
	    "c rm a\n" },
	{ "./env rm a", "c ./env rm a\n" },
	{ "sudo rm a",
	    "w sudo rm a\n"
	    "c rm a\n" },
	{ "sudo -u x X=1 rm a",
	    "w sudo -u x X=1 rm a\n"
	    "c X=1 rm a\n" },
	{ "sudo -l", "w sudo -l\n" },
	{ "sudo -s", "w sudo -s !it runs what it reads from standard input\n" },
	{ "sudo -i rm a",
	    "w sudo -i rm a\n"
	    "c rm a\n" },
	{ "doas -u x rm a",
	    "w doas -u x rm a\n"
	    "c rm a\n" },
	{ "su -c 'rm a'",
	    "w su -c 'rm a'\n"
	    "c rm a\n" },
	{ "su - x -c 'rm a'",
	    "w su - x -c 'rm a'\n"
	    "c rm a\n" },
	{ "runuser -u x -- rm a",
	    "w runuser -u x -- rm a\n"
	    "c rm a\n" },
	{ "pkexec rm a",
	    "w pkexec rm a\n"
	    "c rm a\n" },
	{ "timeout 5 rm a",
	    "w timeout 5 rm a\n"
	    "c rm a\n" },
	{ "timeout -s KILL --kill-after 3 5 rm a",
	    "w timeout -s KILL --kill-after 3 5 rm a\n"
	    "c rm a\n" },
	{ "timeout $n rm a",
	    "w timeout ${n} rm a !a word that could be an option or vanish\n"
	    "c~ rm a\n" },
	{ "timeout $* rm a",
	    "w timeout rm a\n"
	    "c a\n" },
	{ "nice rm a",
	    "w nice rm a\n"
	    "c rm a\n" },
	{ "nice -n 5 rm a",
	    "w nice -n 5 rm a\n"
	    "c rm a\n" },
	{ "nice -5 rm a",
	    "w nice -5 rm a\n"
	    "c rm a\n" },
	{ "ionice -c 2 rm a",
	    "w ionice -c 2 rm a\n"
	    "c rm a\n" },
	{ "nohup rm a &",
	    "w nohup rm a\n"
	    "c rm a\n" },
	{ "stdbuf -oL rm a",
	    "w stdbuf -oL rm a\n"
	    "c rm a\n" },
	{ "setsid rm a",
	    "w setsid rm a\n"
	    "c rm a\n" },
	{ "chroot d rm a",
	    "w chroot d rm a\n"
	    "c rm a @?\n" },
	{ "unshare -rn rm a",
	    "w unshare -rn rm a\n"
	    "c rm a @?\n" },
	{ "nsenter -t 1 -m rm a",
	    "w nsenter -t 1 -m rm a\n"
	    "c rm a @?\n" },
	{ "strace -f -o l rm a",
	    "w strace -f -o l rm a\n"
	    "c rm a\n" },
	{ "ltrace rm a",
	    "w ltrace rm a\n"
	    "c rm a\n" },
	{ "gdb --args rm a",
	    "c gdb --args rm a\n"
	    "c rm a\n" },
	{ "gdb -batch -ex run --args rm a",
	    "c gdb -batch -ex run --args rm a\n"
	    "k gdb: run\n"
	    "c rm a\n" },
	{ "valgrind --log-file=x rm a",
	    "c valgrind --log-file=x rm a\n"
	    "c rm a\n" },
	{ "time -p rm a", "c rm a\n" },
	{ "/usr/bin/time -v rm a",
	    "w /usr/bin/time -v rm a\n"
	    "c rm a\n" },
	{ "taskset -c 1 rm a",
	    "w taskset -c 1 rm a\n"
	    "c rm a\n" },
	{ "flock l rm a",
	    "w flock l rm a\n"
	    "c rm a\n" },
	{ "flock l -c 'rm a'",
	    "w flock l -c 'rm a'\n"
	    "c rm a\n" },
	{ "script -qc 'rm a' /dev/null",
	    "c script -qc 'rm a' /dev/null\n"
	    "c rm a\n" },
	{ "watch -n1 rm a",
	    "w watch -n1 rm a\n"
	    "c rm a\n" },
	{ "watch -x rm a",
	    "w watch -x rm a\n"
	    "c rm a\n" },
	{ "ssh -p 22 h rm a b",
	    "w ssh -p 22 h rm a b\n"
	    "c rm a b @?\n" },
	{ "ssh h -p 22 'cd x; rm a'",
	    "w ssh h -p 22 'cd x; rm a'\n"
	    "c cd x @?\n"
	    "c rm a @?\n" },
	{ "ssh -o ProxyCommand='rm a' h",
	    "w ssh -o 'ProxyCommand=rm a' h\n"
	    "c rm a\n" },
	{ "ssh h", "w ssh h\n" },
	{ "scp a h:", "c scp a h:\n" },
	{ "docker exec -it c rm a",
	    "w docker exec -it c rm a\n"
	    "c rm a @?\n" },
	{ "docker -H x exec c sh -c 'rm a'",
	    "w docker -H x exec c sh -c 'rm a'\n"
	    "w sh -c 'rm a' @?\n"
	    "c rm a @?\n" },
	{ "docker run --rm -v a:/a img rm a",
	    "w docker run --rm -v a:/a img rm a\n"
	    "c rm a @?\n" },
	{ "docker run --entrypoint rm img a",
	    "w docker run --entrypoint rm img a\n"
	    "c rm a @?\n" },
	{ "podman run img rm a",
	    "w podman run img rm a\n"
	    "c rm a @?\n" },
	{ "docker compose exec -T web rm a",
	    "w docker compose exec -T web rm a\n"
	    "c rm a @?\n" },
	{ "docker ps", "c docker ps\n" },
	{ "kubectl exec p -c c -- rm a",
	    "w kubectl exec p -c c -- rm a\n"
	    "c rm a @?\n" },
	{ "kubectl -n x exec p -- rm a",
	    "w kubectl -n x exec p -- rm a\n"
	    "c rm a @?\n" },
	{ "npx --yes foo a",
	    "w npx --yes foo a\n"
	    "c foo a\n" },
	{ "npx -c 'rm a'",
	    "w npx -c 'rm a'\n"
	    "c rm a\n" },
	{ "npm exec -- foo a",
	    "w npm exec -- foo a\n"
	    "c foo a\n" },
	{ "uv run --with x foo a",
	    "w uv run --with x foo a\n"
	    "c foo a\n" },
	{ "uvx foo a",
	    "w uvx foo a\n"
	    "c foo a\n" },
	{ "poetry run foo a",
	    "w poetry run foo a\n"
	    "c foo a\n" },
	{ "bundle exec foo a",
	    "w bundle exec foo a\n"
	    "c foo a\n" },
	{ "conda run -n e foo a",
	    "w conda run -n e foo a\n"
	    "c foo a\n" },
	{ "xargs rm",
	    "w xargs rm\n"
	    "c rm ${...}\n" },
	{ "xargs -n1 rm a",
	    "w xargs -n1 rm a\n"
	    "c rm a ${...}\n" },
	{ "echo a b | xargs rm",
	    "c echo a b\n"
	    "w xargs rm\n"
	    "c rm a b\n" },
	{ "echo a b | xargs -n1 rm",
	    "c echo a b\n"
	    "w xargs -n1 rm\n"
	    "c rm a\n"
	    "c rm b\n" },
	{ "echo 'a b' | xargs -I{} rm {}",
	    "c echo 'a b'\n"
	    "w xargs -I{} rm '{}'\n"
	    "c rm 'a b'\n" },
	{ "echo 'rm a' | xargs -I{} sh -c '{}'",
	    "c echo 'rm a'\n"
	    "w xargs -I{} sh -c '{}'\n"
	    "w sh -c 'rm a'\n"
	    "c rm a\n" },
};

static void
what_a_wrapper_starts_is_a_part(void **state)
{
	(void)state;
	check_sketches(what_a_wrapper_starts_is_a_part_cases,
	    ARRAY_LEN(what_a_wrapper_starts_is_a_part_cases));
}

static const struct sketch_case text_in_an_argument_is_a_script_cases[] = {
	{ "xargs sh -c",
	    "w xargs sh -c\n"
	    "w sh -c ${...} !an option that is not known before it runs\n" },
	{ "ls | xargs -0 -P4 -I % rm %/x",
	    "c ls\n"
	    "w xargs -0 -P4 -I % rm %/x\n"
	    "c rm ${...}/x\n" },
	{ "git ls-files | xargs rm",
	    "c git ls-files\n"
	    "w xargs rm\n"
	    "c rm *\n" },
	{ "find . -print0 | xargs -0 rm",
	    "c find . -print0\n"
	    "w xargs -0 rm\n"
	    "c rm .*\n" },
	{ "find . -name x -exec rm {} \\;",
	    "w find . -name x -exec rm '{}' ';'\n"
	    "c rm ./*\n" },
	{ "find a b -exec rm -f {} +",
	    "w find a b -exec rm -f '{}' +\n"
	    "c rm -f a/*\n"
	    "c rm -f b/*\n" },
	{ "find . -execdir rm {} \\; -ok ls {} \\;",
	    "w find . -execdir rm '{}' ';' -ok ls '{}' ';'\n"
	    "c rm ./*/+\n"
	    "c ls ./*\n" },
	{ "find . -name x", "c find . -name x\n" },
	{ "find $d -exec rm {} \\;",
	    "w find ${d} -exec rm '{}' ';'\n"
	    "c rm ${d}/*\n" },
	{ "find . -exec sh -c 'rm \"$1\"' _ {} \\;",
	    "w find . -exec sh -c 'rm \"$1\"' _ '{}' ';'\n"
	    "w sh -c 'rm \"$1\"' _ ./*\n"
	    "c rm ./*\n" },
	{ "fd x -x rm",
	    "w fd x -x rm\n"
	    "c rm ${...}\n" },
	{ "fd -e c -X rm -f {}",
	    "w fd -e c -X rm -f '{}'\n"
	    "c rm -f ${...}\n" },
	{ "parallel rm ::: a b",
	    "w parallel rm ::: a b\n"
	    "c rm ${PARALLEL_ARG}\n" },
	{ "parallel 'rm {}' ::: a",
	    "w parallel 'rm {}' ::: a\n"
	    "c rm ${PARALLEL_ARG}\n" },
	{ "parallel ::: 'rm a' ls",
	    "w parallel ::: 'rm a' ls\n"
	    "c rm a\n"
	    "c ls\n" },
	{ "ls | parallel",
	    "c ls\n"
	    "w parallel !it runs what it reads\n" },
	{ "bash -c 'rm a'",
	    "w bash -c 'rm a'\n"
	    "c rm a\n" },
	{ "bash -lc 'rm \"$1\"' x y",
	    "w bash -lc 'rm \"$1\"' x y\n"
	    "c rm y\n" },
	{ "bash -ec 'rm a'",
	    "w bash -ec 'rm a'\n"
	    "c rm a\n" },
	{ "bash -o pipefail -c 'rm a'",
	    "w bash -o pipefail -c 'rm a'\n"
	    "c rm a\n" },
	{ "bash -O expand_aliases -c 'rm a'",
	    "w bash -O expand_aliases -c 'rm a' !an option that changes how "
	    "the shell reads\n"
	    "c~ rm a\n" },
	{ "bash -ic 'rm a'",
	    "w bash -ic 'rm a' !an interactive shell\n"
	    "c~ rm a\n" },
	{ "bash a.sh b", "c bash a.sh b\n" },
	{ "bash -x ./a.sh", "c bash -x ./a.sh\n" },
	{ "bash -n a.sh", "c bash -n a.sh\n" },
	{ "sh -c 'rm a'",
	    "w sh -c 'rm a'\n"
	    "c rm a\n" },
	{ "sh -c $'rm a'",
	    "w sh -c 'rm a'\n"
	    "c rm a\n" },
	{ "sh -c 'rm {a,b}'",
	    "w sh -c 'rm {a,b}'\n"
	    "c rm ${...}\n" },
	{ "sh -c 'a=(1)'",
	    "w sh -c 'a=(1)'\n"
	    "k bash: 'a=(1)' !an array in sh\n"
	    "c~ 1\n" },
	{ "zsh -c 'rm a'",
	    "w zsh -c 'rm a'\n"
	    "k~ bash: 'rm a' !text for a shell of another kind\n"
	    "c~ rm a\n" },
	{ "bash -c \"$x\"",
	    "w bash -c ${x} !an option that is not known before it runs\n" },
	{ "bash -c 'rm a' > b",
	    "w bash -c 'rm a' >b\n"
	    "c rm a\n" },
	{ "eval rm a",
	    "w eval rm a\n"
	    "c rm a\n" },
	{ "command rm a",
	    "w command rm a\n"
	    "c rm a\n" },
	{ "command -v rm", "c command -v rm\n" },
	{ "builtin cd d; ls",
	    "w builtin cd d\n"
	    "c cd d\n"
	    "c ls @/w/d @/w\n" },
	{ "exec rm a",
	    "w exec rm a\n"
	    "c rm a\n" },
	{ "busybox rm a",
	    "w busybox rm a\n"
	    "c rm a\n" },
	{ "busybox sh -c 'rm a'",
	    "w busybox sh -c 'rm a'\n"
	    "w sh -c 'rm a'\n"
	    "c rm a\n" },
	{ "git -c alias.x='!rm a' x",
	    "c git -c 'alias.x=!rm a' x\n"
	    "c rm a\n" },
	{ "git -c core.pager='rm a' log",
	    "c git -c 'core.pager=rm a' log\n"
	    "c rm a\n" },
	{ "git -c user.name=x commit", "c git -c user.name=x commit\n" },
	{ "git -C d status", "c git -C d status\n" },
	{ "git bisect run rm a",
	    "c git bisect run rm a\n"
	    "c rm a\n" },
	{ "git rebase -x 'rm a' HEAD",
	    "c git rebase -x 'rm a' HEAD\n"
	    "c rm a\n" },
	{ "git submodule foreach 'rm a'",
	    "c git submodule foreach 'rm a'\n"
	    "c rm a @?\n" },
	{ "git fetch --upload-pack='rm a' x",
	    "c git fetch '--upload-pack=rm a' x\n"
	    "c rm a\n" },
	{ "make SHELL='/bin/rm' a",
	    "c make SHELL=/bin/rm a\n"
	    "c /bin/rm\n" },
	{ "make --eval='x'",
	    "c make --eval=x !rules for make that are inline\n" },
	{ "make -j4", "c make -j4\n" },
	{ "nix-shell --run 'rm a'",
	    "c nix-shell --run 'rm a'\n"
	    "c rm a\n" },
	{ "nix develop -c rm a",
	    "c nix develop -c rm a\n"
	    "c rm a\n" },
	{ "systemd-run --user rm a",
	    "w systemd-run --user rm a\n"
	    "c rm a\n" },
	{ "hyperfine 'rm a' 'ls'",
	    "w hyperfine 'rm a' ls\n"
	    "c rm a\n"
	    "c ls\n" },
	{ "at now <<< 'rm a'",
	    "w at now <<<'rm a\n"
	    "'\n"
	    "c rm a\n" },
	{ "trap 'rm a' EXIT",
	    "w trap 'rm a' EXIT\n"
	    "c rm a\n" },
	{ "coproc rm a", "c rm a\n" },
	{ "mapfile -C 'rm a' x",
	    "c mapfile -C 'rm a' x !mapfile that can run a command\n" },
	{ "compgen -W '$(rm a)'",
	    "c compgen -W '$(rm a)' !a completion that can run a command\n" },
	{ "cross-env X=1 rm a",
	    "w cross-env X=1 rm a\n"
	    "c X=1 rm a\n" },
	{ "sg g -c 'rm a'",
	    "w sg g -c 'rm a'\n"
	    "c rm a\n" },
	{ "rustup run nightly cargo a",
	    "w rustup run nightly cargo a\n"
	    "c cargo a\n" },
	{ "mise x -- rm a",
	    "w mise x -- rm a\n"
	    "c rm a\n" },
	{ "find . -exec env X=1 sudo rm {} \\;",
	    "w find . -exec env X=1 sudo rm '{}' ';'\n"
	    "w env X=1 sudo rm ./*\n"
	    "w sudo rm ./*\n"
	    "c X=1 rm ./*\n" },
	{ "sudo env X=1 bash -c 'timeout 5 rm a'",
	    "w sudo env X=1 bash -c 'timeout 5 rm a'\n"
	    "w env X=1 bash -c 'timeout 5 rm a'\n"
	    "w bash -c 'timeout 5 rm a'\n"
	    "w timeout 5 rm a\n"
	    "c rm a\n" },
};

static void
text_in_an_argument_is_a_script(void **state)
{
	(void)state;
	check_sketches(text_in_an_argument_is_a_script_cases,
	    ARRAY_LEN(text_in_an_argument_is_a_script_cases));
}

/* Otherwise some would never be found. */
static void
the_table_of_wrappers_is_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; i < wrapper_count; i++) {
		const char *const a = wrapper_table[i - 1].name;
		const char *const b = wrapper_table[i].name;

		if (strcmp(a, b) >= 0)
			fail_msg("'%s' stands before '%s'", a, b);
	}
}

static void
every_wrapper_is_found_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < wrapper_count; i++) {
		AUTO_BUF struct buf script = BUF_INIT(4096);
		AUTO_BUF struct buf out = BUF_INIT(SKETCH_MAX);
		const struct wrapper *const w = &wrapper_table[i];

		/* Those with an own way to be called are in the tables. */
		if (w->fn != NULL || (w->flags & W_KEEP) != 0)
			continue;
		buf_printf(&script, "%s ", w->name);
		if ((w->flags & W_NEEDS_DASHES) != 0)
			buf_puts(&script, "-- ");
		for (unsigned k = 0; k < w->skip; k++)
			buf_puts(&script, "operand ");
		buf_puts(&script, "rm -rf inner");
		sketch(&out, buf_str(&script));
		if (strstr(buf_cstr(&out), "c rm -rf inner") == NULL ||
		    strchr(buf_cstr(&out), '!') != NULL)
			fail_msg("%s:\n%s", w->name, buf_cstr(&out));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_wrapper_starts_is_a_part),
		cmocka_unit_test(text_in_an_argument_is_a_script),
		cmocka_unit_test(the_table_of_wrappers_is_sorted),
		cmocka_unit_test(every_wrapper_is_found_by_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
