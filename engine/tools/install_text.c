/*
 * The policy for Gemini CLI and the plugin for opencode.
 * Runs in: nothing here; the clients read them.  Trusts: nothing.
 * Owns: nothing.
 */
#include "install_text.h"

const char install_gemini_policy[] =
    "# Written by 'assent install gemini': the BeforeTool hook decides, so\n"
    "# these tools are not asked about a second time.\n"
    "[[rule]]\n"
    "toolName = [\"run_shell_command\", \"write_file\", \"replace\", "
    "\"read_file\",\n"
    "  \"glob\", \"grep_search\", \"list_directory\", \"web_fetch\"]\n"
    "decision = \"allow\"\n"
    "priority = 100\n";

const char install_opencode_plugin[] =
    "// Written by 'assent install opencode': every tool call is asked "
    "about,\n"
    "// and whatever goes wrong is a no.\n"
    "import { spawn } from \"node:child_process\"\n"
    "\n"
    "const ask = (body) => new Promise((resolve, reject) => {\n"
    "  const child = spawn(\"/bin/sh\", [\"-c\", \"exec \" + COMMAND],\n"
    "    { stdio: [\"pipe\", \"pipe\", \"inherit\"] })\n"
    "  let text = \"\"\n"
    "  child.stdout.on(\"data\", (bytes) => { text += bytes })\n"
    "  child.on(\"error\", reject)\n"
    "  child.on(\"close\", () => {\n"
    "    try { resolve(JSON.parse(text)) } catch (e) {\n"
    "      reject(new Error(\"assent gave no answer; this was not run\"))\n"
    "    }\n"
    "  })\n"
    "  child.stdin.on(\"error\", () => {})\n"
    "  child.stdin.end(JSON.stringify(body))\n"
    "})\n"
    "\n"
    "export const Assent = async (ctx) => ({\n"
    "  \"tool.execute.before\": async (input, output) => {\n"
    "    const answer = await ask({ hook: \"tool.execute.before\",\n"
    "      tool: input.tool, session: input.sessionID, call: "
    "input.callID,\n"
    "      args: output.args, directory: ctx.directory })\n"
    "    if (answer.decision === \"pass\") return\n"
    "    if (answer.decision !== \"allow\")\n"
    "      throw new Error(answer.reason || \"assent denied this\")\n"
    "    if (answer.args) Object.assign(output.args, answer.args)\n"
    "  },\n"
    "  \"tool.execute.after\": async (input, output) => {\n"
    "    await ask({ hook: \"tool.execute.after\", tool: input.tool,\n"
    "      session: input.sessionID, call: input.callID,\n"
    "      output: String(output.output ?? \"\"), directory: "
    "ctx.directory })\n"
    "      .catch(() => {})\n"
    "  },\n"
    "})\n";
