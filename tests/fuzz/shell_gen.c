/*
 * Random shell scripts from a grammar and from token soup.
 * Runs in: tests.  Trusts: nothing.  Owns: nothing.
 */
#include "shell_gen.h"

#include "base/mem.h"

#define DEPTH_MAX 5
#define WORDS_MAX 60

static void gen_list(struct gen *g);
static void gen_command(struct gen *g);
static void gen_word(struct gen *g);

uint32_t
gen_below(struct gen *g, uint32_t n)
{
	g->seed ^= g->seed << 13;
	g->seed ^= g->seed >> 7;
	g->seed ^= g->seed << 17;
	return (uint32_t)(g->seed >> 16) % n;
}

static bool
chance(struct gen *g, uint32_t percent)
{
	return gen_below(g, 100) < percent;
}

static void
put(struct gen *g, const char *s)
{
	buf_puts(g->out, s);
}

static const char *
pick(struct gen *g, const char *const *list, size_t count)
{
	return list[gen_below(g, (uint32_t)count)];
}
#define PICK(g, list) pick(g, list, ARRAY_LEN(list))

static const char *const names[] = { "x", "y", "z", "v1", "PATHX", "IFS", "a" };
static const char *const plain[] = {
	"a",
	"b1",
	"file",
	"-f",
	"--opt=1",
	"dir/f",
	"x=y",
	"1",
	"canary",
	"12",
	"..",
	"{}",
	"=",
	"a.c",
	"+x",
	"if",
	"done",
	"}",
	"!",
	"@",
	"%s",
	"x,y",
};
static const char *const spaced[] = {
	"a b",
	"",
	" x",
	"canary 7",
	"*",
	"~",
	"$x",
	"a;b",
	"#c",
	"-rf x",
	"\\",
	"{a,b}",
	"a=b",
	"(",
	"|",
};

/* ---- words ------------------------------------------------------------- */

/* A line continuation now and then, in the middle of anything. */
static void
gen_seam(struct gen *g)
{
	if (chance(g, 2))
		put(g, "\\\n");
}

static void
gen_subst(struct gen *g)
{
	const bool old = g->in_subst;

	if (g->depth > DEPTH_MAX || g->heredocs > 0) {
		put(g, "w");
		return;
	}
	g->depth++;
	g->in_subst = true;
	if (chance(g, 75)) {
		put(g, "$(");
		gen_list(g);
		put(g, chance(g, 20) ? "\n)" : ")");
	} else if (!old) {
		put(g, "`");
		gen_command(g);
		put(g, "`");
	} else {
		put(g, "s");
	}
	g->in_subst = old;
	g->depth--;
}

static void
gen_arith(struct gen *g)
{
	static const char *const parts[] = {
		"1",
		"x",
		" + 2",
		"*3",
		"(4)",
		"$y",
		"<<2",
		" - 1",
		"x=3",
		"y++",
		"a?1:2",
		"16#f",
		"${x}",
		",2",
	};

	put(g, "1");
	for (uint32_t i = gen_below(g, 3); i > 0; i--) {
		put(g, "+");
		put(g, PICK(g, parts));
	}
}

static void
gen_param_op(struct gen *g)
{
	static const char *const ops[] = {
		":-",
		"-",
		":=",
		"=",
		":+",
		"+",
		"#",
		"##",
		"%",
		"%%",
		"/",
		"//",
		"/#",
		"/%",
		"^",
		"^^",
		",",
		",,",
		":",
		"@Q",
		"@U",
		"[0]",
		"[@]",
	};
	const char *const op = PICK(g, ops);

	put(g, op);
	if (op[0] == '@' || op[0] == '[')
		return;
	if (op[0] == ':' && op[1] == '\0') {
		put(g, chance(g, 50) ? "1" : "0:2");
		return;
	}
	if (chance(g, 60))
		put(g, PICK(g, plain));
	else if (chance(g, 50))
		gen_subst(g);
	if (op[0] == '/' && chance(g, 60)) {
		put(g, "/");
		put(g, chance(g, 50) ? "R" : "$x");
	}
}

static void
gen_param(struct gen *g)
{
	static const char *const special[] = {
		"$@",
		"$*",
		"$1",
		"$#",
		"$?",
		"$-",
		"$HOME",
		"$PWD",
		"${#x}",
		"${!x}",
		"${!y}",
		"${#}",
		"${2}",
		"$IFS",
		"${IFS}",
	};

	if (chance(g, 40)) {
		put(g, "$");
		put(g, PICK(g, names));
	} else if (chance(g, 40)) {
		put(g, PICK(g, special));
	} else {
		put(g, "${");
		put(g, PICK(g, names));
		if (chance(g, 80))
			gen_param_op(g);
		put(g, "}");
	}
}

static void
gen_braces(struct gen *g)
{
	static const char *const braces[] = {
		"{a,b}",
		"{1..3}",
		"{a..c}",
		"x{,y}",
		"{a,b{c,d}}",
		"{a}",
		"{,}",
		"{a,b",
		"a,b}",
		"{01..03}",
		"{3..1}",
		"{a{b,c}}",
		"{a}b,c}",
		"{x..}",
		"{1..3..2}",
		"{-1..1}",
		"{{a,b},c}",
	};

	put(g, PICK(g, braces));
	if (chance(g, 20)) {
		put(g, "{");
		gen_word(g);
		put(g, ",");
		put(g, PICK(g, plain));
		put(g, "}");
	}
}

static void
gen_quoted(struct gen *g)
{
	put(g, "\"");
	for (uint32_t i = gen_below(g, 3); i > 0; i--) {
		const uint32_t what = gen_below(g, 10);

		gen_seam(g);
		if (what < 4)
			put(g, PICK(g, plain));
		else if (what < 7)
			gen_param(g);
		else if (what < 8)
			gen_subst(g);
		else if (what < 9)
			put(g, "\\$\\\"\\x");
		else
			put(g, " 'q' ");
	}
	put(g, "\"");
}

static void
gen_piece(struct gen *g)
{
	const uint32_t what = gen_below(g, 100);

	if (what < 45) {
		put(g, PICK(g, plain));
	} else if (what < 52) {
		put(g, "'");
		put(g, PICK(g, spaced));
		put(g, "'");
	} else if (what < 64) {
		gen_quoted(g);
	} else if (what < 76) {
		gen_param(g);
	} else if (what < 81) {
		gen_subst(g);
	} else if (what < 84) {
		put(g, "$((");
		gen_arith(g);
		put(g, "))");
	} else if (what < 88) {
		gen_braces(g);
	} else if (what < 91) {
		static const char *const globs[] = { "*", "f?", "[ab]*", "*.c",
			"d*/", "[!x]", "[", "]" };

		put(g, PICK(g, globs));
	} else if (what < 94) {
		static const char *const escapes[] = { "\\ ", "\\*", "\\a",
			"\\$", "\\\\", "\\'", "\\~", "\\{" };

		put(g, PICK(g, escapes));
	} else if (what < 97) {
		static const char *const ansi[] = { "$'a\\tb'", "$'\\x63x'",
			"$'\\143'", "$'q\\'q'", "$'\\n'", "$''" };

		put(g, PICK(g, ansi));
	} else {
		static const char *const tildes[] = { "~", "~/f", "~+", "a~",
			"x=~/f", "~x", "a:~" };

		put(g, PICK(g, tildes));
	}
}

static void
gen_word(struct gen *g)
{
	if (g->left == 0) {
		put(g, "w");
		return;
	}
	g->left--;
	gen_piece(g);
	while (chance(g, 25)) {
		gen_seam(g);
		gen_piece(g);
	}
}

static void
gen_words(struct gen *g, uint32_t max)
{
	for (uint32_t i = gen_below(g, max + 1); i > 0; i--) {
		put(g, chance(g, 90) ? " " : " \\\n\t");
		gen_word(g);
	}
}

/* ---- simple commands --------------------------------------------------- */

static void
gen_canary(struct gen *g)
{
	buf_printf(g->out, "canary %u", ++g->canaries);
}

static void
gen_redir(struct gen *g)
{
	static const char *const redirs[] = {
		" > out",
		" >> out",
		" 2>&1",
		" 2>/dev/null",
		" < /dev/null",
		" >&2",
		" &> out",
		" >| out",
		" 3<> out",
		" > \"$x\"f",
		" >out{1,2}",
		" 2>&-",
		" <out",
	};

	if (chance(g, 75)) {
		put(g, PICK(g, redirs));
	} else {
		put(g, " <<< ");
		gen_word(g);
	}
}

static void
gen_heredoc(struct gen *g)
{
	static const char *const forms[] = { "E%u", "'E%u'", "\\E%u", "\"E%u\"",
		"-E%u", "-'E%u'" };
	const uint32_t form = gen_below(g, ARRAY_LEN(forms));
	const unsigned at = g->heredocs;

	if (at == ARRAY_LEN(g->delimiters) || g->in_subst || g->depth > 2)
		return;
	put(g, " <<");
	(void)snprintf(g->delimiters[at], sizeof(g->delimiters[at]), "E%u", at);
	/* The forms differ in their quotes only. */
	for (const char *c = forms[form]; *c != '\0'; c++) {
		if (*c == 'E')
			put(g, g->delimiters[at]);
		else if (*c != '%' && *c != 'u')
			buf_putc(g->out, *c);
	}
	g->quoted[at] = forms[form][0] != 'E' && forms[form][1] != 'E';
	g->heredocs++;
}

/* A newline, and the bodies that it starts. */
static void
gen_newline(struct gen *g)
{
	const unsigned count = g->heredocs;

	put(g, "\n");
	g->heredocs = 0;
	for (unsigned i = 0; i < count; i++) {
		for (uint32_t k = gen_below(g, 3); k > 0; k--) {
			put(g, chance(g, 50) ? "text $x `canary 90` " : "c ");
			if (chance(g, 30))
				put(g, "$(canary 91) \"q\" 'r' \\$x \\\\");
			put(g, "\n");
		}
		put(g, g->delimiters[i]);
		put(g, "\n");
	}
}

static void
gen_assign(struct gen *g)
{
	put(g, PICK(g, names));
	put(g, chance(g, 90) ? "=" : "+=");
	if (chance(g, 15)) {
		put(g, "canary");
		return;
	}
	if (chance(g, 8)) {
		put(g, "(");
		gen_words(g, 3);
		put(g, ")");
		return;
	}
	if (chance(g, 90))
		gen_word(g);
}

static void
gen_text(struct gen *g)
{
	static const char *const texts[] = {
		"'canary 50'",
		"'canary \"$1\" $x'",
		"\"canary $x\"",
		"'cd d && canary 51'",
		"'x=canary; $x 52'",
		"'for i in 1 2; do canary $i; done'",
		"'[ -n a ] || canary 53; canary 54'",
		"$x",
		"'f() { canary 55; }; f'",
		"'echo `canary 56`'",
	};

	put(g, PICK(g, texts));
}

static void
gen_wrapper(struct gen *g)
{
	static const char *const wrappers[] = {
		"env ",
		"env X=1 ",
		"env -i PATH=$PATH ",
		"timeout 5 ",
		"nice -n 1 ",
		"nohup ",
		"command ",
		"exec ",
		"stdbuf -oL ",
		"setsid -w ",
		"env -u X ",
		"timeout -s KILL 5 ",
		"builtin ",
		"command -p ",
		"nice ",
		"eval ",
		"env -C d ",
		"env --chdir=d ",
	};
	static const char *const shells[] = { "bash -c ", "sh -c ", "eval ",
		"bash -ec ", "bash -c -- ", "bash +e -c " };

	if (chance(g, 55)) {
		put(g, PICK(g, wrappers));
		gen_canary(g);
		gen_words(g, 2);
	} else if (chance(g, 75)) {
		put(g, PICK(g, shells));
		gen_text(g);
		gen_words(g, 2);
	} else if (chance(g, 50)) {
		put(g, "find . -name '*' -exec canary 60 {} \\;");
	} else {
		put(g, "echo 'p q' | xargs ");
		put(g, chance(g, 50) ? "-n 1 " : "-I{} ");
		put(g, "canary {}");
	}
}

static void
gen_builtin(struct gen *g)
{
	static const char *const builtins[] = {
		"cd d",
		"cd ..",
		"cd d/e",
		"cd nowhere",
		"cd /tmp",
		"cd /tmp/none",
		"cd /home/dev",
		"cd",
		"cd \"$PWD\"",
		"pushd d",
		"popd",
		"export x=canary",
		"export y",
		"unset x",
		"read x <<< 'canary 5'",
		"set -- canary 2",
		"shift",
		"printf -v x '%s' canary",
		"declare x=canary",
		"local x=1",
		"true",
		"false",
		":",
		"readonly q=1",
		"declare -a x",
		"trap 'canary 70 $x' EXIT",
		"return",
		"let y=1",
		"IFS=,",
		"x='canary 8'",
		"x=canary",
		"y=x",
		"a=(canary 1 2)",
		"unset -f f",
		"cd -- d",
		"cd -P d",
		"exit",
		"hash -r",
		"umask 022",
		"wait",
		"test -d d",
		"[ -d d ]",
		"type canary",
		"command -v canary",
		"source nofile",
		"command cd d",
		"builtin cd d/e",
		"command export x=canary",
		"command eval canary 5",
		"exec cd d",
		"read y",
		"mapfile x < /dev/null",
		"shopt -s nullglob",
		"set -e",
		"set -f",
		"set +e",
		"declare -g x=canary",
		"declare -r x=canary",
		"local -r x=canary",
		"local x=canary y=1",
		"readonly x",
		"export -p x=canary",
		"export -n x",
		"((0 && (x=1)))",
		"((1 ? 2 : (x=1)))",
		"((x=1))",
		"((x++))",
		"let 'y=0 || (x=1)'",
		"declare -i x",
		"declare -n y=x",
		": ${x:=canary}",
		"set -- $x canary",
		"shift 2",
		"read -r x y <<< 'canary 2'",
		"read -a a <<< 'canary 3'",
		"mapfile -t a <<< canary",
		"a[1]=canary",
		"a+=(canary)",
		"x+=canary",
		"unset a",
		"unset 'a[0]'",
		"x=${a[0]}",
		"getopts b: x -b canary",
		"eval 'x=canary'",
		"break",
		"continue",
	};

	put(g, PICK(g, builtins));
	if (chance(g, 12))
		put(g, chance(g, 50) ? " < nofile" : " > none/file");
}

static void
gen_simple(struct gen *g)
{
	static const char *const programs[] = { "canary", "tool", "ls", "f",
		"rm", "can\\ary", "'canary'", "\"tool\"", "$x", "${x}", "$y",
		"can\"ary\"", "\"$@\"", "$*", "${a[@]}", "${a[0]}",
		"{canary,5}", "./tool", "f" };
	const uint32_t what = gen_below(g, 100);

	while (chance(g, 15)) {
		gen_assign(g);
		put(g, " ");
	}
	if (what < 25) {
		gen_canary(g);
	} else if (what < 50) {
		put(g, PICK(g, programs));
	} else if (what < 62) {
		gen_builtin(g);
		return;
	} else if (what < 70) {
		gen_assign(g);
		return;
	} else if (what < 80) {
		gen_wrapper(g);
		return;
	} else if (what < 83) {
		put(g, "echo 'canary 71' | ");
		put(g, chance(g, 50) ? "bash" : "sh");
		return;
	} else if (what < 86) {
		put(g, "bash <<< 'canary 72'");
		return;
	} else {
		gen_word(g);
	}
	gen_words(g, 3);
	if (chance(g, 15))
		gen_redir(g);
	if (chance(g, 8))
		gen_heredoc(g);
}

/* ---- compound commands ------------------------------------------------- */

static void
gen_body(struct gen *g, const char *before, const char *after)
{
	put(g, before);
	put(g, chance(g, 70) ? " " : "\n");
	gen_list(g);
	if (g->heredocs > 0)
		gen_newline(g);
	else
		put(g, chance(g, 70) ? "; " : "\n");
	put(g, after);
}

static void
gen_cond(struct gen *g)
{
	static const char *const ops[] = { " == ", " = ", " != ", " < ",
		" -eq ", " -nt ", " =~ " };

	put(g, "[[ ");
	if (chance(g, 30)) {
		put(g, chance(g, 50) ? "-n " : "! -f ");
		gen_word(g);
	} else {
		gen_word(g);
		put(g, PICK(g, ops));
		put(g, chance(g, 50) ? "a" : "$x");
		if (chance(g, 20))
			put(g, " && -n a");
	}
	put(g, " ]]");
}

static void
gen_case(struct gen *g)
{
	put(g, "case ");
	gen_word(g);
	put(g, chance(g, 80) ? " in " : " in\n");
	for (uint32_t i = gen_below(g, 3); i > 0; i--) {
		put(g, chance(g, 50) ? "(" : "");
		put(g, chance(g, 50) ? "a|b*" : "*");
		put(g, ") ");
		if (chance(g, 90))
			gen_list(g);
		if (g->heredocs > 0)
			gen_newline(g);
		put(g, chance(g, 80) ? ";; " : ";& ");
	}
	put(g, "esac");
}

static void
gen_loop(struct gen *g)
{
	static const char *const heads[] = {
		"for x in",
		"for y in",
		"for v1 in",
	};

	if (chance(g, 60)) {
		put(g, PICK(g, heads));
		gen_words(g, 3);
		gen_body(g, chance(g, 70) ? "; do" : "\ndo", "done");
	} else if (chance(g, 30)) {
		gen_body(g, "for ((y=0; y<2; y++)); do", "done");
	} else if (chance(g, 30)) {
		put(g, "for x; do ");
		gen_body(g, "", "done");
	} else {
		put(g, "while ");
		gen_canary(g);
		put(g, "; do ");
		gen_list(g);
		if (g->heredocs > 0)
			gen_newline(g);
		else
			put(g, "; ");
		put(g, "break; done");
	}
}

static void
gen_if(struct gen *g)
{
	put(g, "if ");
	gen_list(g);
	if (g->heredocs > 0)
		gen_newline(g);
	else
		put(g, "; ");
	put(g, "then ");
	gen_list(g);
	if (g->heredocs > 0)
		gen_newline(g);
	else
		put(g, "; ");
	if (chance(g, 40)) {
		put(g, chance(g, 50) ? "else " : "elif canary 80; then ");
		gen_list(g);
		if (g->heredocs > 0)
			gen_newline(g);
		else
			put(g, "; ");
	}
	put(g, "fi");
}

static void
gen_compound(struct gen *g)
{
	const uint32_t what = gen_below(g, 100);

	if (what < 20) {
		gen_body(g, "(", ")");
	} else if (what < 38) {
		gen_body(g, "{", "}");
	} else if (what < 54) {
		gen_if(g);
	} else if (what < 70) {
		gen_loop(g);
	} else if (what < 78) {
		gen_case(g);
	} else if (what < 84) {
		gen_cond(g);
	} else if (what < 88) {
		put(g, "((");
		gen_arith(g);
		put(g, "))");
	} else {
		put(g, chance(g, 50) ? "f() " : "function f ");
		gen_body(g, "{", "}");
		if (chance(g, 60))
			put(g, chance(g, 50) ? "; f" : "; f canary 3");
		return;
	}
	if (chance(g, 12))
		gen_redir(g);
}

static void
gen_command(struct gen *g)
{
	if (chance(g, 4))
		put(g, "! ");
	else if (chance(g, 3))
		put(g, chance(g, 50) ? "time " : "time -p ");
	if (g->depth < DEPTH_MAX && g->left > 4 && chance(g, 25)) {
		g->depth++;
		gen_compound(g);
		g->depth--;
	} else {
		gen_simple(g);
	}
}

static void
gen_list(struct gen *g)
{
	static const char *const joints[] = { "; ", " && ", " || ", " | ", "\n",
		" & ", ";", "&&", "||\n", " |& ", "; # c ' \" $(\n" };

	gen_command(g);
	while (g->left > 0 && chance(g, 35)) {
		const char *const joint = PICK(g, joints);

		/* Bodies of here-documents follow the line. */
		if (joint[strlen(joint) - 1] == '\n' && g->heredocs > 0) {
			gen_newline(g);
		} else {
			put(g, joint);
		}
		gen_command(g);
	}
}

/* ---- soup -------------------------------------------------------------- */

static void
gen_soup(struct gen *g)
{
	static const char *const tokens[] = { "canary 1", "canary", " ", " ",
		"\n", ";", "&", "&&", "||", "|", "(", ")", "{", "}", "<", ">",
		"<<", "<<E", "\nE\n", "'", "\"", "`", "$", "$(", "${", "}",
		"((", "))", "$((", "[[", "]]", "if ", "then ", "fi", "do ",
		"done", "for x in ", "case x in ", "esac", ";;",
		"x=", "x=canary", "$x", "\\", "\\\n", "#", "~", "*", "{a,b}",
		"!", "f()", "a", "1", "=", "+=", "<(", ">(", "<<<", "2>", ">&",
		"$@", "eval ", "bash -c ", "'canary 2'", "\t", "time ", "@",
		":-", "#x", "[", "]", "..", "function ", "E", "while ",
		"until ", "select ", "coproc ", "in ", "else ", "elif ",
		"${x:-", "\"$x\"", "a=(", "[0]" };

	for (uint32_t i = 1 + gen_below(g, 14); i > 0; i--) {
		put(g, PICK(g, tokens));
		if (chance(g, 30))
			put(g, " ");
	}
	if (chance(g, 50))
		put(g, "; canary 9");
}

void
gen_script(struct gen *g)
{
	g->left = WORDS_MAX;
	if (chance(g, 20)) {
		gen_soup(g);
		return;
	}
	for (uint32_t i = 1 + gen_below(g, 4); i > 0; i--) {
		gen_list(g);
		gen_newline(g);
	}
}
