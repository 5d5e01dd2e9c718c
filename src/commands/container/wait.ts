import { defineCommand } from "../../cli/mod.ts";
import { persistently } from "../../client/reconnect.ts";
import type { CommandContext } from "../context.ts";
import { forEachTarget } from "./for_each_target.ts";

/** `tsd wait`. */
export const wait = defineCommand({
  usage: "CONTAINER [CONTAINER...]",
  args: { min: 1 },
  flags: {},
  examples: [{ line: "wait job", note: "Wait for a container and print its exit code" }],
  async run({ terminal, engine }: CommandContext, { args }) {
    const codes = new Map<string, number>();
    const action = async (name: string) => {
      const { StatusCode } = await persistently(() => engine.containers.get(name).beginWait(), (exit) => exit.result());
      codes.set(name, StatusCode);
    };
    return await forEachTarget(terminal, args, action, { report: (name) => `${codes.get(name)}\n` });
  },
});
