import { defineCommand, StatusError } from "../../cli/mod.ts";
import { isPluginName } from "../../plugins/loaded_plugin.ts";
import { pluginDeclarations } from "../../plugins/declarations.ts";
import { TsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";

/** The name of the file with the type declarations. */
const TYPES_FILE = "tsd-plugin.d.ts";

/** `tsd plugin new`. */
export const pluginNew = defineCommand({
  usage: "NAME",
  args: { min: 1, max: 1 },
  flags: {},
  examples: [
    { line: "plugin new audit", note: `Writes audit.ts, which works as it stands, and ${TYPES_FILE} with all types` },
  ],
  async run({ terminal }: CommandContext, { args: [name] }) {
    if (!isPluginName(name)) {
      throw new StatusError(`${name} is no name for a plugin: use small letters, digits, ., _ and -`);
    }
    const file = `${name}.ts`;
    await write(file, plugin(name), true);
    await write(TYPES_FILE, pluginDeclarations(), false);
    await terminal.out(`${file}\n${TYPES_FILE}\n`);
    await terminal.err(`Try it: tsd plugin test ${file}. Use it: tsd plugin install ${file}\n`);
    return 0;
  },
});

async function write(path: string, content: string, createNew: boolean): Promise<void> {
  try {
    await Deno.writeTextFile(path, content, { createNew });
  } catch (thrown) {
    if (thrown instanceof Deno.errors.AlreadyExists) {
      throw new TsdError("conflict", `${path} is there already; it stays as it is`);
    }
    if (thrown instanceof Deno.errors.PermissionDenied) throw new StatusError(`open ${path}: permission denied`);
    throw thrown;
  }
}

const plugin = (name: string) =>
  `import type { Plugin } from "./tsd-plugin.d.ts";

export default {
  name: ${JSON.stringify(name)},
  apiVersion: 1,
  version: "0.1.0",
  description: "Notes when containers come and go, and refuses privileged ones",
  config: {
    allowPrivileged: { type: "flag", optional: true, about: "Let privileged containers through" },
  },
  hooks: {
    "container.validate": (container, { config }) => {
      if (container.privileged && !config.allowPrivileged) return { refuse: "privileged containers are not welcome" };
    },
    "container.started": ({ name }, { log }) => log.info(name, "has been started"),
    "container.exited": async ({ name, exitCode, ranMs }, { log, storage }) => {
      const count = Number(await storage.get("ended") ?? 0) + 1;
      await storage.set("ended", count);
      log.info(name, "ended with", exitCode, "after", ranMs, "ms; containers that have ended so far:", count);
    },
  },
} satisfies Plugin;
`;
