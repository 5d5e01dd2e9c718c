import { completeLine, type Completion } from "../../cli/completion.ts";
import { defineCommand, printableLine } from "../../cli/mod.ts";
import type { Client } from "../../client/client.ts";
import { toTsdError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import { FILE_ARGUMENTS, FILE_FLAGS, FLAG_VALUES, RUNNING_ONLY, SHELLS } from "./values.ts";
import { COMMANDS, GLOBAL_FLAGS, GROUPS } from "../table.ts";

/** The candidate that makes the shell's script complete file names. */
const FILES = ":files";

interface Word {
  readonly text: string;
  readonly note: string;
}

/** `tsd __complete`: called by the shells' completion scripts. Prints a candidate, a tab and its description per line. */
export const complete = defineCommand({
  usage: "[WORD...]",
  args: { min: 0 },
  flags: {},
  flagsFirst: true,
  examples: [],
  async run({ terminal, runningEngine }: CommandContext, { args }) {
    const current = args.at(-1) ?? "";
    const program = { commands: COMMANDS, groups: GROUPS, globalFlags: GLOBAL_FLAGS };
    const words = await wordsFor(await completeLine(program, args), runningEngine);
    const lines = words.filter(({ text }) => text === FILES || text.startsWith(current))
      .map(({ text, note }) => note === "" ? text : `${text}\t${note}`);
    await terminal.out(
      [...new Set(lines)].map((line) => `${line.split("\t").map(printableLine).join("\t")}\n`).join(""),
    );
    return 0;
  },
});

async function wordsFor(completion: Completion, engine: Client): Promise<readonly Word[]> {
  switch (completion.kind) {
    case "words":
      return completion.candidates;
    case "value": {
      const { command, flag, prefix } = completion;
      if (FILE_FLAGS.has(flag)) return [{ text: FILES, note: "" }];
      const values = FLAG_VALUES[`${command} ${flag}`] ?? FLAG_VALUES[flag] ?? [];
      return values.map((value) => ({ text: prefix + value, note: "" }));
    }
    case "argument":
      return [...completion.also, ...await argumentStrings(completion.name, completion.command, engine)];
  }
}

async function argumentStrings(name: string, command: string, engine: Client): Promise<readonly Word[]> {
  const verb = command.split(" ").at(-1) ?? "";
  try {
    if (name === "SHELL") return SHELLS.map((text) => ({ text, note: "" }));
    if (name === "NAME|ID") {
      return [...await containers(engine, true), ...await images(engine), ...await volumes(engine)];
    }
    // A volume to be created has no name yet.
    if (name.startsWith("VOLUME")) return verb === "create" ? [] : await volumes(engine);
    if (verb === "cp") return [{ text: FILES, note: "" }, ...await containerPaths(engine)];
    if (FILE_ARGUMENTS.has(name)) return [{ text: FILES, note: "" }];
    if (name.startsWith("CONTAINER")) return await containers(engine, !RUNNING_ONLY.has(verb));
    return /IMAGE|REPOSITORY|NAME\[:TAG/.test(name) ? await images(engine) : [];
  } catch (thrown) {
    // Completion can't show errors, and without a running engine there are no names.
    toTsdError(thrown);
    return [];
  }
}

async function containers(engine: Client, all: boolean): Promise<Word[]> {
  const found = await engine.containers.list({ all });
  return found.flatMap(({ Names, Status, Image }) =>
    Names.slice(0, 1).map((name) => ({ text: name.slice(1), note: `${Image}, ${Status}` }))
  );
}

async function volumes(engine: Client): Promise<Word[]> {
  return (await engine.volumes.list()).Volumes.map(({ Name }) => ({ text: Name, note: "volume" }));
}

/** Returns the prefixes `CONTAINER:` of paths in containers. */
async function containerPaths(engine: Client): Promise<Word[]> {
  return (await containers(engine, true)).map(({ text, note }) => ({ text: `${text}:`, note }));
}

async function images(engine: Client): Promise<Word[]> {
  const names = (await engine.images.list()).flatMap(({ RepoTags }) => RepoTags ?? []);
  return names.flatMap((name) => {
    const words = [{ text: name, note: "image" }];
    return name.endsWith(":latest") ? [{ text: name.slice(0, -":latest".length), note: "image" }, ...words] : words;
  });
}
