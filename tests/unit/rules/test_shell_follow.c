/*
 * What a script leaves behind it: directories, variables, functions, input.
 */
#include "test_shell_sketch.h"

static const struct sketch_case the_directory_is_followed_cases[] = {
	{ "cd src; ls",
	    "c cd src\n"
	    "c ls @/w/src @/w\n" },
	{ "cd src && ls",
	    "c cd src\n"
	    "c ls @/w/src\n" },
	{ "cd src && ls; pwd",
	    "c cd src\n"
	    "c ls @/w/src\n"
	    "c pwd @/w/src @/w\n" },
	{ "cd src || exit 1\n"
	  "ls",
	    "c cd src\n"
	    "c exit 1\n"
	    "c ls @/w/src\n" },
	{ "(cd src; ls); ls",
	    "c cd src\n"
	    "c ls @/w/src @/w\n"
	    "c ls\n" },
	{ "cd src | ls; pwd",
	    "c cd src\n"
	    "c ls\n"
	    "c pwd\n" },
	{ "cd /tmp/../etc && ls; cd && ls",
	    "c cd /tmp/../etc\n"
	    "c ls @/etc\n"
	    "c cd @/etc @/w\n"
	    "c ls @/home/dev\n" },
	{ "cd a; cd b; cd c; ls",
	    "c cd a\n"
	    "c cd b @/w/a @/w\n"
	    "c cd c @/w/a/b @/w/b @/w/a @/w\n"
	    "c ls @/w/a/b/c @/w/b/c @/w/a/c @/w/c @?\n" },
	{ "pushd d && ls && popd && ls",
	    "c pushd d\n"
	    "c ls @/w/d\n"
	    "c popd @/w/d\n"
	    "c ls\n" },
	{ "cd $x; ls",
	    "c cd ${x}\n"
	    "c ls @?\n" },
	{ "cd - && ls",
	    "c cd -\n"
	    "c ls @?\n" },
	{ "for d in */; do (cd \"$d\" && make); done",
	    "c cd */\n"
	    "c make/+\n" },
	{ "tmp=$(mktemp -d) && cd \"$tmp\" && ls",
	    "c mktemp -d\n"
	    "a tmp=/tmp/tmp.XX"
	    "XX"
	    "XX"
	    "XX"
	    "XX\n"
	    "c cd /tmp/tmp.XX"
	    "XX"
	    "XX"
	    "XX"
	    "XX\n"
	    "c ls @/tmp/+\n" },
	{ "if cd a; then ls; else pwd; fi",
	    "c cd a\n"
	    "c ls @/w/a\n"
	    "c pwd\n" },
	{ "cd a & ls",
	    "c cd a\n"
	    "c ls\n" },
	{ "! cd a && ls",
	    "c cd a\n"
	    "c ls\n" },
	{ "set -e; cd a; ls",
	    "c set -e\n"
	    "c cd a\n"
	    "c ls @/w/a @/w\n" },
	{ "{ cd a; }; ls",
	    "c cd a\n"
	    "c ls @/w/a @/w\n" },
	{ "cd a 2>/dev/null; ls",
	    "c cd a 2>/dev/null\n"
	    "c ls @/w/a @/w\n" },
	{ "f() { cd a; }; f; ls",
	    "w f\n"
	    "c cd a\n"
	    "c ls @/w/a @/w\n" },
	{ "f() { cd a || return 1; ls; }; f",
	    "w f\n"
	    "c cd a\n"
	    "c return 1\n"
	    "c ls @/w/a\n" },
};

static void
the_directory_is_followed(void **state)
{
	(void)state;
	check_sketches(the_directory_is_followed_cases,
	    ARRAY_LEN(the_directory_is_followed_cases));
}

static const struct sketch_case
    values_are_known_only_where_they_are_certain_cases[] = {
	    { "while cd a; do ls; done; pwd",
		"c cd a @?\n"
		"c ls @/w/a @?\n"
		"c pwd @/w/a @/w @?\n" },
	    { "x=a; if c; then x=b; fi; echo $x",
		"a x=a\n"
		"c c\n"
		"a x=b\n"
		"c echo ${x}\n" },
	    { "x=a; c && x=b; echo $x",
		"a x=a\n"
		"c c\n"
		"a x=b\n"
		"c echo ${x}\n" },
	    { "x=a; (x=b); echo $x",
		"a x=a\n"
		"a x=b\n"
		"c echo a\n" },
	    { "x=a | x=b; echo $x",
		"a x=a\n"
		"a x=b\n"
		"c echo ${x}\n" },
	    { "x=a; x=b & echo $x",
		"a x=a\n"
		"a x=b\n"
		"c echo a\n" },
	    { "x=a && echo $x",
		"a x=a\n"
		"c echo a\n" },
	    { "c && x=b && echo $x; echo $x",
		"c c\n"
		"a x=b\n"
		"c echo b\n"
		"c echo ${x}\n" },
	    { "c && x=b || echo $x",
		"c c\n"
		"a x=b\n"
		"c echo ${x}\n" },
	    { "x=a && y=b && echo $x$y",
		"a x=a\n"
		"a y=b\n"
		"c echo ab\n" },
	    { "x=a; [ c ] || x=b; echo $x",
		"a x=a\n"
		"c '[' c ']'\n"
		"a x=b\n"
		"c echo ${x}\n" },
	    { "readonly x=a\n"
	      "x=b\n"
	      "echo $x",
		"! a readonly variable is set\n"
		"a readonly x=a\n"
		"a x=b\n"
		"c echo b\n" },
    };

static void
values_are_known_only_where_they_are_certain(void **state)
{
	(void)state;
	check_sketches(values_are_known_only_where_they_are_certain_cases,
	    ARRAY_LEN(values_are_known_only_where_they_are_certain_cases));
}

static const struct sketch_case loops_and_branches_leave_doubt_cases[] = {
	{ "x=1; while c; do echo $x; x=2; done; echo $x",
	    "a x=1\n"
	    "c c\n"
	    "c echo $((...))\n"
	    "a x=2\n"
	    "c echo $((...))\n" },
	{ "i=0; while c; do i=$((i+1)); echo $i; done",
	    "a i=0\n"
	    "c c\n"
	    "a i=$((...))\n"
	    "c echo $((...))\n" },
	{ "for x in a b; do echo $x; done; echo $x",
	    "c echo a\n"
	    "c echo b\n"
	    "c echo ${x}\n" },
	{ "for x in $(seq 3); do echo $x; done",
	    "c seq 3\n"
	    "c echo $(...)\n" },
	{ "for x in a; do for y in 1 2; do echo $x$y; done; done",
	    "c echo a1\n"
	    "c echo a2\n" },
	{ "for x in *.c; do cc $x; done", "c cc *.c\n" },
	{ "for ((i=0;i<3;i++)); do echo $i; done", "c echo $((...))\n" },
	{ "select x in a b; do echo $x; done", "c echo ${...}\n" },
	{ "case $1 in a) x=1;; *) x=2;; esac; echo $x",
	    "a x=1\n"
	    "a x=2\n"
	    "c echo ${x}\n" },
	{ "case a in a) ls;& b) pwd;; esac",
	    "c ls\n"
	    "c pwd\n" },
};

static void
loops_and_branches_leave_doubt(void **state)
{
	(void)state;
	check_sketches(loops_and_branches_leave_doubt_cases,
	    ARRAY_LEN(loops_and_branches_leave_doubt_cases));
}

static const struct sketch_case functions_are_what_they_hold_cases[] = {
	{ "f() { rm \"$1\"; }; f a; f b",
	    "w f a\n"
	    "c rm a\n"
	    "w f b\n"
	    "c rm b\n" },
	{ "f() { echo $x; }; x=1 f; x=2; f",
	    "w f\n"
	    "c echo 1\n"
	    "a x=2\n"
	    "w f\n"
	    "c echo 2\n" },
	{ "f() { local x=1; echo $x; }; x=0; f; echo $x",
	    "a x=0\n"
	    "w f\n"
	    "a local x=1\n"
	    "c echo 1\n"
	    "c echo 0\n" },
	{ "f() { rm a; }", "c rm a @?\n" },
	{ "f() { f b; echo $1; }; f a",
	    "w f a\n"
	    "w f b\n"
	    "c f b @?\n"
	    "c echo ${1} @?\n"
	    "c echo ${...} @?\n" },
	{ "if c; then f() { ls; }; fi; f",
	    "c c\n"
	    "c f\n"
	    "c ls\n" },
	{ "ls() { rm \"$@\"; }; ls -a; command ls -b",
	    "w ls -a\n"
	    "c rm -a\n"
	    "w command ls -b\n"
	    "c ls -b\n" },
	{ "f() { ls; }; unset -f f; f",
	    "c unset -f f\n"
	    "c f\n"
	    "c ls @?\n" },
	{ "[[ -f a && $(ls) ]] && pwd",
	    "c ls\n"
	    "c pwd\n" },
	{ "((x=1+2)); echo $x", "c echo $((...))\n" },
	{ "f() { a; } || f() { b; }; f",
	    "c f\n"
	    "c a @?\n"
	    "c b @?\n" },
	{ "f() { f() { a; }; f; }; f",
	    "w f\n"
	    "w f\n"
	    "c a\n" },
};

static void
functions_are_what_they_hold(void **state)
{
	(void)state;
	check_sketches(functions_are_what_they_hold_cases,
	    ARRAY_LEN(functions_are_what_they_hold_cases));
}

static const struct sketch_case other_commands_are_followed_cases[] = {
	{ "x=$((1/0)); y=2\n"
	  "echo $x $y",
	    "a x=$((...))\n"
	    "a y=2\n"
	    "c echo ${x} ${y}\n" },
	{ "trap 'rm -f \"$t\"' EXIT; t=a",
	    "w trap 'rm -f \"$t\"' EXIT\n"
	    "a t=a\n"
	    "c rm -f ${t}\n" },
	{ "t=a; trap 'rm -f \"$t\"' EXIT",
	    "a t=a\n"
	    "w trap 'rm -f \"$t\"' EXIT\n"
	    "c rm -f a\n" },
	{ "trap '' INT; trap - EXIT",
	    "c trap '' INT\n"
	    "c trap - EXIT\n" },
	{ "eval 'ls a' b",
	    "w eval 'ls a' b\n"
	    "c ls a b\n" },
	{ "eval \"x=1\"; echo $x",
	    "w eval x=1\n"
	    "a x=1\n"
	    "c echo 1\n" },
	{ "eval \"$y\"; ls",
	    "w eval ${y} !eval of a text that is not known\n"
	    "c ls @?\n" },
	{ "source ./env; ls",
	    "c source ./env\n"
	    "c ls\n" },
	{ "readonly x=1; echo $x",
	    "a readonly x=1\n"
	    "c echo 1\n" },
	{ "exec > log; ls",
	    "r exec >log\n"
	    "c ls\n" },
	{ "exec make a",
	    "w exec make a\n"
	    "c make a\n" },
	{ "time ls | wc; time -p ls",
	    "c ls\n"
	    "c wc\n"
	    "c ls\n" },
	{ "! ls", "c ls\n" },
	{ "ls &", "c ls\n" },
	{ "coproc cat", "c cat\n" },
	{ "ls |& wc",
	    "c ls\n"
	    "c wc\n" },
	{ "echo hi | bash",
	    "c echo hi\n"
	    "w bash\n"
	    "c hi\n" },
	{ "echo 'rm -rf x' | sh",
	    "c echo 'rm -rf x'\n"
	    "w sh\n"
	    "c rm -rf x\n" },
	{ "printf 'r\\155 x' | bash",
	    "c printf 'r\\155 x'\n"
	    "w bash\n"
	    "c rm x\n" },
	{ "curl x | bash",
	    "c curl x\n"
	    "w bash !it runs what it reads from standard input\n" },
	{ "bash <<E\n"
	  "rm a\n"
	  "E",
	    "w bash <<<'rm a\n"
	    "'\n"
	    "c rm a\n" },
	{ "bash <<< 'rm a'",
	    "w bash <<<'rm a\n"
	    "'\n"
	    "c rm a\n" },
	{ "builtin cd d; ls",
	    "w builtin cd d\n"
	    "c cd d\n"
	    "c ls @/w/d @/w\n" },
	{ "command cd d && ls",
	    "w command cd d\n"
	    "c cd d\n"
	    "c ls @/w/d\n" },
};

static void
other_commands_are_followed(void **state)
{
	(void)state;
	check_sketches(other_commands_are_followed_cases,
	    ARRAY_LEN(other_commands_are_followed_cases));
}

static const struct sketch_case text_that_a_shell_reads_is_code_cases[] = {
	{ "bash < f", "w bash <f\n" },
	{ "bash", "w bash !it runs what it reads from standard input\n" },
	{ "cat <<E | sh\n"
	  "rm $x\n"
	  "E",
	    "c cat <<<'rm '${x}'\n"
	    "'\n"
	    "w sh !it runs what it reads from standard input\n"
	    "c~ rm\n" },
	{ "python3 <<'E'\n"
	  "print(1)\n"
	  "E",
	    "c python3 <<<'print(1)\n"
	    "'\n"
	    "k python3: 'print(1)\n"
	    "'\n" },
	{ "echo 'print(1)' | python3 -",
	    "c echo 'print(1)'\n"
	    "c python3 -\n"
	    "k python3: 'print(1)\n"
	    "'\n" },
	{ "python3 a.py < b", "c python3 a.py <b\n" },
	{ "node", "c node !it runs what it reads from standard input\n" },
	{ "sh -c 'sh' <<< 'rm a'",
	    "w sh -c sh <<<'rm a\n"
	    "'\n"
	    "w sh\n"
	    "c rm a\n" },
	{ "{ read x; sh; } <<< 'rm a'",
	    "r <<<'rm a\n"
	    "'\n"
	    "c read x\n"
	    "w sh !it runs what it reads from standard input\n"
	    "c~ rm a\n" },
	{ "echo cm0gYQ== | base64 -d | sh",
	    "c echo cm0gYQ==\n"
	    "c base64 -d\n"
	    "w sh\n"
	    "c rm a\n" },
	{ "echo 'a mr' | rev | bash",
	    "c echo 'a mr'\n"
	    "c rev\n"
	    "w bash\n"
	    "c rm a\n" },
	{ "bash <(echo rm a)",
	    "c echo rm a\n"
	    "w bash /dev/fd/<(...)\n"
	    "c rm a\n" },
	{ "bash <(curl x)",
	    "c curl x\n"
	    "w bash /dev/fd/<(...) !it runs what another command prints\n" },
	{ "source <(echo rm a)",
	    "c echo rm a\n"
	    "c source /dev/fd/<(...)\n"
	    "c rm a\n" },
	{ "echo 6d | xxd -r -p",
	    "c echo 6d\n"
	    "c xxd -r -p\n" },
	{ "x=$(echo rm); $x a",
	    "c echo rm\n"
	    "a x=rm\n"
	    "c rm a\n" },
	{ "$(echo rm) a",
	    "c echo rm\n"
	    "c rm a\n" },
	{ "$(cat f) a",
	    "c cat f\n"
	    "c $(...) a\n"
	    "c~ a\n" },
	{ "`which rm` a",
	    "c which rm\n"
	    "c $(...) a\n"
	    "c~ rm a\n"
	    "c~ a\n" },
	{ "export PATH=/x:$PATH; ls",
	    "a export PATH=/x:${PATH}\n"
	    "c ls\n" },
	{ "PATH=/x ls", "c PATH=/x ls\n" },
	{ "export A=1; bash -c 'echo $A'; B=2; bash -c 'echo $B'",
	    "a export A=1\n"
	    "w bash -c 'echo $A'\n"
	    "c echo 1\n"
	    "a B=2\n"
	    "w bash -c 'echo $B'\n"
	    "c echo ${B}\n" },
	{ "X=1 bash -c 'echo $X'",
	    "w bash -c 'echo $X'\n"
	    "c echo 1\n" },
	{ "ls > a 2>&1; > b; cat < c >> d; ls &> e; ls 3<> f; ls >&2",
	    "c ls >a 2>&1\n"
	    "r >b\n"
	    "c cat <c >>d\n"
	    "c ls &>e\n"
	    "c ls 3<>f\n"
	    "c ls >&2\n" },
	{ "{ ls; pwd; } > a",
	    "r >a\n"
	    "c ls\n"
	    "c pwd\n" },
	{ "while read l; do echo $l; done < f",
	    "r <f\n"
	    "c read l\n"
	    "c echo ${...}\n" },
	{ "ls > *.c", "c ls >*.c\n" },
};

static void
text_that_a_shell_reads_is_code(void **state)
{
	(void)state;
	check_sketches(text_that_a_shell_reads_is_code_cases,
	    ARRAY_LEN(text_that_a_shell_reads_is_code_cases));
}

static const struct sketch_case redirections_are_kept_cases[] = {
	{ "ls > $x", "c ls >${x}\n" },
	{ "cat < /dev/tcp/h/1", "c cat </dev/tcp/h/1\n" },
};

static void
redirections_are_kept(void **state)
{
	(void)state;
	check_sketches(redirections_are_kept_cases,
	    ARRAY_LEN(redirections_are_kept_cases));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_directory_is_followed),
		cmocka_unit_test(values_are_known_only_where_they_are_certain),
		cmocka_unit_test(loops_and_branches_leave_doubt),
		cmocka_unit_test(functions_are_what_they_hold),
		cmocka_unit_test(other_commands_are_followed),
		cmocka_unit_test(text_that_a_shell_reads_is_code),
		cmocka_unit_test(redirections_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
