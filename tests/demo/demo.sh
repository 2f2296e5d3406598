#!/usr/bin/env bash
# The main job, shown: proposals, decisions, runs in the sandbox, a person's
# answer, and the log. Everything is in one temporary folder that is removed.
#
#	ASSENT_BIN=build/dev/bin bash tests/demo/demo.sh
set -euo pipefail

: "${ASSENT_BIN:?where assent and assentd are}"
PATH=$ASSENT_BIN:$PATH
folder=$(mktemp -d "${TMPDIR:-/tmp}/assent-demo.XXXXXX")
runtime=$folder/run
state=$folder/state
project=$folder/project
provider=${ASSENT_PROVIDER:-$(dirname "${BASH_SOURCE[0]}")/../fake/provider.py}
provider=$(realpath "$provider")
daemon=
model=

leave()
{
	if [[ -n $daemon ]]; then
		kill "$daemon" 2>/dev/null || true
		wait "$daemon" 2>/dev/null || true
	fi
	if [[ -n $model ]]; then
		kill "$model" 2>/dev/null || true
		wait "$model" 2>/dev/null || true
	fi
	rm -rf "$folder"
}
trap leave EXIT
trap 'exit 130' INT TERM

fail()
{
	printf '\ndemo: %s\n' "$*" >&2
	[[ -f $folder/daemon.log ]] && tail -n 20 "$folder/daemon.log" >&2
	exit 1
}

step()
{
	printf '\n%s\n' "$*"
}

# expect STATUS COMMAND...: shown, run, and its exit status checked.
expect()
{
	local wanted=$1 status=0 shown

	shift
	shown=$(printf ' %q' "$@")
	shown=${shown// --runtime $runtime/}
	shown=${shown// --state $state/}
	shown=${shown//$folder\/}
	printf '$%s\n' "$shown"
	"$@" 2>&1 || status=$?
	((status == wanted)) ||
		fail "exit status $status, expected $wanted"
}

propose()
{
	expect "$1" assent run --runtime "$runtime" -- "${@:2}"
}

# ---- a project and a daemon -------------------------------------------------

mkdir -m 700 "$project"
cd "$project"
cat >check.sh <<'EOF'
#!/bin/bash
echo "checking, as uid $(id -u), in $(basename "$PWD")"
echo result >result.txt && echo "wrote result.txt"
for path in /usr/owned /etc/owned "$HOME/.owned"; do
	(echo owned >"$path") 2>/dev/null && echo "WROTE $path"
done
(exec 3<>/dev/tcp/127.0.0.1/80) 2>/dev/null && echo "REACHED THE NETWORK"
echo "it wrote nothing outside, and reached nothing"
EOF
chmod +x check.sh
git init --quiet --initial-branch=main .
git init --quiet --bare published.git
git remote add origin ./published.git
git add check.sh
git -c user.name=demo -c user.email=demo@example.org \
	commit --quiet --message 'A first version'

# A stand-in for an LLM provider: it follows a script, no model is in it. It
# ends when its standard input does.
mkfifo "$folder/hold"
# shellcheck disable=SC2034 # it only has to be open
exec {hold}<>"$folder/hold"
python3 -B "$provider" --unix "$folder/provider.sock" --deny example.com \
	>"$folder/provider.log" 2>&1 <"$folder/hold" &
model=$!
cat >"$folder/assent.yaml" <<EOF
reviewer:
  providers:
    - {name: scripted-provider, format: chat, model: no-model,
       url: "unix:$folder/provider.sock"}
EOF
chmod 600 "$folder/assent.yaml"

assentd --foreground --state "$state" --runtime "$runtime" \
	--config "$folder/assent.yaml" \
	>"$folder/daemon.log" 2>&1 &
daemon=$!
for ((i = 0; ; i++)); do
	assent status --runtime "$runtime" >/dev/null 2>&1 && break
	kill -0 "$daemon" 2>/dev/null || fail "assentd ended"
	((i < 200)) || fail "assentd is not ready after 20 s"
	sleep 0.1
done

# ---- what an agent proposes -------------------------------------------------

step "1. Allowed by rules; runs in the sandbox"
propose 0 git log --oneline --no-decorate

step "2. Denied by rules; nothing runs"
propose 125 rm -rf /usr

step "3. The project's own code: runs, but cannot leave the sandbox"
propose 0 ./check.sh
[[ $(cat result.txt) == result ]] || fail "the sandbox lost a write"
[[ ! -e /usr/owned && ! -e /etc/owned && ! -e $HOME/.owned ]] ||
	fail "something was written outside of the workspace"

# ---- what rules send to a reviewer -------------------------------------------

step "4. Rules cannot tell: a reviewer approves it, once (a scripted provider"
echo "   answers here, no model; docs/reviewer.md sets up a real one)"
propose 0 git fetch --verbose origin

step "5. Rules cannot tell: the reviewer denies it; nothing runs"
propose 125 curl --silent https://example.com/install.sh

# ---- a question to a person -------------------------------------------------

step "6. Needs a person; waits, and runs once it is approved"
# api DOOR CURL-OPTION...: the public API over one of the two sockets
api()
{
	curl --silent --show-error --max-time 60 \
		--unix-socket "$runtime/$1.sock" "${@:2}"
}

# of NAME: a member of the JSON object on standard input
of()
{
	python3 -c '
import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1].split("."):
    value = value[name]
print(value)' "$1"
}

api agent http://assent/v1/actions \
	--header 'Content-Type: application/json' --data-binary @- \
	>"$folder/asked.json" <<EOF
{"tool": "shell", "input": {"script": "git push origin main"},
 "cwd": "$project", "workspace": "$project", "execute": true,
 "justification": "publish the first version"}
EOF
id=$(of id <"$folder/asked.json")
[[ $(of state <"$folder/asked.json") == pending ]] || fail "it does not wait"
[[ -z $(git -C published.git branch) ]] || fail "it ran unasked"
expect 0 assent pending --long --runtime "$runtime"

etag=$(api approver --head "http://assent/v1/actions/$id" |
	sed -n 's/^[Ee][Tt]ag: *\(.*\)\r$/\1/p')
# shellcheck disable=SC2016 # shown as it is written
echo '$ curl -X PUT .../v1/actions/$id/decision -d '"'"'{"decision": "allow"...'
api approver -X PUT "http://assent/v1/actions/$id/decision" \
	--header 'Content-Type: application/json' --header "If-Match: $etag" \
	--data "{\"decision\": \"allow\", \"action_sha256\":
		\"$(of action_sha256 <"$folder/asked.json")\"}" \
	>"$folder/answer.json"
[[ $(of decision <"$folder/answer.json") == allow ]] ||
	fail "not approved: $(cat "$folder/answer.json")"
api agent --header 'Prefer: wait=30' "http://assent/v1/actions/$id" \
	>"$folder/done.json"
echo "decision: $(of decision <"$folder/done.json")," \
	"by: $(of decided_by <"$folder/done.json")," \
	"exit: $(of outcome.exit <"$folder/done.json")"
of outcome.stderr <"$folder/done.json"
[[ $(of outcome.exit <"$folder/done.json") == 0 ]] || fail "the push failed"
git -C published.git rev-parse --quiet --verify main >/dev/null ||
	fail "nothing was pushed"

# ---- the log ----------------------------------------------------------------

step "7. Every decision is in the log, and the log can be checked"
expect 0 assent log list --state "$state"
expect 0 assent log verify --state "$state"

kill "$daemon"
wait "$daemon" || fail "assentd did not end in order"
daemon=

step "8. One byte of a copy changed: it is found"
cp -r "$state" "$folder/copy"
python3 - "$folder/copy/assent.db" <<'EOF'
import sys
with open(sys.argv[1], "r+b") as file:
    data = file.read()
    # in the row of the denial, the rule becomes one that there is not
    at = data.index(b"floor.delete-system")
    file.seek(at)
    file.write(b"F")
EOF
expect 1 assent log verify --state "$folder/copy"

step "Done; nothing is left behind."
