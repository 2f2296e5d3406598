/*
 * Words: quotes, braces, tildes, parameters, substitutions, splitting.
 */
#include "test_shell_sketch.h"

static const struct sketch_case a_word_is_what_bash_makes_of_it_cases[] = {
	{ "ls -la", "c ls -la\n" },
	{ "l's' \"-la\" \\x", "c ls -la x\n" },
	{ "'' a \"\"", "c '' a ''\n" },
	{ "echo \"a b\" a\\ b 'c d'", "c echo 'a b' 'a b' 'c d'\n" },
	{ "echo $'a\\tb' $'\\x41\\102'", "c echo 'a\tb' AB\n" },
	{ "can\\\n"
	  "ary 1",
	    "c canary 1\n" },
	{ "echo {a,b}{1,2} x{,y} {1..3} {03..01} {c..a}",
	    "c echo a1 a2 b1 b2 x xy 1 2 3 03 02 01 c b a\n" },
	{ "echo {a} {} {a,b {a{b,c}} {a}b,c}",
	    "c echo '{a}' '{}' '{a,b' '{ab}' '{ac}' a}b c\n" },
	{ "find . -exe{c,} x",
	    "w find . -exec -exe x !where the command of -exec ends is not "
	    "known\n"
	    "c -exe x\n" },
	{ "echo *.c f? [ab]* [!a] [ ] a[b",
	    "c echo *.c f? [ab]* [!a] '[' ']' 'a[b'\n" },
	{ "echo \"*\" \\* '*.c'", "c echo '*' '*' '*.c'\n" },
	{ "echo ~ ~/x \"~\" a~ ~root x=~/y",
	    "c echo /home/dev /home/dev/x '~' a~ ${~root} x=/home/dev/y\n" },
	{ "x=a; echo $x \"$x\" '$x' \"${x}b\" $xb",
	    "a x=a\n"
	    "c echo a a '$x' ab ${xb}\n" },
	{ "x=\"a b\"; echo $x \"$x\"",
	    "a x='a b'\n"
	    "c echo a b 'a b'\n" },
	{ "x='*.c'; echo $x \"$x\"",
	    "a x='*.c'\n"
	    "c echo *.c '*.c'\n" },
	{ "IFS=,; x=a,b,,c; echo $x",
	    "a IFS=,\n"
	    "a x=a,b,,c\n"
	    "c echo a b '' c\n" },
	{ "cat$IFS/etc/x", "c cat /etc/x\n" },
	{ "echo ${x:-a b} ${x-c} \"${x:-d e}\"", "c echo ${x} ${x} ${x}\n" },
	{ "x=1; echo ${x:-a} ${x:+b} ${x:?c} ${#x}",
	    "a x=1\n"
	    "c echo 1 b 1 $((...))\n" },
	{ "x=; echo ${x:-a} ${x-b} ${x:+c}",
	    "a x=''\n"
	    "c echo a\n" },
	{ "x=src/a.c; echo ${x%.c} ${x##*/} ${x%/*} ${x/a/b} ${x//[sc]/x}",
	    "a x=src/a.c\n"
	    "c echo src/a a.c src src/b.c ${x}\n" },
	{ "x=rm; y=x; echo ${!y}",
	    "a x=rm\n"
	    "a y=x\n"
	    "c echo rm\n" },
	{ "x=Rm; echo ${x,,} ${x^^} ${x,} ${x:0:1} ${x: -1} ${x@Q}",
	    "a x=Rm\n"
	    "c echo rm RM rm R m ${x}\n" },
	{ "for f in src/*.c; do cc -o \"${f%.c}.o\" \"$f\"; done",
	    "c cc -o src/*.o src/*.c\n" },
	{ "a=(x \"y z\"); echo \"${a[@]}\" ${a[1]} \"${a[0]}\" ${#a[@]}",
	    "a a=(...)\n"
	    "c echo x 'y z' y z x $((...))\n" },
	{ "a=(x); a+=(y); echo \"${a[@]}\"",
	    "a a=(...)\n"
	    "a a+=(...)\n"
	    "c echo x y\n" },
	{ "echo $? $$ $# $! $((1+2))",
	    "c echo $((...)) $((...)) 0 $((...)) $((...))\n" },
	{ "echo \"$@\" x$@y \"$*\" $1", "c echo xy ''\n" },
	{ "echo $(pwd) $(echo a b) \"$(printf %s x)\"",
	    "c pwd\n"
	    "c echo a b\n"
	    "c printf %s x\n"
	    "c echo /w a b x\n" },
	{ "echo `echo \\`echo deep\\``",
	    "c echo deep\n"
	    "c echo deep\n"
	    "c echo deep\n" },
	{ "tmp=$(mktemp -d); rm -rf \"$tmp/x\"",
	    "c mktemp -d\n"
	    "a tmp=/tmp/tmp.XX"
	    "XX"
	    "XX"
	    "XX"
	    "XX\n"
	    "c rm -rf /tmp/tmp.XX"
	    "XX"
	    "XX"
	    "XX"
	    "XX/x\n" },
	{ "n=$(wc -l < f); echo $((n+1))",
	    "c wc -l <f\n"
	    "a n=$((...))\n"
	    "c echo $((...))\n" },
	{ "d=$(date +%F); tar cf b-$d.tar x",
	    "c date +%F\n"
	    "a d=*\n"
	    "c tar cf b-*.tar x\n" },
	{ "cat $(git ls-files '*.c') $(find src -name x)",
	    "c git ls-files '*.c'\n"
	    "c find src -name x\n"
	    "c cat * src*\n" },
	{ "diff <(sort a) <(sort b)",
	    "c sort a\n"
	    "c sort b\n"
	    "c diff /dev/fd/<(...) /dev/fd/<(...)\n" },
	{ "tee >(wc -l)",
	    "c wc -l\n"
	    "c tee /dev/fd/<(...)\n" },
	{ "read x <<< \"a b\"; echo $x",
	    "c read x <<<'a b\n"
	    "'\n"
	    "c echo a b\n" },
	{ "read -r a b <<< \"1 2 3\"; echo $b",
	    "c read -r a b <<<'1 2 3\n"
	    "'\n"
	    "c echo 2 3\n" },
	{ "printf -v x %s-%s a b; echo $x",
	    "c printf -v x %s-%s a b\n"
	    "c echo a-b\n" },
	{ "set -- a \"b c\"; echo \"$2\" \"$@\"; shift; echo $1",
	    "c set -- a 'b c'\n"
	    "c echo 'b c' a 'b c'\n"
	    "c shift\n"
	    "c echo b c\n" },
	{ "export A=1 B; echo $A",
	    "a export A=1 B\n"
	    "c echo 1\n" },
	{ "unset x; echo r${x}m",
	    "c unset x\n"
	    "c echo rm\n" },
	{ "r$zz'm' x",
	    "c r${zz}m x\n"
	    "c~ rm x\n" },
	{ "a=(x)\n"
	  "a+=(y)\n"
	  "echo \"${a[@]}\"",
	    "a a=(...)\n"
	    "a a+=(...)\n"
	    "c echo x y\n" },
	{ "echo ~/{a,b} ~+{1,2} $x{1,2}",
	    "c echo /home/dev/a /home/dev/b ${...} ${...}\n" },
	{ "echo {a,\"\"} ''", "c echo a '' ''\n" },
	{ "export X=$y Z=\"a b\"", "a export X=${y} 'Z=a b'\n" },
	{ "x='a b'; export X=$x; echo $X",
	    "a x='a b'\n"
	    "a export 'X=a b'\n"
	    "c echo a b\n" },
	{ "echo x=~:~/a --x=~", "c echo x=/home/dev:/home/dev/a --x=~\n" },
	{ "${x:=rm} a; echo $x",
	    "c ${x} a\n"
	    "c~ rm a\n"
	    "c~ a\n"
	    "c echo ${x} @?\n" },
	{ "echo \"${x:-$(ls)}\"",
	    "c ls\n"
	    "c echo ${x}\n" },
	{ "declare -A m; m[k]=1; echo ${m[k]}",
	    "c declare -A m\n"
	    "a m=(...)\n"
	    "c echo ${m}\n" },
	{ "x[$(ls)]=1",
	    "c ls\n"
	    "k bash: $(...) !arithmetic on a text that is not known could run "
	    "a command\n"
	    "a x=(...)\n" },
	{ "echo $((a[0]))", "! arithmetic that is not plain\n" },
	{ "v=$(cat f); echo $((v+1))",
	    "c cat f\n"
	    "a v=$(...)\n"
	    "k bash: $(...) !arithmetic on a text that is not known could run "
	    "a command\n"
	    "c echo $((...))\n" },
	{ "echo ${x@P}",
	    "k bash: ${x} !${name@P} runs what it holds\n"
	    "c echo ${x}\n" },
	{ "y=$(cat f); echo ${!y}",
	    "c cat f\n"
	    "a y=$(...)\n"
	    "k bash: $(...) !${!name} of a text that could run a command\n"
	    "c echo ${y}\n" },
	{ "test -v 'a[$(ls)]'",
	    "c test -v 'a[$(ls)]' !a test of a variable whose name is not "
	    "plain\n" },
	{ "read 'a[$(ls)]'",
	    "c read 'a[$(ls)]' !read into a name that is not plain\n" },
	{ "printf -v 'a[$(ls)]' x",
	    "c printf -v 'a[$(ls)]' x !printf into a name that is not "
	    "plain\n" },
	{ "unset 'a[$(ls)]'",
	    "c unset 'a[$(ls)]' !unset of a name that is not plain\n" },
	{ "declare 'a[$(ls)]=x'",
	    "c declare 'a[$(ls)]=x' !an assignment whose name is not plain\n" },
	{ "let 'a[$(ls)]=1'",
	    "c let 'a[$(ls)]=1'\n"
	    "k bash: 'a[$(ls)]=1' !arithmetic on a text that is not known "
	    "could run a command\n" },
};

static void
a_word_is_what_bash_makes_of_it(void **state)
{
	(void)state;
	check_sketches(a_word_is_what_bash_makes_of_it_cases,
	    ARRAY_LEN(a_word_is_what_bash_makes_of_it_cases));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_word_is_what_bash_makes_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
