#!/usr/bin/env bash
# Every subcommand: help, an error for what it does not know, completion in
# bash (and in zsh and fish where they are), a place in the man page.
set -euo pipefail

assent=$ASSENT_BIN/assent
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failed=0

wrong()
{
	printf 'FAILED: %s\n' "$*"
	failed=1
}

# Those that print for programs anyway, or run one; and the screen, which is
# for people alone (programs read pending --json).
without_json='^(completion .*|hook( .*)?|mcp|mcp-proxy|acp|codex|opencode|sandbox|shell|tui|rules (schema|reference))$'

# has_json COMMAND: it, or each of its verbs
has_json()
{
	local verbs verb

	verbs=$(sed -n "s/^Usage: assent $1 \([a-z|-]*|[a-z|-]*\).*/\1/p" \
		"$folder/help")
	for verb in ${verbs//|/ } ''; do
		[[ $verb || -z $verbs ]] || continue
		[[ "$1${verb:+ $verb}" =~ $without_json ]] && continue
		# shellcheck disable=SC2086 # no verb is no word
		"$assent" "$1" $verb --help | grep -q -- --json || return 1
	done
}

mapfile -t commands < <("$assent" --help |
	awk '/^  [a-z]/ {print $1}')
((${#commands[@]} >= 8)) || wrong "only ${#commands[@]} commands"

for command in "${commands[@]}"; do
	"$assent" "$command" --help >"$folder/help" ||
		wrong "$command --help: exit status $?"
	grep -q "^Usage: assent $command" "$folder/help" ||
		wrong "$command --help has no usage"
	"$assent" help "$command" | cmp -s - "$folder/help" ||
		wrong "help $command is not $command --help"
	has_json "$command" || wrong "$command has no --json"
	status=0
	"$assent" "$command" --no-such-option >/dev/null 2>"$folder/error" ||
		status=$?
	# to a client, any other status of a hook would be a yes
	[[ $command == hook ]] && expected=2 || expected=64
	((status == expected)) ||
		wrong "$command --no-such-option: $status, not $expected"
	grep -q "no-such-option" "$folder/error" ||
		wrong "$command does not say what is wrong"
	grep -q "^\.It Cm $command" "$ASSENT_BIN/../man/assent.1" ||
		wrong "$command is not in assent(1)"
done

# ---- mistakes ---------------------------------------------------------------

status=0
"$assent" aprove x 2>"$folder/error" || status=$?
((status == 64)) || wrong "an unknown command gives $status"
grep -q "did you mean 'approve'" "$folder/error" || wrong "no did-you-mean"
"$assent" $'\e[2Jx' 2>"$folder/error" || true
grep -q $'\e' "$folder/error" && wrong "an escape sequence is echoed"
[[ $("$assent" --version) == "assent "[0-9]* ]] || wrong "--version"

# ---- completion in bash -----------------------------------------------------

# complete WORD...: what is offered for the last word
complete_words()
{
	bash --norc -c '
		source <("$1" completion bash)
		shift
		COMP_WORDS=("$@")
		COMP_CWORD=$(($# - 1))
		_assent
		printf "%s\n" "${COMPREPLY[@]}"' _ "$assent" "$@"
}

offers()
{
	local expected=$1

	shift
	# Whole, then searched: a grep that is done early fails the pipe.
	complete_words "$@" >"$folder/offered"
	grep -qx -- "$expected" "$folder/offered" ||
		wrong "completion of '$*' does not offer '$expected'"
}

offers approve assent appr
offers --sha256 assent approve --sh
offers --watch assent pending --
offers list assent grants ''
offers revoke assent grants re
offers ls assent run -- ls
PATH=$ASSENT_BIN:$PATH offers --public-key assent log verify --pu
PATH=$ASSENT_BIN:$PATH offers --threshold assent rules test --
for command in "${commands[@]}"; do
	offers "$command" assent "$command"
	offers --help assent "$command" --he
done

for shell in zsh fish; do
	"$assent" completion "$shell" >"$folder/completion.$shell" ||
		wrong "completion $shell"
	if command -v "$shell" >/dev/null; then
		"$shell" -n "$folder/completion.$shell" ||
			wrong "$shell does not read its completion"
	fi
done
"$assent" completion tcsh >/dev/null 2>&1 && wrong "completion for tcsh"

exit "$failed"
