"""The same 1,000 rules and 1,000 commands, judged by other engines and by ours,
in one run: CPU time of a decision. What can run in a process of its own choice
is measured in it; one process for each decision is compared with the same.

    ASSENT_PEERS=DIR ./dev bench peers

DIR is a folder where these were installed by npm (some 800 MB, so it is not
done by itself): @cedar-policy/cedar-wasm @google/gemini-cli-core @openai/codex
"""

import json
import os
import random
import resource
import subprocess
import sys
import tempfile

BIN = os.environ["ASSENT_BIN"]
PEERS = os.environ.get("ASSENT_PEERS")
RULES = 1000
CALLS = 1000
PROCESSES = 20

COMMON = """
const fs = require("fs");
const {rules, calls} = JSON.parse(fs.readFileSync(process.argv[2]));
function report(name, decide) {
  return (async () => {
    const counts = {};
    for (let i = 0; i < 200; i++) await decide(calls[i]);
    const start = process.cpuUsage();
    for (const c of calls) {
      const d = await decide(c);
      counts[d] = (counts[d] || 0) + 1;
    }
    const used = process.cpuUsage(start);
    console.log(JSON.stringify({us: (used.user + used.system) / calls.length,
                                counts}));
  })();
}
"""

CEDAR = COMMON + """
const cedar = require("@cedar-policy/cedar-wasm/nodejs");
const text = rules.map((r, i) => {
  const when = `when { context.program == "${r.program}" && ` +
    `context.sub == "${r.sub}" };`;
  if (r.decision === "allow")
    return `permit(principal, action == Action::"run", resource) ${when}`;
  return `@d("${r.decision}")\\n` +
    `forbid(principal, action == Action::"run", resource) ${when}`;
}).join("\\n");
const parsed = cedar.preparsePolicySet("p", {staticPolicies: text});
if (parsed.type !== "success") throw new Error(JSON.stringify(parsed));
report("cedar", (c) => {
  const call = JSON.parse(c.json);
  const words = call.input.script.split(" ");
  const a = cedar.statefulIsAuthorized({
    principal: {type: "Agent", id: "a"}, action: {type: "Action", id: "run"},
    resource: {type: "Tool", id: "shell"}, preparsedPolicySetId: "p",
    context: {program: words[0], sub: words[1]}, entities: []});
  return a.response.decision;
});
"""

GEMINI = COMMON + """
(async () => {
  const {PolicyEngine} = await import(
    process.argv[3] + "/@google/gemini-cli-core/dist/src/policy/" +
    "policy-engine.js");
  const utils = await import(process.argv[3] +
    "/@google/gemini-cli-core/dist/src/utils/shell-utils.js");
  await utils.initializeShellParsers();
  const engine = new PolicyEngine({rules: rules.map((r) => ({
    toolName: "run_shell_command",
    argsPattern: new RegExp(`"command":"${r.program} ${r.sub}(?:[\\\\s"]|$)`),
    decision: r.decision === "ask" ? "ask_user" : r.decision,
    priority: {allow: 1, ask: 2, deny: 3}[r.decision]})),
    defaultDecision: "ask_user"});
  await report("gemini", async (c) => {
    const call = JSON.parse(c.json);
    const r = await engine.check({name: "run_shell_command",
      args: {command: call.input.script}}, undefined);
    return r.decision;
  });
})();
"""


def make():
    dice = random.Random(1)
    programs = [f"prog{n}" for n in range(RULES // 4)]
    subs = [f"sub{n}" for n in range(50)]
    pairs = set()
    while len(pairs) < RULES:
        pairs.add((dice.choice(programs), dice.choice(subs)))
    rules = [{"program": p, "sub": s,
              "decision": dice.choice(["allow"] * 3 + ["ask", "deny"])}
             for p, s in sorted(pairs)]
    calls = []
    for _ in range(CALLS):
        script = (f"{dice.choice(programs + ['other'] * 60)} "
                  f"{dice.choice(subs)} --option{dice.randrange(99)} "
                  "src/some/folder/name.c")
        calls.append({"json": json.dumps({
            "tool": "shell", "input": {"script": script},
            "cwd": "/home/dev/proj", "workspace": "/home/dev/proj",
            "session": "s-1", "agent": {"name": "codex", "version": "1"},
            "justification": "build and test what was changed"})})
    return rules, calls


def cpu(command, **more):
    """User and system time of one run, in microseconds; its output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, check=False,
                          timeout=300, **more)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = (after.ru_utime + after.ru_stime - before.ru_utime
            - before.ru_stime)
    return used * 1e6, done


def node(folder, name, text, data):
    path = f"{folder}/{name}.cjs"
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    modules = os.path.join(PEERS, "node_modules")
    _, done = cpu(["node", path, data, modules],
                  env={**os.environ, "NODE_PATH": modules})
    if done.returncode != 0:
        raise SystemExit(done.stderr.decode())
    # Some of them print what they load, too.
    told = json.loads(next(line for line in done.stdout.splitlines()
                           if line.startswith(b'{"us"')))
    print(f"# {name}: {told['counts']}")
    return told["us"]


def ours_in_process(folder, rules, calls):
    """Thread time of a whole decision: the shell, the effects, all rules."""
    with open(f"{folder}/rules.d/rules.yaml", "w", encoding="ascii") as f:
        f.write("assent: 1\nrules:\n")
        for i, r in enumerate(rules):
            f.write(f"  - {{id: r.{i}, decision: {r['decision']}, command: "
                    f"{{program: {r['program']}, subcommand: {r['sub']}}}}}"
                    "\n")
    command = [f"{BIN}/assent", "check", "--jsonl", "--rules",
               f"{folder}/rules.d"]
    one = calls[0]["json"] + "\n"
    many = "".join(c["json"] + "\n" for c in calls) * 20
    best = None
    for _ in range(3):
        small, _ = cpu(command, input=one.encode())
        large, _ = cpu(command, input=many.encode())
        each = (large - small) / (CALLS * 20)
        best = each if best is None else min(best, each)
    single = min(cpu(command, input=one.encode())[0] for _ in range(5))
    return best, single


def codex(folder, rules):
    path = f"{folder}/default.rules"
    words = {"allow": "allow", "ask": "prompt", "deny": "forbidden"}
    with open(path, "w", encoding="ascii") as f:
        for r in rules:
            f.write(f'prefix_rule(pattern=["{r["program"]}", "{r["sub"]}"], '
                    f'decision="{words[r["decision"]]}")\n')
    program = os.path.join(PEERS, "node_modules", ".bin", "codex")
    command = [program, "execpolicy", "check", "--rules", path,
               rules[0]["program"], rules[0]["sub"]]
    times = []
    for _ in range(PROCESSES):
        used, done = cpu(command)
        if done.returncode != 0:
            print(f"# codex: {done.stderr.decode()[:200]}")
            return None
        times.append(used)
    return min(times)


def main():
    if not PEERS:
        print("peers: set ASSENT_PEERS to a folder with them, see "
              "tests/bench/peers.py; nothing is measured")
        return 0
    with tempfile.TemporaryDirectory(prefix="assent-bench-") as folder:
        os.mkdir(f"{folder}/rules.d")
        rules, calls = make()
        data = f"{folder}/data.json"
        with open(data, "w", encoding="ascii") as f:
            json.dump({"rules": rules, "calls": calls}, f)
        ours, single = ours_in_process(folder, rules, calls)
        cedar = node(folder, "cedar", CEDAR, data)
        gemini = node(folder, "gemini", GEMINI, data)
        process = codex(folder, rules)
    print(f"ours_json_in_and_out\t{ours:.1f}\tus")
    print(f"cedar_wasm\t{cedar:.1f}\tus")
    print(f"gemini_policy_engine\t{gemini:.1f}\tus")
    print(f"cedar_to_ours\t{cedar / ours:.1f}\tx")
    print(f"gemini_to_ours\t{gemini / ours:.1f}\tx")
    print(f"ours_one_process\t{single:.0f}\tus")
    if process is not None:
        print(f"codex_one_process\t{process:.0f}\tus")
        print(f"codex_process_to_ours_in_one\t{process / ours:.0f}\tx")
    return 0


if __name__ == "__main__":
    sys.exit(main())
