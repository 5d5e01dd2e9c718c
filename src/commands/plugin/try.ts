import type { PluginTestStep } from "../../api_types/mod.ts";
import { defineCommand, printableLine } from "../../cli/mod.ts";
import type { CommandContext } from "../context.ts";
import { GRANT_FLAGS, settingsOf } from "./grants.ts";
import { readPluginFile } from "./plugin_file.ts";

/** `tsd plugin test`. */
export const pluginTest = defineCommand({
  usage: "[OPTIONS] FILE",
  args: { min: 1, max: 1 },
  flags: { set: GRANT_FLAGS.set },
  examples: [{
    line: "plugin test audit.ts",
    note: "Asks a plugin about the recorded life of a container, from pull to removal; nothing is installed",
  }],
  async run({ terminal, engine }: CommandContext, { args: [path], flags }) {
    const file = await readPluginFile(path);
    const { Steps, Log } = await engine.plugins.test({ ...file, Config: settingsOf(flags.set) });
    for (const step of Steps) await terminal.out(`${lineOf(step)}\n`);
    for (const line of Log) await terminal.out(`log  ${printableLine(line)}\n`);
    const failed = Steps.filter(({ Error }) => Error !== "").length;
    await terminal.out(`${Steps.length - failed} answered, ${failed} failed\n`);
    return failed === 0 ? 0 : 1;
  },
});

function lineOf({ Hook, Answer, Error: error, Ms }: PluginTestStep): string {
  const result = error !== "" ? error : Answer === null ? "(nothing)" : JSON.stringify(Answer);
  return `${error === "" ? "ok  " : "FAIL"} ${Hook} (${Ms} ms): ${printableLine(result)}`;
}
